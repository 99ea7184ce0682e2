"""A lost answer is not a failure: one looks before anything is sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fixtures.engine import READINGS, World
from fixtures.killed import weights
from fixtures.places import Letterbox, Notebook, Place, PlaceFault
from weighbridge.core.errors import OutcomeUnknown, RetryLater
from weighbridge.targets.base import Receipt


def test_a_lost_answer_is_not_a_failure(world: World[Place]) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.place.faults.append(PlaceFault(OutcomeUnknown("The connection broke."), written=None))
    problem, engine = world.deliver_and_count()
    assert problem is None
    assert world.kilograms() == weights(*range(READINGS))
    assert world.states() == ["confirmed"] * READINGS
    assert engine.counts.sent == READINGS


def test_a_lost_question_is_asked_again_when_it_cannot_have_arrived(world: World[Place]) -> None:
    world.weigh()
    world.place.faults.append(PlaceFault(OutcomeUnknown("The connection broke.")))
    assert isinstance(world.deliver(), OutcomeUnknown)
    assert world.states() == ["unknown"]
    world.now += Place.visible_after - 1
    assert world.deliver() is None
    assert world.states() == ["unknown"]
    assert world.calls("send") == 1
    world.now += 1
    assert world.deliver() is None
    assert world.states() == ["confirmed"]
    assert world.kilograms() == weights(0)


def test_what_arrived_late_is_seen_and_not_sent_again(world: World[Place]) -> None:
    world.weigh()
    world.place.delay = 300.0
    world.place.faults.append(PlaceFault(OutcomeUnknown("The connection broke."), written=None))
    world.deliver()
    world.now += 301
    world.deliver()
    assert world.states() == ["confirmed"]
    assert world.kilograms() == weights(0)


def test_a_part_that_arrived_is_seen_and_the_rest_is_sent_again(world: World[Place]) -> None:
    for minute in range(3):
        world.weigh(at=minute)
    world.place.faults.append(PlaceFault(OutcomeUnknown("The connection broke."), written=1))
    world.deliver()
    assert world.states() == ["confirmed", "unknown", "unknown"]
    world.now += Place.visible_after
    world.deliver()
    assert world.states() == ["confirmed"] * 3
    assert world.kilograms() == weights(0, 1, 2)


def test_a_place_that_cannot_be_read_needs_a_person_after_a_lost_answer(
    letters: World[Letterbox],
) -> None:
    letters.weigh()
    letters.place.faults.append(PlaceFault(OutcomeUnknown("The connection broke."), written=None))
    letters.deliver()
    letters.now += 10 * 86_400
    letters.deliver()
    assert letters.states() == ["unknown"]
    assert letters.kilograms() == weights(0)


def test_a_place_that_may_get_it_twice_is_simply_sent_it_again(notes: World[Notebook]) -> None:
    for minute in range(READINGS):
        notes.weigh(at=minute)
    notes.place.faults.append(PlaceFault(OutcomeUnknown("The connection broke."), written=2))
    assert isinstance(notes.deliver(), OutcomeUnknown)
    assert notes.deliver() is None
    assert notes.states() == ["delivered"] * READINGS
    assert notes.kilograms() == weights(*range(READINGS))


def test_trouble_while_looking_after_sending_changes_nothing(world: World[Place]) -> None:
    world.weigh()
    world.place.step = _fail_second_look(world)
    assert world.deliver() is None
    assert world.states() == ["delivered"]
    world.place.step = lambda name: None
    world.deliver()
    assert world.states() == ["confirmed"]


def _fail_second_look(world: World[Place]) -> Callable[[str], None]:
    def step(name: str) -> None:
        if name == "looked at" and world.calls("send"):
            raise RetryLater("It cannot be read now.")

    return step


def test_what_was_not_tried_after_a_lost_answer_stays_owed(letters: World[Letterbox]) -> None:
    class Careful(Letterbox):
        """It sends one by one and stops at the first trouble."""

        def send(self, payload: Any) -> Receipt:
            lost = OutcomeUnknown("The connection broke.")
            return Receipt(unknown=frozenset({payload[0].reading_id}), problem=lost)

    letters.target = Careful(letters.clock)
    for minute in range(3):
        letters.weigh(at=minute)
    assert isinstance(letters.deliver(), OutcomeUnknown)
    assert letters.states() == ["unknown", "planned", "planned"]
