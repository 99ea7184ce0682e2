"""The blood-pressure diary of a person, as a page to print and to take to a doctor."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from weighbridge.config import Person
from weighbridge.core.days import Window
from weighbridge.core.measures import Reading
from weighbridge.storage.decisions import accepted_readings
from weighbridge.sync.services import Services
from weighbridge.sync.stored_readings import readings_at
from weighbridge.web.auth import Auth
from weighbridge.web.charts.diary_days import BloodPressureDiary, entry_of, write_diary
from weighbridge.web.render import Message, Pages
from weighbridge.web.views.person_history import PersonHistory, zone_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.web.app_context import AppContext

USUAL_DAYS = 90
"""What a page shows that was asked for no days."""


class OddDays(ValueError):
    """The days that were asked for are no days, or end before they begin."""


class Days(msgspec.Struct, frozen=True):
    """From one day to another, both included."""

    first: datetime.date
    last: datetime.date


def routes(parts: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """``/diary/<person>?from=2026-01-01&to=2026-03-31``."""

    def show(request: Request) -> Response:
        name = request.path_params["person"]
        if not auth.may_see(request, name):
            return pages.not_found(request)
        path = f"/diary/{quote(name, safe='')}"
        odd = Message("history.odd_title", ("history.odd_days",), "history.to_diary", path)
        given: dict[str, Any] = {"person": name, "here": "history", "address": pages.link(path)}
        with parts.open() as workplace:
            person = workplace.settings.person(name)
            past = PersonHistory(workplace, person)
            zone = past.zone()
            try:
                days = read_days(request, _today(parts.clock(), zone))
            except OddDays:
                return pages.message(request, odd, status=404, here="history")
            diary = read_diary(workplace, person, past, days, zone)
        date = pages.texts(request).grammar.date
        given |= {"diary": diary, "days": days, "zones": _zones(diary), "date": date}
        return pages.page(request, "diary.html", **given)

    return [Route("/diary/{person:path}", auth.require_person(show))]


def read_days(request: Request, today: datetime.date) -> Days:
    """What ``from`` and ``to`` ask for. Raises OddDays."""
    asked = request.query_params
    try:
        last = _date(asked.get("to")) or today
        first = _date(asked.get("from")) or last - datetime.timedelta(days=USUAL_DAYS - 1)
    except (ValueError, OverflowError) as error:
        raise OddDays from error
    if first > last:
        raise OddDays
    return Days(first, last)


def _date(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def _today(now: float, zone: str) -> datetime.date:
    return datetime.datetime.fromtimestamp(now, zone_of(zone)).date()


def read_diary(
    workplace: Services, person: Person, past: PersonHistory, days: Days, zone: str
) -> BloodPressureDiary:
    """The diary of some days, by the clocks of where each reading was taken."""
    if past.archive is None:
        return write_diary((), zone)
    window = Window(days.first, days.last)
    found = readings_at(past.archive, past.pressure_instants(window.start, window.end))
    accepted = accepted_readings(workplace.database, person.name)

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
