"""What stands at the place already is not sent, and what was accepted is looked for."""

from __future__ import annotations

from collections import Counter

from fixtures.engine import READINGS, World
from fixtures.killed import weights
from fixtures.places import Place
from weighbridge.core.errors import RetryLater
from weighbridge.sync.engine import ALREADY_THERE
from weighbridge.sync.reconcile import SEEN
from weighbridge.testing.builders import NOON, weigh_in

# What is there already


def test_what_is_there_already_is_not_sent(world: World[Place]) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    for minute in (0, 3):
        world.place.put(weigh_in("70.5", taken_at=NOON + 60 * minute))
    problem, engine = world.deliver_and_count()
    assert problem is None
    assert world.kilograms() == weights(*range(READINGS))
    assert (engine.counts.sent, engine.counts.already_there) == (3, 2)
    answers = Counter(row["answer"] for row in world.rows())
    assert answers == {ALREADY_THERE.to_json(): 2, SEEN.to_json(): 3}


def test_what_stands_there_with_other_values_is_replaced(world: World[Place]) -> None:
    world.weigh("70.5")
    world.place.put(weigh_in("70.0"))
    assert world.deliver() is None
    assert world.kilograms() == weights(0)
    assert world.place.replaced == ["1"]


def test_nothing_is_sent_when_the_target_cannot_be_read(world: World[Place]) -> None:
    world.weigh()
    world.place.blind.append(RetryLater("It cannot be read now."))
    assert isinstance(world.deliver(), RetryLater)
    assert world.states() == ["planned"]
    assert world.calls("send") == 0


# Looked for again


def test_what_was_accepted_is_looked_for_until_it_shows(world: World[Place]) -> None:
    world.place.delay = 300.0
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.deliver()
    assert world.ledger.count_unseen() == READINGS
    world.now += 301
    assert world.deliver() is None
    assert world.states() == ["confirmed"] * READINGS
    assert world.ledger.count_unseen() == 0


def test_what_never_shows_is_a_persons_business_after_a_day(world: World[Place]) -> None:
    world.place.delay = 10.0**9
    world.weigh()
    world.deliver()
    world.now += 24 * 3600 - 1
    world.deliver()
    assert world.states() == ["delivered"]
    world.now += 1
    world.deliver()
    assert world.states() == ["rejected"]
    assert world.calls("send") == 1
