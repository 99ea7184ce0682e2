"""Times, spans and numbers as people and scripts read them, and the days that people type.

``status`` needs only the first part, so time zones are imported where they are used.
"""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING

from weighbridge.core import days
from weighbridge.core.errors import ConfigProblem

if TYPE_CHECKING:
    from weighbridge.core.days import Window


def moment(instant: float | None) -> str | None:
    """``2024-01-27T17:32:09Z``, or None. For scripts."""
    return None if instant is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant))


def local_time(instant: int, *names: str | None) -> str:
    """``2024-01-27 18:32`` in the first of these zones that this system knows, otherwise in UTC.

    Never in the zone of this machine: a server may be anywhere.
    """
    try:
        return days.local_time(instant, *names).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):  # after the last year of Python's calendar
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


def window_of(since: str | None, until: str | None, zone: str | None) -> Window:
    """The days from ``since`` to ``until``, both included; ``all`` or None means no bound.

    Days are days in ``zone`` (an IANA name), or in the zone of each reading without one. Raises
    ConfigProblem.
    """
    from weighbridge.core.days import Window

    first = None if since in (None, "all") else _day(str(since))
    last = None if until is None else _day(until)
    if first and last and last < first:
        raise ConfigProblem("--until is before --since.", remedy="Swap the two days.")
    return Window(first, last, zone)


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigProblem(
            f"{text!r} is not a day.", remedy="Write it as 2024-12-31, or 'all'."
        ) from error
