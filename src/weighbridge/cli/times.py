"""Instants, spans and numbers as people and scripts read them."""

from __future__ import annotations

import time
from contextlib import suppress


def moment(instant: float | None) -> str | None:
    """``2024-01-27T17:32:09Z``, or None. For scripts."""
    return None if instant is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant))


def local_time(instant: int, *zones: str | None) -> str:
    """``2024-01-27 18:32`` by the clocks of the first zone that is known, else in UTC.

    Never in the zone of this machine: it may stand anywhere.
    """
    import datetime
    from zoneinfo import ZoneInfo

    for name in filter(None, zones):
        with suppress(LookupError, ValueError, OSError, OverflowError):
            local = datetime.datetime.fromtimestamp(instant, ZoneInfo(name))
            return local.strftime("%Y-%m-%d %H:%M")
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(instant))


def span(seconds: float) -> str:
    """``3 minutes``: one unit, rounded down. For people."""
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return count(int(seconds // length), name)
    return "less than a minute"


def ago(instant: float, now: float) -> str:
    """``3 minutes ago``. For people."""
    return f"{span(now - instant)} ago" if now - instant >= 60 else "just now"


def count(number: int, one: str, several: str = "") -> str:
    """``1 reading``, ``2 readings``; ``several`` is needed where an s is not enough."""
    return f"{number} {one if number == 1 else several or one + 's'}"
