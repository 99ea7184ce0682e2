"""A corrected reading takes the place of the old one, whatever became of that."""

from __future__ import annotations

from decimal import Decimal

from fixtures.engine import World
from fixtures.groups import group, group_as_sent
from fixtures.killed import weights
from fixtures.places import Letterbox, Place, PlaceFault
from weighbridge.core.delivery_state import State, Transition
from weighbridge.core.errors import OutcomeUnknown
from weighbridge.storage.archive import StoredGroup
from weighbridge.testing.builders import NOON


def test_a_corrected_reading_replaces_the_old_one_by_its_reference(world: World[Place]) -> None:
    world.weigh("70.5")
    world.deliver()
    reference = world.rows()[0]["reference"]
    world.weigh("71.5")
    assert world.deliver() is None
    assert world.kilograms() == weights(0, kg="71.5")
    assert world.place.replaced == [reference]
    assert world.states() == ["confirmed", "confirmed"]


def test_new_and_corrected_readings_travel_in_calls_of_their_own(world: World[Place]) -> None:
    world.weigh("70.5")
    world.deliver()
    world.place.calls.clear()
    world.weigh("71.5")
    world.weigh("80", at=1)
    world.deliver()
    assert [call for call, _ in world.place.calls if call != "look"] == ["send", "replace"]
    assert world.kilograms() == [(0, Decimal("71.5")), (1, Decimal(80))]


def test_going_back_and_forth_ends_with_the_last_value(world: World[Place]) -> None:
    for kg in ("70.5", "71.5", "70.5", "70.5"):
        world.weigh(kg)
        world.deliver()
    assert world.kilograms() == weights(0)
    assert world.states() == ["confirmed"] * 3


def test_a_correction_waits_while_the_old_one_may_be_on_its_way(world: World[Place]) -> None:
    world.weigh("70.5")
    world.place.faults.append(PlaceFault(OutcomeUnknown("The connection broke."), written=None))
    world.place.delay = 300.0
    world.deliver()
    world.weigh("71.5")
    world.deliver()
    assert world.states() == ["unknown", "planned"]
    world.now += 301
    world.deliver()
    assert world.kilograms() == weights(0, kg="71.5")


def test_a_correction_waits_until_the_old_one_can_be_seen(world: World[Place]) -> None:
    world.place.delay = 300.0
    world.weigh("70.5")
    assert world.deliver() is None
    assert world.states() == ["delivered"]
    world.weigh("71.5")
    assert world.deliver() is None
    assert world.states() == ["delivered", "planned"]
    world.now += 301
    world.deliver()
    assert world.kilograms() == weights(0, kg="71.5")
    world.now += 301
    world.deliver()
    assert world.states() == ["delivered", "confirmed"]
    assert world.ledger.count_unseen() == 0


def test_a_correction_of_something_that_never_showed_does_not_wait_for_ever(
    world: World[Place],
) -> None:
    world.weigh("70.5")
    world.deliver()
    world.place.entries.clear()
    world.place.delay = 10.0**9
    world.weigh("71.5")
    world.deliver()
    world.weigh("72.5")
    world.now += Place.visible_after
    world.place.delay = 0.0
    world.deliver()
    assert world.states()[-1] == "confirmed"
    assert world.ledger.count_unseen() == 0


def test_an_old_value_whose_fate_was_unknown_is_not_sent_beside_the_same_new_one(
    letters: World[Letterbox],
) -> None:
    letters.weigh("70.5")
    letters.place.faults.append(PlaceFault(OutcomeUnknown("The connection broke.")))
    letters.deliver()
    letters.weigh("71.5")
    letters.weigh("70.5")
    assert letters.states() == ["unknown", "superseded", "planned"]
    [first, *_] = letters.rows()
    letters.ledger.record_outcomes(
        [Transition(first["id"], State.UNKNOWN, State.PLANNED)], letters.now
    )
    letters.deliver()
    assert letters.kilograms() == weights(0)
    assert letters.states() == ["superseded", "superseded", "delivered"]


def test_a_reading_that_changed_since_it_was_planned_is_not_sent_as_it_was(
    world: World[Place],
) -> None:
    world.weigh("70.5")
    newer = group({1: "71.5"}, taken_at=NOON)
    with world.database.transaction():
        stored = StoredGroup(group_as_sent(newer).decode(), None)
        world.archive.store([(newer, stored)], [], world.now)
    assert world.deliver() is None
    assert world.states() == ["superseded"]
    assert world.kilograms() == []
    world.plan()
    world.deliver()
    assert world.kilograms() == weights(0, kg="71.5")


def test_corrections_that_were_not_tried_after_a_lost_answer_stay_owed(world: World[Place]) -> None:
    world.weigh("70.5")
    world.deliver()
    world.weigh("71.5")
    world.weigh("80", at=1)
    world.place.faults.append(PlaceFault(OutcomeUnknown("The connection broke.")))
    world.deliver()
    assert world.states() == ["confirmed", "planned", "unknown"]
    world.now += Place.visible_after
    world.deliver()
    assert world.kilograms() == [(0, Decimal("71.5")), (1, Decimal(80))]
