"""Whatever the order and the split of the groups, the same readings come out."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.groups import group
from fixtures.readings import assemble, histories, measurements, one_of, types_of
from weighbridge.core.measures import MeasureGroup, Measurement, Reading
from weighbridge.core.records import instant_of


def everything_in(reading: Reading) -> set[int]:
    return types_of(reading) | {one.type_code for one in reading.segments}


def parts_of_the_body(reading: Reading) -> set[Measurement]:
    """Without weight and pulse: of two, either may have become the one of the reading."""
    return {one for one in reading.segments if one.type_code not in (1, 11)}


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


@pytest.mark.parametrize(
    "text", ["", "20240127", "yesterday-7c1f2a", "20241327T173209Z-7c1f2a", "-7c1f2a"]
)
def test_what_names_no_reading_has_no_instant(text: str) -> None:
    assert instant_of(text) is None
