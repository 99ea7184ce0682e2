"""Exact SI values become the numbers that are said: in the person's units, rounded half up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

UNITS = ("metric", "imperial")

_KG_PER_POUND = Decimal("0.45359237")
"""Exact by definition: the international yard and pound agreement of 1959."""

_LARGEST = 10_000
"""Nobody weighs that much: the value is an accident and its number is not worth saying."""


def spoken_weight(kg: Decimal | None, units: str) -> Decimal | None:
    """Kilograms or pounds with one decimal place; None for what cannot be said."""
    if kg is None or not _can_be_said(kg):
        return None
    return _rounded(kg if units == "metric" else kg / _KG_PER_POUND, "0.1")


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
