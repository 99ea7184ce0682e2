"""Groups become readings: whatever the order and the split, the same readings come out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.measures import (
    BLOOD_PRESSURE_TYPES,
    WHOLE_BODY,
    Kind,
    MeasureGroup,
    Measurement,
    Reading,
)
from weighbridge.plan.readings import instant_of, readings, revision_of
from weighbridge.testing.builders import NOON, UNHEARD_OF, Value, group, measurement
from weighbridge.withings.parse import parse_group

FIXTURES = Path(__file__).resolve().parents[2] / "shared" / "fixtures" / "withings"
RECORDINGS = sorted(FIXTURES.glob("getmeas*.json"))

CUFF = "c0ffc0ffc0ffc0ff"
PRESSURE: dict[int, Value] = {9: 79, 10: 121, 11: 62}

measurements = st.builds(
    Measurement,
    st.sampled_from([1, 5, 6, 8, 11, 71, 76, 77, 88, 91, 167, 170, 173, 174, 226, UNHEARD_OF]),
    st.integers(0, 10_000),
    st.integers(-4, 0),
    st.sampled_from([None, None, None, 2, 3, 10, 12, WHOLE_BODY]),
)
pressures = st.builds(
    Measurement,
    st.sampled_from([9, 10, 11]),
    st.integers(40, 200),
    st.just(0),
    st.sampled_from([None, 2, 3]),
)
body_groups = st.builds(
    group,
    st.lists(measurements, max_size=6),
    taken_at=st.sampled_from([NOON, NOON + 1, NOON + 3600]),
    stored_at=st.integers(NOON + 5, NOON + 30),
    attribution=st.sampled_from([-1, 0, 1, 2, 8, 10, 15, 10_009]),
    category=st.sampled_from([1, 1, 1, 2]),
    device=st.sampled_from([None, "scale", "other"]),
    model=st.sampled_from([None, "Body+", "A scale of tomorrow"]),
    timezone=st.sampled_from([None, "Europe/Paris", "Europe/Oslo"]),
)
cuff_groups = st.builds(
    group,
    st.lists(pressures, min_size=1, max_size=5),
    taken_at=st.sampled_from([NOON, NOON + 1]),
    stored_at=st.integers(NOON + 5, NOON + 30),
    attribution=st.sampled_from([0, 1, 5, 10_010]),
    device=st.sampled_from([None, "scale", CUFF]),
)


def _numbered(groups: list[MeasureGroup]) -> list[MeasureGroup]:
    return [
        msgspec.structs.replace(one, group_id=number) for number, one in enumerate(groups, start=1)
    ]


histories = st.lists(st.one_of(body_groups, cuff_groups), max_size=8).map(_numbered)


def assemble(groups: Iterable[MeasureGroup]) -> list[Reading]:
    return list(readings(groups, account="4711"))


def one_of(groups: Iterable[MeasureGroup]) -> Reading:
    [reading] = assemble(groups)
    return reading


def types_of(reading: Reading) -> set[int]:
    return {one.type_code for one in reading.measurements}


def everything_in(reading: Reading) -> set[int]:
    return types_of(reading) | {one.type_code for one in reading.segments}


def parts_of_the_body(reading: Reading) -> set[Measurement]:
    """Without weight and pulse: of two, either may have become the one of the reading."""
    return {one for one in reading.segments if one.type_code not in (1, 11)}


# In any order


@given(histories, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_readings(groups: list[MeasureGroup], dice: random.Random) -> None:
    shuffled = dice.sample(groups, len(groups))
    assert assemble(shuffled) == assemble(groups)


@given(histories)
def test_the_oldest_reading_comes_first(groups: list[MeasureGroup]) -> None:
    instants = [reading.taken_at for reading in assemble(groups)]
    assert instants == sorted(instants)


@given(histories, st.data())
def test_a_later_group_never_erases_what_an_earlier_one_brought(
    groups: list[MeasureGroup], data: st.DataObject
) -> None:
    some = groups[: data.draw(st.integers(0, len(groups)))]
    later = {reading.reading_id: reading for reading in assemble(groups)}
    for reading in assemble(some):
        grown = later[reading.reading_id]
        assert everything_in(reading) <= everything_in(grown)
        assert {1, 9, 10, 11} & types_of(reading) <= types_of(grown)
        assert set(reading.group_ids) <= set(grown.group_ids)
        assert reading.stored_at <= grown.stored_at


@given(histories, st.data())
def test_a_reading_keeps_its_id_when_groups_arrive_later(
    groups: list[MeasureGroup], data: st.DataObject
) -> None:
    some = groups[: data.draw(st.integers(0, len(groups)))]
    assert {r.reading_id for r in assemble(some)} <= {r.reading_id for r in assemble(groups)}


@given(histories)
def test_every_reading_has_a_name_of_its_own_that_tells_its_instant(
    groups: list[MeasureGroup],
) -> None:
    found = assemble(groups)
    assert len({reading.reading_id for reading in found}) == len(found)
    assert all(instant_of(reading.reading_id) == reading.taken_at for reading in found)


@given(histories)
def test_every_group_that_is_no_goal_is_in_a_reading(groups: list[MeasureGroup]) -> None:
    found = {group_id for reading in assemble(groups) for group_id in reading.group_ids}
    assert found == {one.group_id for one in groups if one.category == 1}


@given(
    st.lists(measurements, min_size=1, max_size=8, unique_by=lambda m: (m.type_code, m.position)),
    st.data(),
)
def test_one_weigh_in_may_be_split_into_any_number_of_groups(
    values: list[Measurement], data: st.DataObject
) -> None:
    owner = [data.draw(st.integers(1, 4)) for _ in values]
    together = one_of([group(values)])
    parts = [
        group([m for m, number in zip(values, owner, strict=True) if number == part], group_id=part)
        for part in sorted(set(owner))
    ]
    split = one_of(parts)
    assert types_of(split) == types_of(together)
    assert parts_of_the_body(split) == parts_of_the_body(together)
    assert split.reading_id == together.reading_id


# What belongs together


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


# Attributions


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_the_twins_with_attribution_8_and_10_the_8_wins(order: tuple[int, int]) -> None:
    certain = group({91: "7.1", 155: 38}, group_id=1, attribution=8)
    twin = group({91: "9.9"}, group_id=2, attribution=10, stored_at=NOON + 60)
    reading = one_of([(certain, twin)[place] for place in order])
    assert reading.get(91) == Decimal("7.1")
    assert reading.attributions == (8, 10)
    assert not reading.ambiguous


def test_the_feet_of_the_twin_with_attribution_10_stay_segments() -> None:
    certain = group({91: "7.1"}, group_id=1, attribution=8)
    feet = [measurement(91, "6.9", 4), measurement(91, "7.3", 5)]
    reading = one_of([certain, group(feet, group_id=2, attribution=10)])
    assert reading.get(91) == Decimal("7.1")
    assert [one.position for one in reading.segments] == [4, 5]


def test_a_doubtful_owner_alone_makes_the_reading_ambiguous() -> None:
    assert one_of([group({1: 80}, attribution=1)]).ambiguous


def test_a_doubtful_value_beside_a_certain_one_is_left_out() -> None:
    certain = group({1: 80, 6: 20}, group_id=1)
    doubtful = group({1: 60, 6: 30}, group_id=2, attribution=1, stored_at=NOON + 99)
    reading = one_of([doubtful, certain])
    assert reading.get(1) == 80
    assert not reading.ambiguous


def test_a_doubtful_value_that_nobody_else_brings_keeps_the_doubt() -> None:
    groups = [group({1: 60}, attribution=1), group({167: 62}, group_id=2, attribution=15)]
    assert one_of(groups).ambiguous


def test_of_two_equals_the_one_that_was_changed_last_wins() -> None:
    old = group({1: "80.0"}, group_id=2, updated_at=NOON + 10)
    new = group({1: "80.5"}, group_id=1, updated_at=NOON + 11)
    assert one_of([old, new]).get(1) == Decimal("80.5")


@given(st.integers(-(2**31), 2**31), st.integers(0, 2**31), st.text(max_size=20))
def test_unknown_types_attributions_and_models_pass(
    attribution: int, code: int, model: str
) -> None:
    given_group = group({1: 80, code: 12}, attribution=attribution, model=model or None)
    by_type = {
        one.type_code: one for reading in assemble([given_group]) for one in reading.measurements
    }
    assert code in by_type
    assert {reading.model for reading in assemble([given_group])} == {model or None}


def test_a_group_without_measures_is_harmless() -> None:
    reading = one_of([group({1: 80}), group({}, group_id=2)])
    assert types_of(reading) == {1}


# By hand


def test_a_zero_fat_entered_by_hand_is_absent() -> None:
    by_hand = group({1: 80, 5: 80, 6: 0, 8: 0}, device=None, model=None, attribution=2)
    assert types_of(one_of([by_hand])) == {1}


def test_a_fat_entered_by_hand_is_kept() -> None:
    by_hand = group({1: 80, 5: 64, 6: 20, 8: 16}, device=None, model=None, attribution=2)
    assert types_of(one_of([by_hand])) == {1, 5, 6, 8}


def test_a_zero_of_a_scale_is_a_zero() -> None:
    assert one_of([group({1: 80, 130: 0, 6: 0})]).get(6) == 0


def test_manual_entries_have_no_device() -> None:
    by_hand = group({1: 80}, device=None, model=None, attribution=2)
    reading = one_of([by_hand])
    assert (reading.device, reading.model) == (None, None)
    assert len(assemble([by_hand, group({1: 81}, group_id=2)])) == 2


def test_without_stored_at_the_instant_itself_is_the_time_of_storing() -> None:
    old = group({1: 80}, stored_at=None, updated_at=None)
    assert one_of([old]).stored_at == NOON


# Revisions


@given(st.lists(measurements, max_size=8), st.lists(st.integers(0, 5), min_size=8, max_size=8))
def test_the_revision_ignores_the_exponents(values: list[Measurement], zeros: list[int]) -> None:
    longer = [
        msgspec.structs.replace(m, mantissa=m.mantissa * 10**n, exponent=m.exponent - n)
        for m, n in zip(values, zeros, strict=False)
    ]
    assert revision_of(longer) == revision_of(values)


def test_75_20_and_75_2_are_the_same_revision() -> None:
    one, other = measurement(1, "75.20"), measurement(1, "75.2")
    assert one != other
    assert revision_of([one]) == revision_of([other])


@given(st.lists(measurements, min_size=1, max_size=6), st.data())
def test_the_revision_changes_with_any_value(
    values: list[Measurement], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    other = data.draw(measurements)
    changed = [*values[:place], other, *values[place + 1 :]]
    same = _worth(changed) == _worth(values)
    assert (revision_of(changed) == revision_of(values)) is same


def _worth(values: Iterable[Measurement]) -> Counter[tuple[int, int | None, Decimal]]:
    return Counter((one.type_code, one.position, one.value) for one in values)


@given(st.lists(measurements, max_size=8), st.randoms(use_true_random=False))
def test_the_revision_does_not_depend_on_the_order(
    values: list[Measurement], dice: random.Random
) -> None:
    assert revision_of(dice.sample(values, len(values))) == revision_of(values)


@pytest.mark.parametrize(
    "text", ["", "20240127", "yesterday-7c1f2a", "20241327T173209Z-7c1f2a", "-7c1f2a"]
)
def test_what_names_no_reading_has_no_instant(text: str) -> None:
    assert instant_of(text) is None


# The recorded answers


@pytest.mark.skipif(not RECORDINGS, reason="the recorded answers are not here")
@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_every_recorded_weight_and_pressure_is_in_a_reading(path: Path) -> None:
    content = msgspec.json.decode(path.read_bytes())
    body = content.get("body", content) if isinstance(content, dict) else {"measuregrps": content}
    groups = [
        parse_group(msgspec.json.encode(one), zone=None) for one in body.get("measuregrps", [])
    ]
    found = assemble(groups)
    for code in (1, *BLOOD_PRESSURE_TYPES):
        assert _instants_with(groups, code) == {
            (reading.taken_at, reading.device) for reading in found if reading.get(code) is not None
        }


def _instants_with(groups: Iterable[MeasureGroup], code: int) -> set[tuple[int, str | None]]:
    return {
        (one.taken_at, one.device)
        for one in groups
        if one.category == 1 and any(m.type_code == code for m in one.measurements)
    }
