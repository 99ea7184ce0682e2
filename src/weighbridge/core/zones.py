"""Time zones: the first one that this computer knows, never the computer's own."""

from __future__ import annotations

import datetime
from functools import cache


def first_zone(*names: str | None) -> datetime.tzinfo:
    """The first of these IANA zones that is known, otherwise UTC."""
    return first_named_zone(*names)[0]


def first_named_zone(*names: str | None) -> tuple[datetime.tzinfo, str]:
    """The first of these IANA zones that is known, with its name."""
    for name in filter(None, names):
        if zone := _zone(name):
            return zone, name
    return datetime.UTC, "UTC"


def local_time(instant: float, *names: str | None) -> datetime.datetime:
    """The local time at an instant (epoch seconds), in the first zone that is known.

    Raises ValueError, OverflowError or OSError for an instant that no calendar holds.
    """
    return datetime.datetime.fromtimestamp(instant, first_zone(*names))


def local_day(instant: float, *names: str | None) -> str:
    """The local day of an instant, like ``2026-03-05``; the instant when no calendar holds it."""
    try:
        return local_time(instant, *names).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return f"second {instant:.0f}"


@cache
def _zone(name: str) -> datetime.tzinfo | None:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # ZoneInfo raises any of them for an unknown name
        return None
