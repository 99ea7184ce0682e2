"""What was measured at one instant belongs together: groups, devices and segments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import permutations

import pytest

from fixtures.groups import group
from fixtures.readings import CUFF, PRESSURE, assemble, one_of, types_of
from weighbridge.core.measures import WHOLE_BODY, Kind, MeasureGroup
from weighbridge.sources.withings.readings import readings
from weighbridge.testing.builders import NOON, Value, measurement


def test_weight_and_blood_pressure_in_the_same_second_are_two_readings() -> None:
    groups = [group({1: "80.1"}, group_id=1), group(PRESSURE, group_id=2)]
    pressure, body = assemble(groups)
    assert (body.kind, types_of(body)) == (Kind.BODY, {1})
    assert (pressure.kind, types_of(pressure)) == (Kind.BLOOD_PRESSURE, {9, 10, 11})
    assert body.reading_id != pressure.reading_id


def test_a_group_that_holds_weight_and_pressure_is_divided() -> None:
    mixed = group({1: "80.1", 6: "20.5", **PRESSURE}, device=None, attribution=2)
    pressure, body = assemble([mixed])
    assert types_of(body) == {1, 6}
    assert types_of(pressure) == {9, 10, 11}
    assert body.group_ids == pressure.group_ids == (1,)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_nerve_health_group_with_the_instant_of_the_weight_joins_it(
    order: tuple[int, int],
) -> None:
    weight = group({1: "80.1", 6: "20.5"}, group_id=1, stored_at=NOON + 20)
    nerves = group({167: 62}, group_id=2, attribution=15, stored_at=NOON + 23)
    reading = one_of([(weight, nerves)[place] for place in order])
    assert reading.get(1) == Decimal("80.1")
    assert reading.get(6) == Decimal("20.5")
    assert reading.get(167) == 62
    assert reading.stored_at == NOON + 23
    assert not reading.ambiguous


def test_two_scales_in_the_same_second_are_two_readings() -> None:
    assert len(assemble([group({1: 80}), group({1: 60}, group_id=2, device="other")])) == 2


def test_one_second_apart_is_another_reading() -> None:
    assert len(assemble([group({1: 80}), group({1: 80}, group_id=2, taken_at=NOON + 1)])) == 2


def test_the_same_instant_of_two_accounts_has_two_names() -> None:
    [anna], [ben] = (list(readings([group({1: 80})], account=one)) for one in ("1", "2"))
    assert anna.reading_id != ben.reading_id


def test_goals_make_no_reading() -> None:
    assert assemble([group({1: 72}, category=2)]) == []
    reading = one_of([group({1: 80}), group({1: 72}, group_id=2, category=2)])
    assert reading.get(1) == 80
    assert reading.group_ids == (1,)


# The four groups of a Body Scan


def _body_scan() -> list[MeasureGroup]:
    whole: dict[int, Value] = {
        1: "80.123",
        6: "20.5",
        76: "60.1",
        77: "43.0",
        88: "3.1",
        170: "2.1",
        226: 1800,
    }
    parts = [
        measurement(code, f"{code % 10}.{place}", place)
        for code in (173, 174, 175)
        for place in (2, 3, 10, 11, 12)
    ]
    twice = [measurement(5, "63.7"), measurement(5, "63.70", WHOLE_BODY)]
    first = [*(measurement(code, value) for code, value in whole.items()), *twice, *parts]
    return [
        group(first, group_id=1, stored_at=NOON + 20),
        group({11: 61, 130: 0}, group_id=2, stored_at=NOON + 21),
        group({196: 70, 197: 71, 198: 69}, group_id=3, attribution=15, stored_at=NOON + 22),
        group({91: "7.1", 155: 38}, group_id=4, attribution=8, stored_at=NOON + 23),
    ]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_the_four_groups_of_a_body_scan_are_one_reading(order: Sequence[int]) -> None:
    groups = _body_scan()
    reading = one_of([groups[place] for place in order])
    expected = {1, 5, 6, 11, 76, 77, 88, 91, 130, 155, 170, 196, 197, 198, 226}
    assert types_of(reading) == expected
    assert len(reading.segments) == 15
    assert reading.get(5) == Decimal("63.7")
    assert reading.attributions == (0, 8, 15)


def test_segments_are_kept_apart_and_the_whole_body_wins() -> None:
    values = [
        measurement(8, "3.3", 12),
        measurement(8, "1.1", 2),
        measurement(8, "16.4", WHOLE_BODY),
        measurement(174, "16.4", 2),
    ]
    for order in permutations(values):
        reading = one_of([group(order)])
        assert reading.get(8) == Decimal("16.4")
        assert [(m.type_code, m.position) for m in reading.segments] == [(8, 2), (8, 12), (174, 2)]
        assert all(m.position is None for m in reading.measurements)


def test_a_segment_alone_is_not_taken_for_the_whole_body() -> None:
    reading = one_of([group([measurement(174, "3.3", 12)])])
    assert reading.measurements == ()
    assert len(reading.segments) == 1


def test_the_pressure_of_one_arm_is_the_pressure() -> None:
    values = [measurement(10, 121, 2), measurement(9, 79, 2), measurement(11, 62, 2)]
    reading = one_of([group(values, device=CUFF)])
    assert types_of(reading) == {9, 10, 11}
    assert reading.segments == ()


def test_a_second_arm_does_not_take_the_pressure_away() -> None:
    right = group([measurement(10, 121, 2), measurement(9, 79, 2)], device=CUFF)
    left = group([measurement(10, 131, 3), measurement(9, 85, 3)], group_id=2, device=CUFF)
    reading = one_of([right, left])
    assert (reading.get(10), reading.get(9)) in [
        (Decimal(121), Decimal(79)),
        (Decimal(131), Decimal(85)),
    ]
    assert len(reading.segments) == 2
