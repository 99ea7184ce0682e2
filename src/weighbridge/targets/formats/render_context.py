"""What the text formats write of a reading: numbers, local time, BMI and percentages. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

import msgspec

from weighbridge.core.days import first_named_zone
from weighbridge.core.errors import Refused
from weighbridge.core.measures import Measurement, MeasureType, Reading

_LONGEST = 20
"""More zeros than this and the number is written with an exponent."""

PART_NAMES = {
    0: "right_wrist",
    1: "left_wrist",
    2: "right_arm",
    3: "left_arm",
    4: "right_foot",
    5: "left_foot",
    6: "between_legs",
    7: "whole_body",
    8: "left_side",
    9: "right_side",
    10: "left_leg",
    11: "right_leg",
    12: "torso",
    13: "left_hand",
    14: "right_hand",
}
"""Parts of the body by ``position`` (docs/reference/withings-api.md#positions)."""


def part_name(position: int | None) -> str:
    """The name of a body part, ``position_<n>`` for one without a name."""
    if position is None:
        return "unknown"
    return PART_NAMES.get(position, f"position_{position}")


def number(measurement: Measurement) -> str:
    """The value as a decimal number, valid in JSON: ``65.750`` for 65750 * 10**-3.

    No ``Decimal`` is made on the way: this is exact for any number of digits, and quick.
    """
    mantissa, exponent = measurement.mantissa, measurement.exponent
    if exponent == 0:
        return str(mantissa)
    if not -_LONGEST <= exponent <= _LONGEST:
        return f"{mantissa}E{exponent}"
    if exponent > 0:
        return str(mantissa * 10**exponent)
    if mantissa < 0:
        return f"-{_with_point(-mantissa, exponent)}"
    return _with_point(mantissa, exponent)


def _with_point(mantissa: int, exponent: int) -> str:
    digits = str(mantissa)
    if len(digits) <= -exponent:
        digits = digits.rjust(1 - exponent, "0")
    return f"{digits[:exponent]}.{digits[exponent:]}"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_DECIMAL = Decimal("0.1")
_ABSURD = 1_000_000
"""No percentage and no BMI is as large as this; what is comes from a broken measurement."""


class Owner(msgspec.Struct, frozen=True):
    """The person whose readings are written."""

    name: str
    timezone: str | None = None
    """The configured IANA zone; None: each reading's own, else UTC."""
    height_m: Decimal | None = None


class Instant(NamedTuple):
    """One moment as people write it."""

    utc: str
    """``2025-10-09T08:53:20Z``"""
    local: str
    """``2025-10-09T10:53:20+02:00``"""
    timezone: str
    """The zone of ``local``."""


def instant(reading: Reading, owner: Owner) -> Instant:
    """When a reading was taken. Raises ``Refused`` when no calendar knows the moment."""
    zone, name = first_named_zone(owner.timezone, reading.timezone)
    try:
        taken_at = _EPOCH + timedelta(seconds=reading.taken_at)
        local = taken_at.astimezone(zone)
    except (OverflowError, ValueError) as error:
        raise Refused(code="reading.no_time") from error
    return Instant(taken_at.isoformat()[:-6] + "Z", local.isoformat(), name)


def bmi(reading: Reading, height_m: Decimal | None) -> Decimal | None:
    """Body mass index in kg/m², exact; None without a weight or a height."""
    if not height_m:
        return None
    return _quotient(_value(reading, MeasureType.WEIGHT), height_m * height_m)


def water_percent(reading: Reading) -> Decimal | None:
    """Water mass as a share of the weight, exact (Withings gives the mass, type 77)."""
    return _percent_of_weight(reading, MeasureType.WATER_MASS)


def fat_percent(reading: Reading) -> Decimal | None:
    """The fat ratio; computed from the fat mass when only that was measured."""
    ratio = _value(reading, MeasureType.FAT_RATIO)
    return _percent_of_weight(reading, MeasureType.FAT_MASS) if ratio is None else ratio


def one_decimal(value: Decimal) -> str:
    """A BMI or a percentage as text, rounded half up."""
    return str(value.quantize(_ONE_DECIMAL, ROUND_HALF_UP))


def _percent_of_weight(reading: Reading, mass_code: int) -> Decimal | None:
    fraction = _quotient(_value(reading, mass_code), _value(reading, MeasureType.WEIGHT))
    return None if fraction is None else fraction * 100


def _value(reading: Reading, code: int) -> Decimal | None:
    """The value of one type; None also for an exponent beyond all arithmetic."""
    try:
        return reading.get(code)
    except ArithmeticError:
        return None


def _quotient(dividend: Decimal | None, divisor: Decimal | None) -> Decimal | None:
    """The quotient of two positive numbers; None when it says nothing about a body."""
    if not (dividend and divisor and dividend > 0 and divisor > 0):
        return None
    try:
        quotient = dividend / divisor
    except ArithmeticError:
        return None
    return quotient if quotient < _ABSURD else None
