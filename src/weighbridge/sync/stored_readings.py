"""Readings out of the archive: stored groups are parsed again and assembled. Nothing is cached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from weighbridge.core.measures import MeasureGroup, Reading
from weighbridge.sources.withings.parse import OddGroup, parse_group
from weighbridge.storage.archive import Archive
from weighbridge.storage.database import Row
from weighbridge.storage.goal_store import stored_goal_groups, told_weight_goal
from weighbridge.sync.readings import readings


def touched_readings(archive: Archive, start: int, end: int) -> list[Reading]:
    """The readings at the touched instants of a window, oldest first."""
    return list(_assembled(archive, archive.touched_groups(start, end)))


def readings_at(archive: Archive, instants: Iterable[int]) -> dict[str, Reading]:
    """Reading id → reading, for all readings at these instants."""
    return {
        reading.reading_id: reading
        for instant in sorted(set(instants))
        for reading in _assembled(archive, archive.groups(instant, instant))
    }


def readings_between(archive: Archive, start: int, end: int) -> Iterator[Reading]:
    """The readings of a window, oldest first, a few hundred at a time in memory."""
    for first, last in archive.instant_spans(start, end, most=300):
        yield from _assembled(archive, archive.groups(first, last))


def last_readings(archive: Archive, most: int) -> list[Reading]:
    """The newest readings, oldest of them first."""
    instants = archive.last_instants(most)
    found = readings_at(archive, instants)
    return sorted(found.values(), key=lambda reading: (reading.taken_at, reading.kind))[-most:]


def _assembled(archive: Archive, rows: list[Row]) -> Iterator[Reading]:
    return readings(_parsed(rows), account=archive.userid)


def _parsed(rows: list[Row]) -> Iterator[MeasureGroup]:
    for row in rows:
        try:
            yield parse_group(row["raw"].encode(), zone=row["zone"])
        except OddGroup:  # stored by another version, which understood it
            continue


def goals(archive: Archive) -> dict[int, Decimal]:
    """Measure type → the newest goal for it, in the unit of the type."""
    found: dict[int, Decimal] = {}
    for group in _parsed(stored_goal_groups(archive)):
        found.update({one.type_code: one.value for one in group.measurements if one.mantissa > 0})
    told = told_weight_goal(archive)
    if told is not None:
        found[told.type_code] = told.value
    return found
