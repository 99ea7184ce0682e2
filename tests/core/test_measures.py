"""Measurements are exact, names are stable, and unknown types are accepted."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.paths import ROOT
from weighbridge.core.errors import (
    ConfigProblem,
    ExitCode,
    LoginNeeded,
    OutcomeUnknown,
    Problem,
    Refused,
    RetryLater,
    SignInBlocked,
    StateProblem,
)
from weighbridge.core.measures import Measurement, MeasureType, field_name, type_name, unit_of
from weighbridge.testing.builders import measurement, weigh_in


def test_a_value_is_exact() -> None:
    assert str(Measurement(1, 65_750, -3).value) == "65.750"
    assert Measurement(1, 53_800_003, -6).value == Decimal("53.800003")
    assert Measurement(11, 72, 0).value == 72


@given(st.integers(-(10**18), 10**18), st.integers(-30, 30))
def test_no_mantissa_and_exponent_lose_a_digit(mantissa: int, exponent: int) -> None:
    value = Measurement(1, mantissa, exponent).value
    assert value.scaleb(-exponent) == mantissa


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-999, max_value=999))
def test_a_decimal_becomes_the_measurement_of_its_digits(value: Decimal) -> None:
    assert measurement(1, value).value == value


def test_a_type_without_a_name_is_named_by_its_number() -> None:
    assert type_name(99_999) == "type_99999"
    assert field_name(99_999) == "type_99999"
    assert unit_of(99_999) == ""


def test_the_unit_is_a_part_of_a_field_name() -> None:
    assert field_name(MeasureType.WEIGHT) == "weight_kg"
    assert field_name(MeasureType.SYSTOLIC) == "systolic_mmhg"
    assert field_name(MeasureType.VISCERAL_FAT) == "visceral_fat"


def test_no_two_types_share_a_field_name() -> None:
    assert len({field_name(code) for code in MeasureType}) == len(MeasureType)


def test_absent_is_none_and_zero_is_zero() -> None:
    reading = weigh_in("70.5", others={MeasureType.AFIB_ECG: 0})
    assert reading.get(MeasureType.FAT_RATIO) is None
    assert reading.get(MeasureType.AFIB_ECG) == 0


def test_a_measurement_cannot_be_changed() -> None:
    field = "mantissa"
    with pytest.raises(AttributeError):
        setattr(Measurement(1, 2, 3), field, 1)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ConfigProblem, ExitCode.USAGE),
        (StateProblem, ExitCode.USAGE),
        (RetryLater, ExitCode.LATER),
        (SignInBlocked, ExitCode.LATER),
        (LoginNeeded, ExitCode.LOG_IN),
        (Refused, ExitCode.LOOK),
        (OutcomeUnknown, ExitCode.LOOK),
        (Problem, ExitCode.LOOK),
    ],
)
def test_each_class_of_problem_has_its_exit_code(kind: type[Problem], code: ExitCode) -> None:
    assert kind("x").exit_code is code


def test_a_problem_says_what_to_do_next() -> None:
    problem = RetryLater("It was busy.", remedy="Try again.", after=30)
    assert str(problem) == "It was busy. Try again."
    assert problem.after == 30
    assert str(Refused("No.")) == "No."


WITHOUT_A_NAME = {18, 35}
UNITS = {
    "%": "percent",
    "mmHg": "mmhg",
    "beats a minute": "bpm",
    "°C": "celsius",
    "m/s": "m_per_s",
    "ml/min/kg": "ml_per_min_per_kg",
    "µmol/L": "umol_per_l",
    "mmol/L": "mmol_per_l",
    "kcal a day": "kcal_per_day",
    "µS": "us",
    **dict.fromkeys(("a class", "a score", "an index"), ""),
}
"""The units of the reference as field names have them, where they differ."""
RATIO = MeasureType.URINARY_CALCIUM_CREATININE_RATIO


def described() -> dict[int, str]:
    """Measure types and their units as the reference has them."""
    page = (ROOT / "docs" / "reference" / "withings-api.md").read_text("utf-8")
    table = page.partition("\n## Measure types\n")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in table.splitlines() if re.match(r"\| \d", line)]
    return {
        int(code): UNITS.get(unit.strip(), unit.strip())
        for _, codes, _, unit, *_ in rows
        for code in codes.split(",")
    }


def test_types_and_units_are_those_of_the_reference() -> None:
    expected = {code: u for code, u in described().items() if code not in WITHOUT_A_NAME}
    assert len(expected) > 40
    assert {int(one): unit_of(one) for one in MeasureType if one != RATIO} == {
        code: unit for code, unit in expected.items() if code != RATIO
    }
