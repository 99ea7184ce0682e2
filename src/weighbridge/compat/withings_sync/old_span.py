"""Which readings a run is about: the days that were named, or what is new since the last run."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from weighbridge.compat.withings_sync.old_options import Options
from weighbridge.compat.withings_sync.old_settings import Plan
from weighbridge.core.days import Window
from weighbridge.core.measures import Reading
from weighbridge.storage.archive import Archive
from weighbridge.sync.services import Services
from weighbridge.sync.stored_readings import readings_between

LATE = 30 * 86_400
"""Seconds. A reading that a scale stored later than this is not looked for among the new ones."""


class Span(msgspec.Struct, frozen=True):
    """``days`` bound it; ``since`` is the instant of the last run, None when days were named."""

    days: Window
    since: float | None = None

    def readings(self, archive: Archive) -> Iterator[Reading]:
        """The readings, oldest first. One that came late is new although it was taken earlier."""
        start = self.days.start if self.since is None else int(self.since) - LATE
        for reading in readings_between(archive, max(start, 0), self.days.end):
            if self.days.holds(reading) and self._is_new(reading):
                yield reading

    def _is_new(self, reading: Reading) -> bool:
        return self.since is None or max(reading.taken_at, reading.stored_at) >= int(self.since)

    def first_day(self, zone: str | None) -> datetime.date:
        """Where it begins, for the name of a file."""
        first = self.days.first if self.since is None else self.since
        return first if isinstance(first, datetime.date) else day_of(first or 0, zone)


def span_of(workplace: Services, plan: Plan, options: Options) -> Span:
    """What this run is about; ask before it begins. A first run is about today."""
    zone = plan.person.timezone
    if options.fromdate is not None:
        return Span(Window(options.fromdate, options.todate, zone))
    since = _last_run(workplace, plan)
    if since is None:
        return Span(Window(workplace.clock(), options.todate, zone))
    return Span(Window(None, options.todate, zone), since)


def window_of(workplace: Services, plan: Plan, options: Options) -> Window | None:
    """The days to read again and to deliver; None: whatever is new, which is the usual.

    An end without a beginning begins with the last run; one that is not over yet is no end.
    """
    zone = plan.person.timezone
    if options.fromdate is not None:
        return Window(options.fromdate, options.todate, zone)
    now = workplace.clock()
    if options.todate is None or options.todate >= day_of(now, zone):
        return None
    return Window(_last_run(workplace, plan) or now, options.todate, zone)


def day_of(instant: float, zone: str | None) -> datetime.date:
    """The day at an instant where the person lives; without a zone, where this computer is."""
    from zoneinfo import ZoneInfo

    place: datetime.tzinfo | None = None
    with suppress(LookupError, ValueError, OSError):
        place = ZoneInfo(zone) if zone else None
    return datetime.datetime.fromtimestamp(instant, place).date()


def _last_run(workplace: Services, plan: Plan) -> float | None:
    """When a target was last served, the one that waits longest; None before the first run."""
    rows = [
        workplace.database.one("route_of", person=plan.person.name, target=target.name)
        for target in plan.targets
    ]
    instants = [row["succeeded_at"] or row["connected_at"] for row in rows if row]
    return min(instants, default=None)
