"""Days that people type become windows: days where the person lives."""

from __future__ import annotations

import datetime

from weighbridge.core.days import Window
from weighbridge.core.errors import ConfigProblem


def window_of(since: str | None, until: str | None, zone: str | None) -> Window:
    """From one day to another, both included. ``all``, or None: without a bound.

    Days are days in ``zone`` (an IANA name), without one in the zone of each reading. Raises
    ConfigProblem.
    """
    first = None if since in (None, "all") else _day(str(since))
    last = None if until is None else _day(until)
    if first and last and last < first:
        raise ConfigProblem("--until lies before --since.", remedy="Exchange the two days.")
    return Window(first, last, zone)


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise ConfigProblem(
            f"{text!r} is not a day.", remedy="Write it as 2024-12-31, or 'all'."
        ) from error
