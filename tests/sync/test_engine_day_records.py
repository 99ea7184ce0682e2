"""A target with one record a day keeps the newest reading of each, in any order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from fixtures.engine import World, engine_world
from fixtures.killed import weights
from fixtures.places import DaySheet, PlaceFault
from weighbridge.core.errors import OutcomeUnknown, RetryLater
from weighbridge.sync.overtaken import NEWER_CAME
from weighbridge.targets.base import DayRecords

DAY = 24 * 60
"""Minutes."""


@pytest.fixture
def sheet(tmp_path: Path) -> Iterator[World[DaySheet]]:
    with engine_world(tmp_path, DaySheet) as world:
        world.now += 3 * 86_400
        yield world


def test_each_day_keeps_its_newest_reading(sheet: World[DaySheet]) -> None:
    for minute in (0, 5, DAY, DAY + 7):
        sheet.weigh(at=minute)
    assert isinstance(sheet.place, DayRecords)
    assert sheet.deliver() is None
    assert sheet.kilograms() == weights(5, DAY + 7)


def test_a_late_older_reading_does_not_overwrite_a_newer_one(sheet: World[DaySheet]) -> None:
    sheet.weigh("70", at=5)
    sheet.deliver()
    sheet.weigh("80", at=4)
    assert sheet.deliver() is None
    assert sheet.kilograms() == weights(5, kg="70")
    assert sheet.states() == ["skipped", "delivered"]
    assert sheet.rows()[0]["answer"] == NEWER_CAME.to_json()


def test_a_late_reading_of_an_earlier_day_is_sent(sheet: World[DaySheet]) -> None:
    sheet.weigh(at=DAY)
    sheet.deliver()
    sheet.weigh(at=0)
    assert sheet.deliver() is None
    assert sheet.kilograms() == weights(0, DAY)


def test_the_day_is_the_local_one(sheet: World[DaySheet]) -> None:
    """08:53 in UTC: 17:53 in Tokyo, where a new day begins after 367 minutes."""
    sheet.weigh(at=367, timezone="Asia/Tokyo")
    sheet.deliver()
    sheet.weigh(at=366, timezone="Asia/Tokyo")
    sheet.deliver()
    assert sheet.kilograms() == weights(366, 367)


def test_a_correction_of_the_newest_reading_is_sent(sheet: World[DaySheet]) -> None:
    sheet.weigh("70", at=5)
    sheet.deliver()
    sheet.weigh("71.5", at=5)
    assert sheet.deliver() is None
    assert sheet.kilograms() == weights(5, kg="71.5")


def test_a_correction_of_an_older_reading_is_not(sheet: World[DaySheet]) -> None:
    sheet.weigh("70", at=4)
    sheet.weigh("71", at=5)
    sheet.deliver()
    sheet.weigh("80", at=4)
    assert sheet.deliver() is None
    assert sheet.kilograms() == weights(5, kg="71")


def test_what_was_put_off_is_not_sent_after_a_newer_one(sheet: World[DaySheet]) -> None:
    sheet.weigh("70", at=4)
    sheet.place.faults.append(PlaceFault(RetryLater("Busy.")))
    sheet.deliver()
    sheet.weigh("71", at=5)
    sheet.deliver(heed_backoff=True)
    assert sheet.kilograms() == weights(5, kg="71")
    sheet.now += 86_400
    sheet.deliver()
    assert sheet.kilograms() == weights(5, kg="71")


def test_a_newer_one_that_may_have_arrived_counts(sheet: World[DaySheet]) -> None:
    sheet.weigh("71", at=5)
    sheet.place.faults.append(PlaceFault(OutcomeUnknown("No answer."), written=None))
    sheet.deliver()
    sheet.weigh("80", at=4)
    sheet.deliver()
    assert sheet.kilograms() == weights(5, kg="71")


@pytest.mark.parametrize("order", list(permutations((3, 4, 5))))
def test_the_order_of_arrival_does_not_matter(
    sheet: World[DaySheet], order: tuple[int, ...]
) -> None:
    for minute in order:
        sheet.weigh(at=minute)
        sheet.deliver()
    assert sheet.kilograms() == weights(5)
