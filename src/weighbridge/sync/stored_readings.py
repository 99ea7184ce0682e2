"""Records out of the archive: stored groups are parsed again and assembled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal
from typing import cast

from weighbridge.core.measures import MeasureGroup, Reading
from weighbridge.core.records import Record
from weighbridge.sources import load_source
from weighbridge.sources.base import Feed, OddGroup
from weighbridge.storage.accounts import stored_goal_groups, told_weight_goal
from weighbridge.storage.archive import Archive
from weighbridge.storage.database import Row
from weighbridge.storage.points import Point, Points
from weighbridge.targets.base import Newest


def feeds_of(archive: Archive) -> tuple[Feed, ...]:
    """The feeds of the source of an account."""
    return load_source(archive.source).feeds


def touched_records(archive: Archive, start: int, end: int) -> list[Record]:
    """The records of a feed at the touched instants of a window, oldest first."""
    return list(_assembled(archive, archive.touched_groups(start, end)))


def feed_records_at(archive: Archive, instants: Collection[int]) -> Iterator[Record]:
    """The records of one feed at these instants."""
    return _assembled(archive, archive.groups_at(instants))


def readings_at(archive: Archive, instants: Iterable[int]) -> dict[str, Reading]:
    """Reading id → reading, for all readings at these instants."""
    rows = archive.groups_at(set(instants))
    return {reading.reading_id: reading for reading in _readings(archive, rows)}


def readings_between(archive: Archive, start: int, end: int) -> Iterator[Reading]:
    """The readings of a window, oldest first, a few hundred at a time in memory."""
    for first, last in archive.instant_spans(start, end, most=300):
        yield from _readings(archive, archive.groups(first, last))


def last_readings(archive: Archive, most: int) -> list[Reading]:
    """The newest readings, oldest of them first."""
    found = readings_at(archive, archive.last_instants(most))
    return sorted(found.values(), key=lambda reading: (reading.taken_at, reading.kind))[-most:]


def newest_zone(archive: Archive) -> str | None:
    """The zone in which the newest reading was taken, as the source says; None: it does not."""
    rows = archive.groups_at(archive.last_instants(1))
    return next((one.timezone for one in _parsed(archive, rows) if one.timezone), None)


def groups_of(archive: Archive, reading: Reading) -> Iterator[MeasureGroup]:
    """The groups of which a reading was made."""
    rows = archive.groups(reading.taken_at, reading.taken_at)
    yield from _parsed(archive, [row for row in rows if row["group_id"] in reading.group_ids])


def goals(archive: Archive) -> dict[int, Decimal]:
    """Measure type → the newest goal for it, in the unit of the type."""
    found: dict[int, Decimal] = {}
    for group in _parsed(archive, stored_goal_groups(archive.database, archive.account)):
        found.update({one.type_code: one.value for one in group.measurements if one.mantissa > 0})
    told = told_weight_goal(archive.database, archive.account)
    if told is not None:
        found[told.type_code] = told.value
    return found


def _readings(archive: Archive, rows: Iterable[Row]) -> Iterator[Reading]:
    """The records of the feed of measures are readings."""
    return cast("Iterator[Reading]", _assembled(archive, rows))


def _assembled(archive: Archive, rows: Iterable[Row]) -> Iterator[Record]:
    return _feed(archive).records(_parsed(archive, rows), archive.userid)


def _parsed(archive: Archive, rows: Iterable[Row]) -> Iterator[MeasureGroup]:
    parse = _feed(archive).parse
    for row in rows:
        try:
            yield parse(row["raw"].encode(), row["zone"])
        except OddGroup:  # stored by another version, which understood it
            continue


def _feed(archive: Archive) -> Feed:
    return load_source(archive.source).feed(archive.feed)


class ArchivedBody:
    """Read from an archive when it is asked; there may be none yet."""

    def __init__(self, archive: Callable[[], Archive | None], *, counts_doubtful: bool) -> None:
        self._archive = archive
        self._counts_doubtful = counts_doubtful

    def userid(self) -> str | None:
        """The person's Withings user id; None before an account was connected."""
        archive = self._archive()
        return archive.userid if archive else None

    def newest(self) -> list[Newest]:
        """The newest value of each measure type, and of each place for values of body parts."""
        points = self._points()
        return [_newest(point) for point in points.newest()] if points else []

    def before(self, reading: Reading, code: int) -> Newest | None:
        """The value of a type in the newest reading that was taken before this one."""
        points = self._points()
        found = points.before(reading.taken_at, code) if points else None
        return _newest(found) if found else None

    def _points(self) -> Points | None:
        archive = self._archive()
        return Points(archive, counts_doubtful=self._counts_doubtful) if archive else None


def _newest(point: Point) -> Newest:
    return Newest(point.measurement, point.taken_at)
