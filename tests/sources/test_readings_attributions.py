"""Whose value counts: doubtful owners, twins, and what was entered by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.groups import group
from fixtures.readings import assemble, one_of, types_of
from weighbridge.testing.builders import NOON, measurement


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
