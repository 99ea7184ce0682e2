"""The blood-pressure diary of a person, as a page to print and to take to a doctor."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from weighbridge.config import Person
from weighbridge.core.days import Window, local_time
from weighbridge.core.measures import Kind, MeasureType, Reading
from weighbridge.storage.delivery_log import accepted_readings
from weighbridge.sync.services import Services
from weighbridge.sync.stored_readings import readings_at
from weighbridge.web.auth import Auth
from weighbridge.web.render import Message, Pages
from weighbridge.web.views.person_history import PersonHistory, zone_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.web.app_context import AppContext


NOON = 12


class PressureEntry(msgspec.Struct, frozen=True, kw_only=True):
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
    entries: list[PressureEntry]
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
    weeks: dict[datetime.date, list[PressureEntry]] = {}
    for entry in entries:
        weeks.setdefault(_monday(entry.local.date()), []).append(entry)
    return BloodPressureDiary(
        [Week(monday, week, _averages(week)) for monday, week in sorted(weeks.items())],
        _averages(entries) if entries else None,
    )


def entry_of(reading: Reading, zone: str | None) -> PressureEntry | None:
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
        return PressureEntry(local=local, systolic=systolic, diastolic=diastolic, pulse=pulse)
    return None


def _whole(reading: Reading, code: int) -> Decimal | None:
    """None also for a number that no body can have: it would spoil every mean."""
    value = reading.get(code)
    return value if value is not None and 0 < value < 1000 else None


def _monday(day: datetime.date) -> datetime.date:
    return day - datetime.timedelta(days=day.weekday())


def _averages(entries: Sequence[PressureEntry]) -> Averages:
    """``entries`` must not be empty."""
    all_day = _average(entries)
    assert all_day is not None
    return Averages(
        all_day,
        _average([entry for entry in entries if entry.in_the_morning]),
        _average([entry for entry in entries if not entry.in_the_morning]),
    )


def _average(entries: Sequence[PressureEntry]) -> Average | None:
    if not entries:
        return None
    pulses = [entry.pulse for entry in entries if entry.pulse is not None]
    return Average(
        len(entries),
        _mean(entries, lambda entry: entry.systolic),
        _mean(entries, lambda entry: entry.diastolic),
        sum(pulses, Decimal(0)) / len(pulses) if pulses else None,
    )


def _mean(entries: Sequence[PressureEntry], of: Callable[[PressureEntry], Decimal]) -> Decimal:
    return sum(map(of, entries), Decimal(0)) / len(entries)


USUAL_DAYS = 90
"""What a page shows that was asked for no days."""


class InvalidDays(ValueError):
    """The days that were asked for are no days, or end before they begin."""


class Days(msgspec.Struct, frozen=True):
    """From one day to another, both included."""

    first: datetime.date
    last: datetime.date


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """``/diary/<person>?from=2026-01-01&to=2026-03-31``."""

    def show(request: Request) -> Response:
        name = request.path_params["person"]
        if not auth.may_see(request, name):
            return pages.not_found(request)
        path = f"/diary/{quote(name, safe='')}"
        odd = Message("history.invalid_title", ("history.invalid_days",), "history.to_diary", path)
        given: dict[str, Any] = {"person": name, "here": "history", "address": pages.link(path)}
        with context.open() as services:
            person = services.settings.directory.person(name)
            history = PersonHistory(services, person)
            zone = history.zone()
            try:
                days = read_days(request, _today(context.clock(), zone))
            except InvalidDays:
                return pages.message(request, odd, status=404, here="history")
            diary = read_diary(services, person, history, days, zone)
        date = pages.texts(request).grammar.date
        given |= {"diary": diary, "days": days, "zones": _zones(diary), "date": date}
        return pages.page(request, "diary.html", **given)

    return [Route("/diary/{person:path}", auth.require_person(show))]


def read_days(request: Request, today: datetime.date) -> Days:
    """What ``from`` and ``to`` ask for. Raises InvalidDays."""
    asked = request.query_params
    try:
        last = _date(asked.get("to")) or today
        first = _date(asked.get("from")) or last - datetime.timedelta(days=USUAL_DAYS - 1)
    except (ValueError, OverflowError) as error:
        raise InvalidDays from error
    if first > last:
        raise InvalidDays
    return Days(first, last)


def _date(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def _today(now: float, zone: str) -> datetime.date:
    return datetime.datetime.fromtimestamp(now, zone_of(zone)).date()


def read_diary(
    services: Services, person: Person, history: PersonHistory, days: Days, zone: str
) -> BloodPressureDiary:
    """The diary of some days, by the clocks of where each reading was taken."""
    if history.archive is None:
        return write_diary((), zone)
    window = Window(days.first, days.last)
    found = readings_at(history.archive, history.pressure_instants(window.start, window.end))
    accepted = accepted_readings(services.database, person.name)

    def belongs(reading: Reading) -> bool:
        sure = not reading.ambiguous or person.ambiguous == "deliver"
        if not sure and reading.reading_id not in accepted:
            return False
        entry = entry_of(reading, zone)
        return entry is not None and days.first <= entry.local.date() <= days.last

    return write_diary(filter(belongs, found.values()), zone)


def _zones(diary: BloodPressureDiary) -> list[str]:
    """The zones in which was measured: said beside each time when there are several."""
    found = {str(entry.local.tzinfo) for week in diary.weeks for entry in week.entries}
    return sorted(found)
