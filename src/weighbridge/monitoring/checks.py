"""What is checked: how each person, target and subscription stands.

Judged from the database alone (``weighbridge.sync.sync_status``); nothing outside is asked. The
words are in ``i18n/<language>/status.toml``, where pages and commands find the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from weighbridge.config import Person, Settings, TargetSettings, everyone
from weighbridge.core.commands import command_line
from weighbridge.core.delivery_state import State
from weighbridge.core.reason import Reason, reason
from weighbridge.monitoring.alerts import CheckResult
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.storage.database import Database
from weighbridge.storage.ledger import last_delivered_at, oldest_waiting
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.services import Services
from weighbridge.sync.status_lines import source_login_reason, target_login_reason
from weighbridge.sync.sync_status import (
    SourceState,
    SourceStatus,
    TargetState,
    TargetStatus,
    source_status,
    target_status,
)

DAY = 86_400.0
GRACE = 15 * 60.0
"""Seconds on top of two polls: they are jittered, and a round takes its time."""
NEWCOMER = 3600.0
"""Seconds for which a person may be new before we ask them to connect."""
FRESH_LOGIN = 300.0
"""Seconds: after a login the first answer of Withings is on its way."""
SUBSCRIPTION_PATIENCE = 6 * 3600.0
HOME_PATIENCE = 120.0
HOME_CALM = 1800.0
"""Seconds: a disk that is nearly full comes and goes."""
SAMPLE = 500
"""So many deliveries are looked at, however many wait."""

_WAITING = (State.PLANNED, State.SENDING, State.UNKNOWN, State.REJECTED)
"""What should have arrived. Blocked has a check of its own, held waits for a decision."""


class MonitoredServer(msgspec.Struct, frozen=True, kw_only=True):
    """What monitoring knows of the server that it looks at."""

    settings: Settings
    clock: Callable[[], float]
    open: Callable[[], AbstractContextManager[Services]]
    """The home folder, for the thread that calls it."""
    started_at: float
    """In epoch seconds."""
    counts: ProcessCounters


def silence_bound(settings: Settings) -> float:
    """For how many seconds Withings may have been silent about a person."""
    return 2 * settings.server.poll + GRACE


def is_overdue(source: SourceStatus, settings: Settings, now: float, started_at: float) -> bool:
    """Whether Withings has not answered for too long. A server that just started gets time."""
    if source.verdict is SourceState.IN_TROUBLE and source.trouble_at is not None:
        since = source.trouble_at
    else:
        since = max(source.checked_at or source.connected_at or 0.0, started_at)
    return now - since > silence_bound(settings)


def needs_login(source: SourceStatus) -> bool:
    """Whether nothing can be read before a person has logged in."""
    return source.verdict in (SourceState.NOT_CONNECTED, SourceState.LOGIN_NEEDED)


def home_result(problem: Reason | None) -> CheckResult:
    """The home folder itself; ``problem``: why it could not be used just now."""
    return CheckResult(
        name="home",
        problem=problem,
        over=reason("watch.home_again"),
        bound=HOME_PATIENCE,
        calm=HOME_CALM,
    )


class HealthChecks:
    """One look at everything that is configured. Its methods raise what the database raises."""

    def __init__(
        self, database: Database, settings: Settings, *, now: float, started_at: float
    ) -> None:
        self._database = database
        self._settings = settings
        self._now = now
        self._started_at = started_at

    def results(self) -> Iterator[CheckResult]:
        """How each thing stands, well or not."""
        for person in everyone(self._settings.directory):
            source = source_status(self._database, person.name)
            yield self._source_login(person, source)
            yield self._source_silence(person, source)
            yield self._subscription(person, source)
            for target in person.targets:
                standing = target_status(self._database, person.name, target, self._now)
                yield self._target_login(person, target, standing)
                yield self._target_silence(person, target, standing)

    def _source_login(self, person: Person, source: SourceStatus) -> CheckResult:
        login = source_login_reason(person.name, source)
        bound = NEWCOMER if source.verdict is SourceState.NOT_CONNECTED else 0.0
        return _result("source_login", (person.name,), login, "login_works", bound=bound)

    def _source_silence(self, person: Person, source: SourceStatus) -> CheckResult:
        problem = None
        if is_overdue(source, self._settings, self._now, self._started_at):
            key = "not_read_since" if source.checked_at else "not_read_yet"
            problem = reason(
                f"status.{key}",
                moment=_moment(source.checked_at or 0.0),
                cause=source.trouble,
                command=_status_of(person),
            )
        known, places = not needs_login(source), (person.name,)
        more = {"bound": FRESH_LOGIN, "known": known}
        return _result("source_silent", places, problem, "read_again", **more)

    def _subscription(self, person: Person, source: SourceStatus) -> CheckResult:
        problem, state = None, None
        if source.account is not None:
            state = SubscriptionStore(self._database, source.account).state()
        since = state.trouble_at if state and state.trouble else None
        if state and since is not None and self._now - since > SUBSCRIPTION_PATIENCE:
            problem = reason(
                "status.lost_since",
                moment=_moment(since),
                cause=state.trouble,
                asks=reason("status.asks_minutes", count=round(self._settings.server.poll / 60)),
                command=command_line("subscriptions", "check"),
            )
        known = not needs_login(source)
        return _result("subscription", (person.name,), problem, "notified_again", known=known)

    def _target_login(
        self, person: Person, target: TargetSettings, standing: TargetStatus
    ) -> CheckResult:
        login = target_login_reason(person.name, target.name, standing)
        bound = NEWCOMER if standing.verdict is TargetState.NOT_SIGNED_IN else 0.0
        places = person.name, target.name
        return _result("target_login", places, login, "login_works", bound=bound)

    def _target_silence(
        self, person: Person, target: TargetSettings, standing: TargetStatus
    ) -> CheckResult:
        problem = None
        number = sum(standing.open.get(state, 0) for state in _WAITING)
        since = self._silent_since(standing) if number else None
        if since is not None:
            problem = reason(
                "status.silent_since",
                moment=_moment(since),
                count=number,
                cause=standing.trouble,
                command=_status_of(person),
            )
        known = standing.verdict is not TargetState.LOGIN_NEEDED
        places = person.name, target.name
        return _result("target_silent", places, problem, "delivered_again", known=known)

    def _silent_since(self, standing: TargetStatus) -> float | None:
        """Since when nothing arrived although something waits; None: not for long enough."""
        before = self._now - self._settings.alerts.silent_days * DAY
        route = standing.route
        if route is None:
            return None
        states = [state for state in _WAITING if standing.open.get(state)]
        found = [oldest_waiting(self._database, route, state, SAMPLE) for state in states]
        waiting = [oldest for oldest in found if oldest is not None]
        if not waiting or min(oldest.planned_at for oldest in waiting) > before:
            return None
        first = min(oldest.taken_at for oldest in waiting)
        last = last_delivered_at(self._database, route, first, SAMPLE)
        since = last or min(oldest.planned_at for oldest in waiting)
        return since if since <= before else None


def _result(
    check: str, places: tuple[str, ...], problem: Reason | None, over: str, **more: Any
) -> CheckResult:
    """``places``: a person, or a person and a target. ``over``: the key of what is said at the
    end; it has no command, as there is nothing left to do."""
    where = ", ".join(places if len(places) > 1 else (*places, "Withings"))
    ended = about(where, reason(f"status.{over}"))
    name = f"{check}: {', '.join(places)}"
    return CheckResult(name=name, problem=problem and about(where, problem), over=ended, **more)


def about(where: str, why: Reason) -> Reason:
    """The same reason with what it is about, for a message that stands alone."""
    return Reason(why.code, {"about": where, **why.values})


def _status_of(person: Person) -> str:
    return command_line("status", "--person", person.name)


def _moment(instant: float) -> str:
    """``2025-10-09 08:53 UTC``: a message may be read long after it was written."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(instant))
