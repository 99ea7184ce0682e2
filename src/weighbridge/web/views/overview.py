"""The first page: a card for each person whom the visitor may see, and each card alone.

A card is read from the database when it is asked for; nothing outside is asked. The page follows
the server: ``static/overview.js`` hears from ``/events`` whose card changed and asks for that one
again. Without a script it says when it was made.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.routing import BaseRoute, Route

from weighbridge.core.errors import Problem
from weighbridge.i18n import Texts
from weighbridge.storage.delivery_log import count_held_readings
from weighbridge.storage.ledger import Ledger
from weighbridge.storage.notification_store import last_received_at
from weighbridge.storage.points import Points
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.retry import next_due
from weighbridge.sync.status import SourceStatus, source_status, target_status
from weighbridge.web.charts.measures import Measure
from weighbridge.web.charts.series import DAY
from weighbridge.web.measure_format import measure_name
from weighbridge.web.preferences import UnitChoice, UnknownUnit, unit_choice
from weighbridge.web.views.events import PATH as EVENTS
from weighbridge.web.views.history import path_of
from weighbridge.web.views.history_chart import card_chart
from weighbridge.web.views.newest_readings import WEIGHT, NewestReading, NewestReadings
from weighbridge.web.views.person_history import PersonHistory, zone_of
from weighbridge.web.views.plain_status import (
    Line,
    say_held,
    say_next_ask,
    say_notifications,
    say_source,
    say_target,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.config import Person, TargetSettings
    from weighbridge.storage.database import Database
    from weighbridge.sync.services import Services
    from weighbridge.web.app_context import AppContext
    from weighbridge.web.auth import Auth
    from weighbridge.web.render import Pages


CHART_DAYS = 90


class Calendar(msgspec.Struct, frozen=True):
    """Today, where a person lives."""

    now: float
    zone: str | None
    """None: nobody knows the zone, or not this system; times are then shown in UTC."""

    def manner(self, instant: float) -> str:
        """How an instant is written (``wording.Manner``): what is today needs no date."""
        return "moment" if self.days_ago(instant) else "time"

    def manner_before(self, instant: float, later: float) -> str:
        """The same for an instant before another one that is shown: its day is enough."""
        return "time" if self._day(instant) == self._day(later) else "day"

    def days_ago(self, instant: float) -> int:
        """Midnights since then; negative for what is to come."""
        return (self._day(self.now) - self._day(instant)).days

    def _day(self, instant: float) -> datetime.date:
        return datetime.datetime.fromtimestamp(instant, zone_of(self.zone or "")).date()


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What ``card.html`` shows."""

    person: str
    calendar: Calendar
    readings: Sequence[NewestReading]
    chart: Markup | None
    charted: str
    """The name of the measure in the chart."""
    source: Line
    next_ask: Line | None
    notifications: Line | None
    """None: nobody can be told of before an account is connected."""
    targets: Sequence[tuple[str, Line]]
    """By the names of the targets."""
    held: Line | None


