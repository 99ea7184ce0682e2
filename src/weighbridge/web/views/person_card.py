"""The card of a person: read from the database when it is asked for. Nothing outside is asked."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge.core.errors import Problem
from weighbridge.i18n import Texts
from weighbridge.storage.delivery_log import count_held_readings
from weighbridge.storage.ledger import Ledger
from weighbridge.storage.logins import has_target_login
from weighbridge.storage.notification_store import last_received_at
from weighbridge.storage.points import Points
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.due import next_due
from weighbridge.sync.status import (
    SourceStanding,
    TargetStanding,
    TargetVerdict,
    judge_source,
    judge_target,
)
from weighbridge.targets import load_kind
from weighbridge.web.charts.measures import Measure
from weighbridge.web.charts.series import DAY
from weighbridge.web.measure_format import measure_name
from weighbridge.web.preferences import UnitChoice
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
    from markupsafe import Markup

    from weighbridge.config import Person, TargetSettings
    from weighbridge.storage.database import Database
    from weighbridge.sync.services import Services
    from weighbridge.web.app_context import AppContext

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
        self, parts: AppContext, workplace: Services, texts: Texts, units: UnitChoice
    ) -> None:
        self._parts = parts
        self._workplace = workplace
        self._texts = texts
        self._units = units
        self._now = parts.clock()

    def card(self, name: str) -> Card:
        """The card of a person who is configured."""
        person = self._workplace.settings.directory.person(name)
        past = PersonHistory(self._workplace, person)
        standing = judge_source(self._database, name)
        readings = self._readings(person, past)
        return Card(
            person=name,
            calendar=Calendar(self._now, _known_zone(past.zone())),
            readings=readings,
            **self._chart(name, past, readings),
            source=say_source(standing),
            next_ask=say_next_ask(standing, self._parts.next_ask(name), self._now),
            notifications=self._notifications(standing),
            targets=[(one.name, self._target(name, one)) for one in person.targets],
            held=say_held(self._held(person), {"person": name}),
        )

    @property
    def _database(self) -> Database:
        return self._workplace.database

    def _readings(self, person: Person, past: PersonHistory) -> list[NewestReading]:
        if past.archive is None:
            return []
        points = Points(past.archive, counts_doubtful=person.ambiguous == "deliver")
        return NewestReadings(self._texts, points, self._units, self._now).all()

    def _chart(
        self, name: str, past: PersonHistory, readings: Sequence[NewestReading]
    ) -> dict[str, Any]:
        measure = self._charted(readings)
        if measure is None:
            return {"chart": None, "charted": ""}
        chart = card_chart(self._texts, past, name, measure, self._units, self._now)
        return {"chart": chart, "charted": measure_name(self._texts, measure)}

    def _charted(self, readings: Sequence[NewestReading]) -> Measure | None:
        """The weight if there is one: a chart that is now of this and then of that tells little."""
        since = self._now - CHART_DAYS * DAY
        recent = [one.measure for one in readings if one.taken_at > since]
        weights = [one for one in recent if one.code in WEIGHT.codes]
        return next(iter([*weights, *recent]), None)

    def _notifications(self, standing: SourceStanding) -> Line | None:
        if standing.account is None:
            return None
        care = SubscriptionStore(self._database, standing.account).state()
        last_notification = last_received_at(self._database, standing.account)
        has_address = self._workplace.settings.server.url is not None
        return say_notifications(care, last_notification, has_address=has_address)

    def _target(self, person: str, target: TargetSettings) -> Line:
        try:
            kind = load_kind(target.kind)
            standing = judge_target(self._database, person, target, self._now)
        except Problem as problem:  # for instance, a package is not installed
            return Line(key="cannot_be_served", tone="bad-news", trouble=problem.reason)
        signs_in = kind.signs_in
        if signs_in and self._never_signed_in(person, target, standing):
            not_yet = TargetVerdict.NOT_SIGNED_IN
            standing = msgspec.structs.replace(standing, verdict=not_yet, trouble=None)
        due = None
        if standing.route is not None:  # else a ledger would write the route down
            ledger = Ledger(self._database, person, target.name, self._now)
            due = next_due(ledger, self._now)
        about = {"person": person, "target": target.name}
        return say_target(standing, signs_in=signs_in, due=due, now=self._now, about=about)

    def _never_signed_in(
        self, person: str, target: TargetSettings, standing: TargetStanding
    ) -> bool:
        """Readings may be waiting for it all the same, but it is no login that ended."""
        if standing.verdict is not TargetVerdict.LOGIN_NEEDED or standing.succeeded_at is not None:
            return False
        return not has_target_login(self._database, person, target.name)

    def _held(self, person: Person) -> int:
        targets = [target.name for target in person.targets]
        return count_held_readings(self._database, person.name, targets)


def _known_zone(name: str) -> str | None:
    return name if name != "UTC" and zone_of(name) is not datetime.UTC else None
