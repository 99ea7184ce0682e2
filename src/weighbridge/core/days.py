"""Local days and time zones: in the zone of the person, otherwise in the zone of each record. Pure.

Never the computer's own zone: the first one of several that this computer knows.
"""

from __future__ import annotations

import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.measures import END_OF_TIME

if TYPE_CHECKING:
    from weighbridge.core.records import Record

_AHEAD, _BEHIND = 14 * 3600, 12 * 3600
"""No zone is further from UTC than this, in seconds."""


class Window(msgspec.Struct, frozen=True):
    """From the first second of one local day to the last second of another; None: no bound.

    ``first`` may also be an instant (UTC seconds): then it means the day of that instant. ``zone``
    is the IANA zone of the person; None: the zone of each record.
    """

    first: datetime.date | float | None = None
    last: datetime.date | None = None
    zone: str | None = None

    @property
    def start(self) -> int:
        """The earliest instant that can be inside, in UTC seconds."""
        if self.first is None:
            return 0
        start = _start_of(self.first, self.zone)
        return max(start if self.zone else start - _AHEAD - _BEHIND, 0)

    @property
    def end(self) -> int:
        """The latest instant that can be inside, in UTC seconds."""
        if self.last is None:
            return END_OF_TIME
        return _end_of(self.last, self.zone) + (0 if self.zone else _BEHIND)

    def holds(self, record: Record) -> bool:
        """Whether the record began on one of these days."""
        zone = self.zone or record.zone
        if self.first is not None and record.start < _start_of(self.first, zone):
            return False
        return self.last is None or record.start <= _end_of(self.last, zone)


@lru_cache(maxsize=256)
def _start_of(day: datetime.date | float, zone: str | None) -> int:
    place = first_zone(zone)
    if isinstance(day, (int, float)):
        day = datetime.datetime.fromtimestamp(day, place).date()
    return int(datetime.datetime.combine(day, datetime.time(), place).timestamp())


@lru_cache(maxsize=256)
def _end_of(day: datetime.date, zone: str | None) -> int:
    if day == datetime.date.max:
        return END_OF_TIME
    return _start_of(day + datetime.timedelta(days=1), zone) - 1


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