class Cards:
    """Makes the cards of one page."""

    def __init__(
        self, context: AppContext, services: Services, texts: Texts, units: UnitChoice
    ) -> None:
        self._context = context
        self._services = services
        self._texts = texts
        self._units = units
        self._now = context.clock()

    def card(self, name: str) -> Card:
        """The card of a person who is configured."""
        person = self._services.settings.directory.person(name)
        history = PersonHistory(self._services, person)
        standing = source_status(self._database, name)
        readings = self._readings(person, history)
        return Card(
            person=name,
            calendar=Calendar(self._now, _known_zone(history.zone())),
            readings=readings,
            **self._chart(name, history, readings),
            source=say_source(standing),
            next_ask=say_next_ask(standing, self._context.next_ask(name), self._now),
            notifications=self._notifications(standing),
            targets=[(one.name, self._target(name, one)) for one in person.targets],
            held=say_held(self._held(person), {"person": name}),
        )

    @property
    def _database(self) -> Database:
        return self._services.database

    def _readings(self, person: Person, history: PersonHistory) -> list[NewestReading]:
        if history.archive is None:
            return []
        points = Points(history.archive, counts_doubtful=person.ambiguous == "deliver")
        return NewestReadings(self._texts, points, self._units, self._now).all()

    def _chart(
        self, name: str, history: PersonHistory, readings: Sequence[NewestReading]
    ) -> dict[str, Any]:
        measure = self._charted(readings)
        if measure is None:
            return {"chart": None, "charted": ""}
        chart = card_chart(self._texts, history, name, measure, self._units, self._now)
        return {"chart": chart, "charted": measure_name(self._texts, measure)}

    def _charted(self, readings: Sequence[NewestReading]) -> Measure | None:
        """The weight if there is one: a chart that is now of this and then of that tells little."""
        since = self._now - CHART_DAYS * DAY
        recent = [one.measure for one in readings if one.taken_at > since]
        weights = [one for one in recent if one.code in WEIGHT.codes]
        return next(iter([*weights, *recent]), None)

    def _notifications(self, standing: SourceStatus) -> Line | None:
        if standing.account is None:
            return None
        care = SubscriptionStore(self._database, standing.account).state()
        last_notification = last_received_at(self._database, standing.account)
        has_address = self._services.settings.server.url is not None
        return say_notifications(care, last_notification, has_address=has_address)

    def _target(self, person: str, target: TargetSettings) -> Line:
        try:
            standing = target_status(self._database, person, target, self._now)
        except Problem as problem:  # for instance, a package is not installed
            return Line(key="cannot_be_served", tone="bad-news", trouble=problem.reason)
        due = None
        if standing.route is not None:  # else a ledger would write the route down
            ledger = Ledger(self._database, person, target.name, self._now)
            due = next_due(ledger, self._now)
        about = {"person": person, "target": target.name}
        return say_target(standing, due=due, now=self._now, about=about)

    def _held(self, person: Person) -> int:
        targets = [target.name for target in person.targets]
        return count_held_readings(self._database, person.name, targets)


def _known_zone(name: str) -> str | None:
    return name if name != "UTC" and zone_of(name) is not datetime.UTC else None


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The page and its cards. A name may hold anything, slashes as well."""
    overview = Overview(context, auth, pages)
    return [
        Route("/", auth.require_person(overview.page)),
        Route("/card/{person:path}", auth.require_person(overview.card)),
    ]


class Overview:
    """Shows the state of each person. Each request reads the database."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages

    def page(self, request: Request) -> Response:
        """All cards."""
        people = self._auth.visible(request)
        # First: a change from here on is announced to the page, although it may show it already.
        mark = self._context.live.mark(people)
        return self._pages.page(
            request,
            "overview.html",
            here="overview",
            cards=self._cards(request, people),
            addresses={name: self._pages.link(card_path(name)) for name in people},
            histories=_histories(self._pages, people),
            poll_minutes=self._poll_minutes(),
            events=self._pages.link(EVENTS, after=str(mark)),
            now=self._context.clock(),
        )

    def card(self, request: Request) -> Response:
        """One card, as it is in the page. For the script of the page."""
        person = request.path_params["person"]
        if not self._auth.may_see(request, person):
            return self._pages.not_found(request)
        (card,) = self._cards(request, [person])
        return self._pages.page(
            request,
            "card.html",
            card=card,
            histories=_histories(self._pages, [person]),
            poll_minutes=self._poll_minutes(),
        )

    def _cards(self, request: Request, people: Sequence[str]) -> list[Card]:
        texts, units = self._pages.texts(request), _units(request)
        with self._context.open() as services:
            cards = Cards(self._context, services, texts, units)
            return [cards.card(name) for name in people]

    def _poll_minutes(self) -> int:
        return max(1, round(self._context.settings.server.poll / 60))


def card_path(person: str) -> str:
    """The path of a card."""
    return f"/card/{quote(person, safe='')}"


def _histories(pages: Pages, people: Sequence[str]) -> dict[str, str]:
    return {name: pages.link(path_of(name)) for name in people}


def _units(request: Request) -> UnitChoice:
    """What was chosen on the page of the history."""
    try:
        return unit_choice(request)
    except UnknownUnit:
        return UnitChoice(())
