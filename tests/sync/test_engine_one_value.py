"""A target that holds one value gets the newest only, and never goes back in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.engine import READINGS, World, engine_world
from fixtures.killed import weights
from fixtures.places import Notebook
from weighbridge.targets.base import LatestOnly
from weighbridge.testing.builders import NOON


class Profile(Notebook):
    """It knows the present weight and no dates."""

    oldest = 86_400.0


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[World[Profile]]:
    with engine_world(tmp_path, Profile) as world:
        yield world


def test_a_target_that_holds_one_value_gets_the_newest_only(profile: World[Profile]) -> None:
    for minute in range(READINGS):
        profile.weigh(at=minute)
    assert isinstance(profile.place, LatestOnly)
    assert profile.deliver() is None
    assert profile.kilograms() == weights(READINGS - 1)
    assert profile.states() == ["skipped"] * (READINGS - 1) + ["delivered"]
    assert all(row["answer"] for row in profile.rows()[:-1])


def test_a_target_that_holds_one_value_never_goes_back_in_time(profile: World[Profile]) -> None:
    profile.weigh(at=5)
    profile.deliver()
    profile.weigh("60", at=4)
    assert profile.deliver() is None
    assert profile.kilograms() == weights(5)
    profile.weigh("71.5", at=5)
    profile.deliver()
    assert profile.kilograms() == weights(5, kg="71.5"), "a correction is not back in time"


def test_a_target_that_holds_one_value_gets_nothing_old(profile: World[Profile]) -> None:
    profile.weigh()
    profile.now += 86_400
    assert profile.deliver() is None
    assert profile.kilograms() == []
    assert profile.states() == ["skipped"]


def test_what_is_old_is_told_by_the_clock_of_the_cloud(profile: World[Profile]) -> None:
    profile.weigh()
    profile.now += 400 * 86_400  # the clock of this computer is wrong
    assert profile.deliver(cloud_now=NOON + 60.0) is None
    assert profile.kilograms() == weights(0)
