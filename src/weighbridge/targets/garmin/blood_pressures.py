"""Blood pressure as Garmin's JSON wants it. Pure.

Garmin takes a local time and a GMT time and believes both (docs/reference/garmin.md#local-times),
so both are made from the same instant here. A blood pressure sent as FIT never shows up
(docs/reference/garmin.md#missing-uploads).
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from weighbridge.core.errors import Refused
from weighbridge.core.measures import MeasureType, Reading
from weighbridge.core.zones import first_zone

LIMITS = {"systolic": (70, 260), "diastolic": (40, 150), "pulse": (20, 250)}
"""What Garmin's library accepts, in mmHg and beats a minute (docs/reference/garmin.md#calls)."""


def pressure_entry(reading: Reading, timezone: str | None) -> dict[str, Any]:
    """The JSON of one reading. Raises Refused for values beyond ``LIMITS`` or an absurd time.

    ``timezone`` is the person's; without one the measurement's own counts, then UTC.
    """
    zone = first_zone(timezone, reading.timezone)
    values = pressure_values(reading)
    for name, value in values.items():
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise Refused(code=f"garmin.{name}", value=value, low=low, high=high)
    return {
        "measurementTimestampLocal": _text(reading.taken_at, zone),
        "measurementTimestampGMT": _text(reading.taken_at, UTC),
        **values,
        "sourceType": "MANUAL",
        "notes": "",
    }


def pressure_values(reading: Reading) -> dict[str, int]:
    """``systolic``, ``diastolic`` and, when it was measured, ``pulse``: whole numbers."""
    exact = {
        "systolic": reading.get(MeasureType.SYSTOLIC),
        "diastolic": reading.get(MeasureType.DIASTOLIC),
        "pulse": reading.get(MeasureType.PULSE),
    }
    return {name: rounded(value) for name, value in exact.items() if value}


def rounded(value: Decimal) -> int:
    """Half up, never truncated."""
    # A wild exponent would make an integer of a million digits.
    if abs(value) >= 10**6:
        raise Refused(code="reading.absurd")
    return int(value.to_integral_value(ROUND_HALF_UP))


def wall_clock(instant: int, zone: tzinfo) -> int:
    """The wall clock of a zone at an instant, as if it were UTC. Raises Refused like an entry."""
    there = _moment(instant, zone)
    return int(there.replace(tzinfo=UTC).timestamp())


def _text(instant: int, zone: tzinfo) -> str:
    return _moment(instant, zone).strftime("%Y-%m-%dT%H:%M:%S.000")


def _moment(instant: int, zone: tzinfo) -> datetime:
    try:
        return datetime.fromtimestamp(instant, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        raise Refused(code="reading.no_time") from None
