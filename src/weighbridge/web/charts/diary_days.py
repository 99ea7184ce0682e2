"""The blood-pressure diary for a doctor: every reading, and means by week and time of day.

Day and time are those of the measurement's own zone: whoever travels measures in the morning of the
place where he woke up.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from decimal import Decimal

import msgspec

from weighbridge.core.measures import Kind, MeasureType, Reading
from weighbridge.core.zones import local_time

NOON = 12


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One blood pressure, in mmHg and beats a minute; ``local`` knows its zone."""

    local: datetime.datetime
    systolic: Decimal
    diastolic: Decimal
    pulse: Decimal | None = None

    @property
    def in_the_morning(self) -> bool:
        """Before noon."""
        return self.local.hour < NOON


class Average(msgspec.Struct, frozen=True):
    """Exact means of some entries; ``pulse`` of those that have one."""

    number: int
    systolic: Decimal
    diastolic: Decimal
    pulse: Decimal | None


class Averages(msgspec.Struct, frozen=True):
    """Of a span of time. None: nothing was measured then."""

    all_day: Average
    morning: Average | None
    evening: Average | None


class Week(msgspec.Struct, frozen=True):
    """From ``monday`` to the Sunday that follows, newest entry last."""

    monday: datetime.date
    entries: list[Entry]
    averages: Averages


class BloodPressureDiary(msgspec.Struct, frozen=True):
    """Weeks with at least one entry, oldest first. ``overall`` None: there is no entry."""

    weeks: list[Week]
    overall: Averages | None


def write_diary(readings: Iterable[Reading], zone: str | None) -> BloodPressureDiary:
    """The diary of readings in any order; what is no blood pressure is left out.

    ``zone`` is the person's and counts for readings that have none of their own; else UTC.
    """
    found = (entry_of(reading, zone) for reading in readings)
    entries = sorted(
        (one for one in found if one is not None), key=lambda one: one.local.timestamp()
    )
    weeks: dict[datetime.date, list[Entry]] = {}
    for entry in entries:
        weeks.setdefault(_monday(entry.local.date()), []).append(entry)
    return BloodPressureDiary(
        [Week(monday, week, _averages(week)) for monday, week in sorted(weeks.items())],
        _averages(entries) if entries else None,
    )


def entry_of(reading: Reading, zone: str | None) -> Entry | None:
    """The entry that a reading makes; None unless it has both pressures and a time."""
    if reading.kind != Kind.BLOOD_PRESSURE:
        return None
    systolic, diastolic = (
        _whole(reading, MeasureType.SYSTOLIC),
        _whole(reading, MeasureType.DIASTOLIC),
    )
    if systolic is None or diastolic is None:
        return None
    with suppress(OverflowError, ValueError, OSError):
        local = local_time(reading.taken_at, reading.timezone, zone)
        pulse = _whole(reading, MeasureType.PULSE)
        return Entry(local=local, systolic=systolic, diastolic=diastolic, pulse=pulse)
    return None


def _whole(reading: Reading, code: int) -> Decimal | None:
    """None also for a number that no body can have: it would spoil every mean."""
    value = reading.get(code)
    return value if value is not None and 0 < value < 1000 else None


def _monday(day: datetime.date) -> datetime.date:
    return day - datetime.timedelta(days=day.weekday())


def _averages(entries: Sequence[Entry]) -> Averages:
    """``entries`` must not be empty."""
    all_day = _average(entries)
    assert all_day is not None
    return Averages(
        all_day,
        _average([entry for entry in entries if entry.in_the_morning]),
        _average([entry for entry in entries if not entry.in_the_morning]),
    )


def _average(entries: Sequence[Entry]) -> Average | None:
    if not entries:
        return None
    pulses = [entry.pulse for entry in entries if entry.pulse is not None]
    return Average(
        len(entries),
        _mean(entries, lambda entry: entry.systolic),
        _mean(entries, lambda entry: entry.diastolic),
        sum(pulses, Decimal(0)) / len(pulses) if pulses else None,
    )


def _mean(entries: Sequence[Entry], of: Callable[[Entry], Decimal]) -> Decimal:
    return sum(map(of, entries), Decimal(0)) / len(entries)
