"""Days that people type become instants: the start and the end of the day where they live."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from weighbridge.archive.archive import END_OF_TIME
from weighbridge.errors import ConfigProblem
from weighbridge.plan.planner import Window


def window_of(since: str | None, until: str | None, zone: str | None) -> Window:
    """From the start of one day to the end of another. ``all``, or None: without a bound.

    Days are days in ``zone`` (an IANA name), in UTC without one. Raises ConfigProblem.
    """
    place = ZoneInfo(zone) if zone else datetime.UTC
    start = 0 if since in (None, "all") else _midnight(str(since), place)
    end = END_OF_TIME if until is None else _midnight(until, place, days=1) - 1
    if end < start:
        raise ConfigProblem("--until lies before --since.", remedy="Exchange the two days.")
    return Window(start, end)


def _midnight(day: str, place: datetime.tzinfo, *, days: int = 0) -> int:
    try:
        date = datetime.date.fromisoformat(day) + datetime.timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise ConfigProblem(
            f"{day!r} is not a day.", remedy="Write it as 2024-12-31, or 'all'."
        ) from error
    return int(datetime.datetime.combine(date, datetime.time(), place).timestamp())
