"""What is checked: how each person, target and subscription stands.

Judged from the database alone (``weighbridge.sync.status``); nothing outside is asked. The words
are in ``i18n/<language>/watch.toml``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from weighbridge.config import Person, Settings, TargetSettings, everyone
from weighbridge.core.commands import command_line, login_command
from weighbridge.core.delivery_state import State
from weighbridge.core.reason import Reason, reason
from weighbridge.monitoring.alerts import CheckResult
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.storage.database import Database
from weighbridge.storage.ledger import last_delivered_at, oldest_waiting
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.services import Services
from weighbridge.sync.status import (
    SourceState,
    SourceStatus,
    TargetState,
    TargetStatus,
    source_status,
    target_status,
)
from weighbridge.targets import load_kind

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


class MonitoredServer(Protocol):
    """What monitoring needs to know of the server that it looks at."""

    @property
    def settings(self) -> Settings: ...

    @property
    def clock(self) -> Callable[[], float]: ...

    @property
    def open(self) -> Callable[[], AbstractContextManager[Services]]:
        """The home folder, opened for the thread that calls it; a context manager."""

    @property
    def started_at(self) -> float:
        """In epoch seconds."""

    @property
    def counts(self) -> ProcessCounters: ...


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
        problem, bound, name = None, 0.0, person.name
        log_in = login_command("withings", name)
        if source.verdict is SourceState.LOGIN_NEEDED:
            cause = source.trouble or ""
            problem = reason("watch.source_login", person=name, cause=cause, command=log_in)
        elif source.verdict is SourceState.NOT_CONNECTED:
            problem = reason("watch.source_new", person=name, command=log_in)
            bound = NEWCOMER
        return CheckResult(
            name=f"withings login: {name}",
            problem=problem,
            over=reason("watch.source_login_again", person=name),
            bound=bound,
        )

    def _source_silence(self, person: Person, source: SourceStatus) -> CheckResult:
        values = {
            "person": person.name,
            "cause": source.trouble or "",
            "command": command_line("status", "--person", person.name),
        }
        if source.checked_at:
            problem = reason("watch.source_silent", since=_moment(source.checked_at), **values)
        else:
            problem = reason("watch.source_never_read", **values)
        overdue = is_overdue(source, self._settings, self._now, self._started_at)
        return CheckResult(
            name=f"withings silent: {person.name}",
            problem=problem if overdue else None,
            over=reason("watch.source_silent_again", person=person.name),
            bound=FRESH_LOGIN,
            known=not needs_login(source),
        )

    def _subscription(self, person: Person, source: SourceStatus) -> CheckResult:
        state = None
        if source.account is not None:
            state = SubscriptionStore(self._database, source.account).state()
        problem, since = None, state.trouble_at if state and state.trouble else None
        if state and since is not None and self._now - since > SUBSCRIPTION_PATIENCE:
            problem = reason(
                "watch.subscription",
                person=person.name,
                since=_moment(since),
                cause=state.trouble or "",
                count=round(self._settings.server.poll / 60),
                command=command_line("subscriptions", "check"),
            )
        return CheckResult(
            name=f"subscription: {person.name}",
            problem=problem,
            over=reason("watch.subscription_again", person=person.name),
            known=not needs_login(source),
        )

    def _target_login(
        self, person: Person, target: TargetSettings, standing: TargetStatus
    ) -> CheckResult:
        problem, bound = None, 0.0
        names = {"person": person.name, "target": target.name}
        log_in = login_command(target.name, person.name)
        if standing.verdict is TargetState.LOGIN_NEEDED:
            if not load_kind(target.kind).signs_in:
                log_in = command_line("status", "--person", person.name)
            cause = standing.trouble or ""
            problem = reason("watch.target_login", cause=cause, command=log_in, **names)
        elif standing.verdict is TargetState.NOT_SIGNED_IN:
            problem = reason("watch.target_new", command=log_in, **names)
            bound = NEWCOMER
        return CheckResult(
            name=f"target login: {person.name}, {target.name}",
            problem=problem,
            over=reason("watch.target_login_again", **names),
            bound=bound,
        )

    def _target_silence(
        self, person: Person, target: TargetSettings, standing: TargetStatus
    ) -> CheckResult:
        names = {"person": person.name, "target": target.name}
        number = sum(standing.open.get(state, 0) for state in _WAITING)
        since = self._silent_since(standing) if number else None
        problem = None
        if since is not None:
            problem = reason(
                "watch.target_silent",
                since=_moment(since),
                count=number,
                cause=standing.trouble or "",
                command=command_line("status", "--person", person.name),
                **names,
            )
        return CheckResult(
            name=f"target silent: {person.name}, {target.name}",
            problem=problem,
            over=reason("watch.target_silent_again", **names),
            known=standing.verdict is not TargetState.LOGIN_NEEDED,
        )

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


def _moment(instant: float) -> str:
    """``2025-10-09 08:53 UTC``: a message may be read long after it was written."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(instant))
