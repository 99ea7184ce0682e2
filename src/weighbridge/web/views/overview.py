"""The first page: a card for each person whom the visitor may see, and each card alone.

A card is read from the database when it is asked for; nothing outside is asked. The page follows
the server: ``static/overview.js`` hears from ``/events`` whose card changed and asks for that one
again. Without a script it says when it was made.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
from starlette.routing import BaseRoute, Route

from weighbridge.core.errors import Problem
from weighbridge.storage.delivery_log import count_held_readings
from weighbridge.storage.ledger import Ledger
from weighbridge.storage.notification_store import last_received_at
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.retry import next_due
from weighbridge.sync.sync_status import (
    SourceStatus,
    source_status,
    target_status,
)
from weighbridge.web.change_feed import PATH as EVENTS
from weighbridge.web.chart_values import DAY, Measure
from weighbridge.web.preferences import known_units
from weighbridge.web.views.history import path_of
from weighbridge.web.views.history_chart import card_chart
from weighbridge.web.views.person_card import (
    WEIGHT,
    CardLine,
    NewestReading,
    NewestReadings,
    say_held,
    say_next_ask,
    say_notifications,
    say_source,
    say_target,
)
from weighbridge.web.views.person_history import PersonHistory, zone_of
from weighbridge.web.wording import ValueFormat, measure_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.config import TargetSettings
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
    address: str
    """Of this card alone."""
    history: str
    """The address of the person's history."""
    calendar: Calendar
    readings: Sequence[NewestReading]
    chart: Markup | None
    charted: str
    """The name of the measure in the chart."""
    source: CardLine
    next_ask: CardLine | None
    notifications: CardLine | None
    """None: nobody can be told of before an account is connected."""
    targets: Sequence[tuple[str, CardLine]]
    """By the names of the targets."""
    held: CardLine | None


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
        self._poll_minutes = max(1, round(context.settings.server.poll / 60))

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
            poll_minutes=self._poll_minutes,
            events=self._pages.link(EVENTS, after=str(mark)),
            now=self._context.clock(),
        )

    def card(self, request: Request) -> Response:
        """One card, as it is in the page. For the script of the page."""
        person = request.path_params["person"]
        if not self._auth.may_see(request, person):
            return self._pages.not_found(request)
        (card,) = self._cards(request, [person])
        minutes = self._poll_minutes
        return self._pages.page(request, "card.html", card=card, poll_minutes=minutes)

    def _cards(self, request: Request, people: Sequence[str]) -> list[Card]:
        value_format = ValueFormat(self._pages.texts(request), known_units(request))
        with self._context.open() as services:
            return [self._card(services, name, value_format) for name in people]

    def _card(self, services: Services, name: str, value_format: ValueFormat) -> Card:
        now, database = self._context.clock(), services.database
        person = services.settings.directory.person(name)
        history, standing = PersonHistory(services, person), source_status(database, name)
        points = history.stored
        readings = NewestReadings(value_format, points, now).all() if points else []
        measure = _charted(readings, now)
        held = count_held_readings(database, name, [target.name for target in person.targets])
        return Card(
            person=name,
            address=self._pages.link(f"/card/{quote(name, safe='')}"),
            history=self._pages.link(path_of(name)),
            calendar=Calendar(now, _known_zone(history.zone())),
            readings=readings,
            chart=card_chart(value_format, history, measure, now) if measure else None,
            charted=measure_name(value_format.texts, measure) if measure else "",
            source=say_source(standing),
            next_ask=say_next_ask(standing, self._context.next_ask(name), now),
            notifications=_notifications(services, standing),
            targets=[(one.name, _target(database, name, one, now)) for one in person.targets],
            held=say_held(held, {"person": name}),
        )


def _charted(readings: Sequence[NewestReading], now: float) -> Measure | None:
    """The weight if there is one: a chart that is now of this and then of that tells little."""
    recent = [one.measure for one in readings if one.taken_at > now - CHART_DAYS * DAY]
    weights = [one for one in recent if one.code in WEIGHT.codes]
    return next(iter([*weights, *recent]), None)


def _notifications(services: Services, standing: SourceStatus) -> CardLine | None:
    if standing.account is None:
        return None
    care = SubscriptionStore(services.database, standing.account).state()
    last_notification = last_received_at(services.database, standing.account)
    has_address = services.settings.server.url is not None
    return say_notifications(care, last_notification, has_address=has_address)


def _target(database: Database, person: str, target: TargetSettings, now: float) -> CardLine:
    try:
        standing = target_status(database, person, target, now)
    except Problem as problem:  # for instance, a package is not installed
        return CardLine(key="cannot_be_served", tone="bad-news", trouble=problem.reason)
    due = None
    if standing.route is not None:  # else a ledger would write the route down
        due = next_due(Ledger(database, person, target.name, now), now)
    about = {"person": person, "target": target.name}
    return say_target(standing, due=due, now=now, about=about)


def _known_zone(name: str) -> str | None:
    return name if name != "UTC" and zone_of(name) is not datetime.UTC else None
