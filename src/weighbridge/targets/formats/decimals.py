"""Measurements as text: exactly the digits that Withings sent."""

from __future__ import annotations

from weighbridge.core.measures import Measurement

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
