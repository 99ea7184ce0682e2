"""A revision changes with the values, and with nothing else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fixtures.readings import measurements
from weighbridge.core.measures import Measurement
from weighbridge.core.records import revision_of
from weighbridge.testing.builders import measurement


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
