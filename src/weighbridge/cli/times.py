"""Instants as people and scripts read them."""

from __future__ import annotations

import datetime
import time
from zoneinfo import ZoneInfo


def moment(instant: float | None) -> str | None:
    """``2024-01-27T17:32:09Z``, or None. For scripts."""
    return None if instant is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant))


def span(seconds: float) -> str:
    """``3 minutes``: one unit, rounded down. For people."""
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return count(int(seconds // length), name)
    return "less than a minute"


def ago(instant: float, now: float) -> str:
    """``3 minutes ago``. For people."""
    return f"{span(now - instant)} ago" if now - instant >= 60 else "just now"


def count(number: int, what: str) -> str:
    """``1 reading``, ``2 readings``."""
    if number == 1:
        return f"1 {what}"
    plural = f"{what.removesuffix('y')}ies" if what.endswith("ry") else f"{what}s"
    return f"{number} {plural}"


def local_time(instant: int, *zones: str | None) -> str:
    """``Sat 2024-01-27 18:32`` in the first zone that is given and known; UTC without one.

    Never in the zone of this machine.
    """
    for name in (*zones, "UTC"):
        try:
            place = ZoneInfo(name) if name and name != "UTC" else datetime.UTC
            if name:
                return datetime.datetime.fromtimestamp(instant, place).strftime("%a %Y-%m-%d %H:%M")
        except (LookupError, ValueError, OSError, OverflowError):
            continue
    return "at an unknown time"
