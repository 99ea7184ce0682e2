"""A payload that is refused is taken apart until the bad readings are found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fixtures.engine import READINGS, World
from fixtures.groups import group, group_as_sent
from fixtures.killed import weights
from fixtures.places import Place, PlaceFault
from weighbridge.core.errors import RetryLater
from weighbridge.core.reason import read_reason
from weighbridge.storage.archive import StoredGroup
from weighbridge.testing.builders import NOON


@pytest.mark.parametrize("bad", [{0}, {2}, {4}, {0, 1}, {1, 3, 4}, set(range(READINGS))])
def test_a_payload_refused_as_a_whole_is_split_until_the_bad_one_is_found(
    world: World[Place], bad: set[int]
) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.place.refused = {NOON + 60 * minute for minute in bad}
    assert world.deliver() is None
    good = [minute for minute in range(READINGS) if minute not in bad]
    assert world.kilograms() == weights(*good)
    expected = ["rejected" if minute in bad else "confirmed" for minute in range(READINGS)]
    assert world.states() == expected
    answers = [read_reason(r["answer"]) for r in world.rows() if r["state"] == "rejected"]
    assert {answer.sentences() for answer in answers if answer} == {
        "The place refused the payload. Look at its readings."
    }


def test_readings_that_are_refused_by_name_do_not_sink_the_others(world: World[Place]) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.place.refused_alone = {NOON + 60}
    assert world.deliver() is None
    assert world.states() == ["confirmed", "rejected", "confirmed", "confirmed", "confirmed"]


def test_what_was_rejected_is_not_sent_again_until_it_changes(world: World[Place]) -> None:
    world.weigh("70.5")
    world.place.refused_alone = {NOON}
    world.deliver()
    calls = world.calls("send")
    world.deliver()
    assert world.calls("send") == calls
    world.place.refused_alone = set()
    world.weigh("71.5")
    world.deliver()
    assert world.states() == ["superseded", "confirmed"]


def test_the_refusal_of_a_reading_that_changed_meanwhile_needs_nobody(
    world: World[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.weigh("70.5")
    world.place.refused_alone = {NOON}
    while_sending(world, monkeypatch, lambda: world.weigh("71.5"))
    world.deliver()
    assert world.states() == ["superseded", "planned"]


def test_the_refusal_of_a_reading_that_changed_and_changed_back_needs_nobody(
    world: World[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.weigh("70.5")
    world.place.refused_alone = {NOON}

    def change_and_change_back() -> None:
        world.weigh("71.5")
        one = group({1: "70.5"}, group_id=1, taken_at=NOON)
        with world.database.transaction():
            page = [(one, StoredGroup(group_as_sent(one).decode(), None))]
            world.archive.store(page, [], world.now)

    while_sending(world, monkeypatch, change_and_change_back)
    world.deliver()
    assert world.states() == ["superseded", "planned"]


def test_the_refusal_of_a_reading_that_is_gone_meanwhile_needs_nobody(
    world: World[Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.weigh("70.5")
    world.place.refused_alone = {NOON}

    def forget() -> None:
        assert world.archive.forget_missing(set(), NOON, NOON, world.now) == 1
        world.plan()

    while_sending(world, monkeypatch, forget)
    world.deliver()
    assert world.states() == ["superseded"]


def while_sending(
    world: World[Place], monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]
) -> None:
    """Have another process store something while a payload is on its way, once."""
    send = world.place.send

    def send_late(payload: Any) -> Any:
        monkeypatch.undo()
        happens()
        return send(payload)

    monkeypatch.setattr(world.place, "send", send_late)


def test_trouble_in_the_middle_of_splitting_keeps_what_was_found_out(world: World[Place]) -> None:
    for minute in range(3):
        world.weigh(at=minute)
    world.place.refused = {NOON}
    # The halves are asked one after another; the one that could still be sent meets trouble.
    world.place.faults.append(PlaceFault(RetryLater("Busy.")))
    assert isinstance(world.deliver(), RetryLater)
    assert world.states() == ["rejected", "planned", "planned"]
    assert world.deliver() is None
    assert world.states() == ["rejected", "confirmed", "confirmed"]
