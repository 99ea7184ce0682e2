"""Instants and local days as Garmin writes them. Milliseconds since 1970, integers.

A local time is written as if it were UTC: the wall clock of the account's zone
(docs/reference/garmin.md#weigh-ins).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
DAY = 86_400_000


def millis_of(text: object) -> int:
    """``2026-03-01T08:15:00.000`` (no zone) as milliseconds. Raises ValueError."""
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is not None:
        raise ValueError("a time stamp must not carry a zone")
    return (moment.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


def text_of(millis: int) -> str:
    """``2026-03-01T08:15:00.0``: as Garmin returns it, whatever fraction was sent."""
    moment = _EPOCH + millis * _MILLISECOND
    fraction = f"{millis % 1000:03d}".rstrip("0") or "0"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction}"


def local_millis(millis: int, zone: str) -> int:
    """The wall clock of an IANA zone at this instant."""
    there = (_EPOCH + millis * _MILLISECOND).astimezone(ZoneInfo(zone))
    return (there.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


def day_of(local: int) -> str:
    """The calendar day of a wall clock, ``YYYY-MM-DD``."""
    return (_EPOCH + local * _MILLISECOND).date().isoformat()


def start_of(day: str) -> int:
    """The first millisecond of a day, on its own wall clock. Raises ValueError."""
    if len(day) != len("YYYY-MM-DD"):
        raise ValueError(f"{day!r} is not a day")
    return (date.fromisoformat(day) - _EPOCH.date()).days * DAY
