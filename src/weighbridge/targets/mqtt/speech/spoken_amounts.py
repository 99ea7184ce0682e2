"""Exact SI values become the numbers that are said: in the person's units, rounded half up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from weighbridge.core.measures import KG_IN_A_POUND

UNITS = ("metric", "imperial")

_LARGEST = 10_000
"""Nobody weighs that much: the value is an accident and its number is not worth saying."""


def spoken_weight(kg: Decimal | None, units: str) -> Decimal | None:
    """Kilograms or pounds with one decimal place; None for what cannot be said."""
    if kg is None or not _can_be_said(kg):
        return None
    return _rounded(kg if units == "metric" else kg / KG_IN_A_POUND, "0.1")


def spoken_temperature(celsius: Decimal | None, units: str) -> Decimal | None:
    """Degrees Celsius or Fahrenheit with one decimal place; None for what cannot be said."""
    if celsius is None or not _can_be_said(celsius):
        return None
    return _rounded(celsius if units == "metric" else celsius * 9 / 5 + 32, "0.1")


def spoken_count(value: Decimal | None) -> Decimal | None:
    """A whole number, as for mmHg and beats per minute; None for what cannot be said."""
    if value is None or not _can_be_said(value):
        return None
    return _rounded(value, "1")


def _can_be_said(value: Decimal) -> bool:
    """One odd value must not cost the announcement, so it is never an error."""
    return value.is_finite() and 0 <= value < _LARGEST


def _rounded(value: Decimal, step: str) -> Decimal:
    return value.quantize(Decimal(step), rounding=ROUND_HALF_UP)
