"""Units for people: exact until rounded, and rounded once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.measures import MeasureType
from weighbridge.web.chart_values import (
    BMI,
    Amount,
    Measure,
    Unit,
    amounts,
    body_mass_index,
    choices,
    choose,
    convert,
    digits_in,
    is_unit,
    measure_of,
    rank,
    rounded,
    same_quantity,
)

kilograms = st.decimals(0, 400, places=3)


def unit(name: str) -> Unit:
    for si in ("kg", "celsius", "m"):
        for one in choices(si):
            if one.name == name:
                return one
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("si", "name", "value", "expected"),
    [
        ("kg", "kg", "72.4", "72.4"),
        ("kg", "lb", "0.45359237", "1"),
        ("kg", "lb", "45.359237", "100"),
        ("kg", "st", "6.35029318", "14"),
        ("celsius", "celsius", "37", "37"),
        ("celsius", "fahrenheit", "37", "98.6"),
        ("celsius", "fahrenheit", "-40", "-40"),
        ("celsius", "fahrenheit", "0", "32"),
        ("m", "cm", "1.785", "178.5"),
        ("m", "ft", "0.3048", "12"),
    ],
)
def test_values_are_converted_exactly(si: str, name: str, value: str, expected: str) -> None:
    assert convert(Decimal(value), choose(si, [name])) == Decimal(expected)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("kg", "72.445", ["72.45 kg"]),
        ("st", "72.4", ["11 st", "5.6 lb"]),
        ("st", "63.502", ["10 st", "0.0 lb"]),  # 139.997 lb: never 9 st 14.0 lb
        ("st", "3.1", ["6.8 lb"]),
        ("ft", "1.7018", ["5 ft", "7.0 in"]),
        ("ft", "1.8287", ["6 ft", "0.0 in"]),
        ("lb", "72.4", ["159.6 lb"]),
        ("fahrenheit", "36.65", ["98.0 fahrenheit"]),
        ("cm", "1.7", ["170.0 cm"]),
    ],
)
def test_people_read_them_rounded(name: str, value: str, expected: list[str]) -> None:
    one = unit(name)
    parts = amounts(convert(Decimal(value), one), one, digits_in(one, 2))
    assert [f"{part.number} {part.unit}" for part in parts] == expected


@given(kilograms)
def test_stones_and_pounds_are_as_heavy_as_pounds_alone(kg: Decimal) -> None:
    stones, pounds = unit("st"), unit("lb")
    (alone,) = amounts(convert(kg, pounds), pounds, 1)
    parts = amounts(convert(kg, stones), stones, 1)
    assert parts[-1].number < 14
    assert sum(part.number * (14 if part.unit == "st" else 1) for part in parts) == alone.number


def test_a_loss_in_stones_keeps_its_sign() -> None:
    stones = unit("st")
    assert amounts(Decimal("-20.24"), stones, 1) == (
        Amount(Decimal(-1), "st"),
        Amount(Decimal("6.2"), "lb"),
    )
    assert amounts(Decimal("-2.26"), stones, 1) == (Amount(Decimal("-2.3"), "lb"),)


@given(st.decimals(-1000, 1000, places=4), st.integers(0, 3))
def test_numbers_are_rounded_half_up_and_never_truncated(value: Decimal, digits: int) -> None:
    step = Decimal(1).scaleb(-digits)
    assert abs(rounded(value, digits) - value) <= step / 2
    assert rounded(Decimal("0.5"), 0) == 1
    assert rounded(Decimal("2.5"), 0) == 3


def test_what_cannot_be_true_is_left_alone() -> None:
    assert rounded(Decimal("1E+48"), 2) == Decimal("1E+48")
    assert amounts(Decimal("1E+48"), Unit("kg"), 2)[0].number == Decimal("1E+48")


def test_a_choice_counts_where_it_fits() -> None:
    assert choose("kg", ["fahrenheit", "lb"]).name == "lb"
    assert choose("celsius", ["fahrenheit", "lb"]).name == "fahrenheit"
    assert choose("mmhg", ["fahrenheit", "lb"]) == Unit("mmhg")
    assert choose("", []) == Unit("")
    assert same_quantity("lb") == {"kg", "lb", "st"}
    assert is_unit("st")
    assert not is_unit("mmhg")
    assert not is_unit("")


def test_measures_know_their_unit_digits_and_half_life() -> None:
    weight, pulse = measure_of(1), measure_of(11)
    assert (weight.slug, weight.unit, weight.digits) == ("weight", "kg", 2)
    assert (pulse.unit, pulse.digits) == ("bpm", 0)
    assert measure_of(999) == Measure("type_999", 999, None, "", 1, weight.half_life)
    assert measure_of(174, 12).slug == "segment_fat_mass.12"
    assert measure_of(MeasureType.AFIB_ECG).half_life is None, "a mean of findings says nothing"
    assert BMI.is_bmi
    assert not weight.is_bmi


def test_a_menu_begins_with_what_most_people_look_for() -> None:
    menu = [measure_of(999), measure_of(174, 2), measure_of(11), BMI, measure_of(6), measure_of(1)]
    slugs = [one.slug for one in sorted(menu, key=rank)]
    assert slugs[:2] == ["weight", "bmi"]
    assert slugs[2:] == ["fat_ratio", "pulse", "type_999", "segment_fat_mass.2"]


def test_the_body_mass_index_is_exact() -> None:
    assert body_mass_index(Decimal("64"), Decimal("1.6")) == 25
