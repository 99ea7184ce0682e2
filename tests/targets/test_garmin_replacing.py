"""Reading back what stands at Garmin, and putting corrected readings in its place."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from fixtures.garmin import UPLOAD, GarminWorld, garmin_world, whole
from weighbridge.core.errors import Refused, RetryLater
from weighbridge.targets.base import Owed
from weighbridge.testing.builders import NOON, blood_pressure, owe, weigh_in


@pytest.fixture
def world() -> Iterator[GarminWorld]:
    with garmin_world() as world:
        yield world


# looking


def test_one_read_sees_all_weigh_ins_of_a_span(world: GarminWorld) -> None:
    owed = [owe(whole(taken_at=NOON + 86_400 * day)) for day in range(0, 200, 40)]
    world.send(*owed)
    world.sandbox.requests.clear()
    seen = world.target().find_existing(owed)
    assert {name for name, sighting in seen.items() if sighting.same} == {
        one.reading_id for one in owed
    }
    assert sum(world.counts().values()) == 2  # the profile once a process, and one range


def test_looking_for_weights_does_not_ask_for_blood_pressure(world: GarminWorld) -> None:
    target = world.target()
    assert target.find_existing([owe(whole())]) == {}
    assert not [call for call in world.counts() if "bloodpressure" in call]
    assert target.find_existing([owe(blood_pressure())]) == {}
    assert [call for call in world.counts() if "bloodpressure" in call]


def test_an_upload_shows_up_when_garmin_is_ready(world: GarminWorld) -> None:
    world.cloud.admin("visibility", {"reads": 2})
    owed = owe(whole())
    world.send(owed)
    target = world.target()
    assert [len(target.find_existing([owed])) for _ in range(3)] == [0, 0, 1]


def test_what_another_tool_wrote_is_there_already(world: GarminWorld) -> None:
    rows = [{"taken_at": NOON, "weight_kg": "65.74"}]
    world.cloud.admin("put_weigh_ins", {"account": "anna@example.test", "weigh_ins": rows})
    assert world.target().find_existing([owe(whole())])[whole().reading_id].same


def test_what_was_sent_compares_as_equal_with_every_value(world: GarminWorld) -> None:
    """Fractions that a scale really sends, in all their roundings."""
    owed = [
        owe(
            whole(
                f"{60 + step * 0.137:.3f}",
                NOON + step * 60,
                FAT_RATIO=f"{15 + step * 0.0731:.3f}",
                BONE_MASS=f"{3 + step * 0.0017:.3f}",
                MUSCLE_MASS=f"{45 + step * 0.0233:.3f}",
            )
        )
        for step in range(100)
    ]
    world.send(*owed)
    again = [msgspec.structs.replace(one, previous="") for one in owed]
    seen = world.target().find_existing(again)
    assert [one.reading_id for one in again if not seen[one.reading_id].same] == []


# replacing


def replaced(owed: Owed, reference: str, **values: str) -> Owed:
    changed = whole(values.pop("kg", "65.750"), owed.reading.taken_at, **values)
    return Owed(changed, "r2", reference)


def test_a_corrected_weigh_in_takes_the_place_of_the_old_one(world: GarminWorld) -> None:
    first, second = owe(whole()), owe(whole(taken_at=NOON + 60))
    world.send(first, second)
    target = world.target()
    reference = target.find_existing([first])[first.reading_id].reference
    changed = replaced(first, reference, kg="66.000")
    assert not target.find_existing([changed])[first.reading_id].same
    receipt = target.replace([changed])
    assert set(receipt.delivered) == {first.reading_id}
    assert world.weigh_ins() == [(NOON, "66"), (NOON + 60, "65.75")]
    assert target.find_existing([changed])[first.reading_id].same


@pytest.mark.parametrize("reference", ["", "1:2025-10-09", "what was this"])
def test_an_old_value_without_a_known_key_is_found_by_its_second(
    world: GarminWorld, reference: str
) -> None:
    first = owe(whole())
    world.send(first)
    world.target().replace([replaced(first, reference, kg="66.000")])
    assert world.weigh_ins() == [(NOON, "66")]


def test_values_that_came_late_are_added(world: GarminWorld) -> None:
    bare = owe(weigh_in("65.750"))
    world.send(bare)
    target = world.target()
    full = Owed(whole(), "r2", target.find_existing([bare])[bare.reading_id].reference)
    assert not target.find_existing([full])[bare.reading_id].same
    target.replace([full])
    (row,) = world.cloud.admin("weigh_ins", {})
    assert row["fat_percent"] == "21.35"


def test_a_value_that_was_withdrawn_goes(world: GarminWorld) -> None:
    first = owe(whole())
    world.send(first)
    target = world.target()
    bare = Owed(weigh_in("65.750"), "r2", target.find_existing([first])[first.reading_id].reference)
    assert not target.find_existing([bare])[first.reading_id].same
    target.replace([bare])
    assert "fat_percent" not in world.cloud.admin("weigh_ins", {})[0]


def test_replacing_twice_changes_nothing(world: GarminWorld) -> None:
    first = owe(whole())
    world.send(first)
    target = world.target()
    changed = replaced(first, "", kg="66.000")
    target.replace([changed])
    world.sandbox.requests.clear()
    receipt = target.replace([changed])
    (reference,) = receipt.delivered.values()
    assert reference.endswith(":2025-10-09")
    assert not [call for call in world.counts() if call.startswith(("POST", "DELETE"))]


def test_many_corrections_travel_in_one_file(world: GarminWorld) -> None:
    owed = [owe(whole(taken_at=NOON + 60 * n)) for n in range(5)]
    world.send(*owed)
    world.sandbox.requests.clear()
    world.target().replace([replaced(one, "", kg="70.000") for one in owed])
    assert [kg for _, kg in world.weigh_ins()] == ["70"] * 5
    assert world.counts()[f"POST {UPLOAD}"] == 1


def test_a_corrected_blood_pressure_takes_the_place_of_the_old_one(world: GarminWorld) -> None:
    first = owe(blood_pressure(taken_at=NOON))
    (reference,) = world.send(first).delivered.values()
    changed = Owed(blood_pressure(131, 79, 62, taken_at=NOON), "r2", reference)
    target = world.target()
    assert not target.find_existing([changed])[first.reading_id].same
    target.replace([changed])
    assert [row["systolic"] for row in world.pressures()] == [131]


def test_a_neighbour_of_the_same_minute_stays(world: GarminWorld) -> None:
    first, neighbour = owe(blood_pressure(taken_at=NOON)), owe(blood_pressure(taken_at=NOON + 20))
    world.send(first, neighbour)
    world.target().replace([Owed(blood_pressure(131, 79, taken_at=NOON), "r2", "")])
    assert [(row["taken_at"], row["systolic"]) for row in world.pressures()] == [
        (NOON, 131),
        (NOON + 20, 121),
    ]


def test_what_cannot_be_sent_leaves_the_old_value_alone(world: GarminWorld) -> None:
    first = owe(whole())
    world.send(first)
    receipt = world.target().replace([Owed(weigh_in("0"), "r2", "")])
    assert set(receipt.refused) == {first.reading_id}
    assert world.weigh_ins() == [(NOON, "65.75")]


@pytest.mark.parametrize("kind", ["drop", "http"])
def test_a_deletion_that_fails_sends_nothing(world: GarminWorld, kind: str) -> None:
    first = owe(whole())
    world.send(first)
    world.fault(kind, "/weight-service/*", method="DELETE", after_work=True)
    target = world.target()
    changed = replaced(first, "", kg="66.000")
    with pytest.raises(RetryLater):
        target.replace([changed])
    assert world.weigh_ins() == []
    target.replace([changed])
    assert world.weigh_ins() == [(NOON, "66")]


def test_an_entry_without_a_key_is_left_to_the_person(world: GarminWorld) -> None:
    metric = {
        "samplePk": None,
        "timestampGMT": NOON * 1000,
        "calendarDate": "2025-10-09",
        "weight": 60000.0,
    }
    body = {"dailyWeightSummaries": [{"allWeightMetrics": [metric]}]}
    world.fault("http", "/weight-service/*", status=200, body=body)
    with pytest.raises(Refused, match="no key"):
        world.target().replace([Owed(whole(), "r2", "")])
