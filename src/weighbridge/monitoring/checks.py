"""What is checked: how each person, target and subscription stands.

Judged from the database alone (``weighbridge.sync.status``); nothing outside is asked. The words
are in ``i18n/<language>/watch.toml``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import msgspec

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
        problem, bound, names = None, 0.0, {"person": person.name}
        log_in = login_command("withings", person.name)
        if source.verdict is SourceState.LOGIN_NEEDED:
            cause = source.trouble or ""
            problem = reason("watch.source_login", cause=cause, command=log_in, **names)
        elif source.verdict is SourceState.NOT_CONNECTED:
            problem = reason("watch.source_new", command=log_in, **names)
            bound = NEWCOMER
        return _result("source_login", names, problem, bound=bound)

    def _source_silence(self, person: Person, source: SourceStatus) -> CheckResult:
        names, problem = {"person": person.name}, None
        if is_overdue(source, self._settings, self._now, self._started_at):
            values = {**names, "cause": source.trouble or "", "command": _status_of(person)}
            if source.checked_at:
                problem = reason("watch.source_silent", since=_moment(source.checked_at), **values)
            else:
                problem = reason("watch.source_never_read", **values)
        known = not needs_login(source)
        return _result("source_silent", names, problem, bound=FRESH_LOGIN, known=known)

    def _subscription(self, person: Person, source: SourceStatus) -> CheckResult:
        names, problem, state = {"person": person.name}, None, None
        if source.account is not None:
            state = SubscriptionStore(self._database, source.account).state()
        since = state.trouble_at if state and state.trouble else None
        if state and since is not None and self._now - since > SUBSCRIPTION_PATIENCE:
            problem = reason(
                "watch.subscription",
                since=_moment(since),
                cause=state.trouble or "",
                count=round(self._settings.server.poll / 60),
                command=command_line("subscriptions", "check"),
                **names,
            )
        return _result("subscription", names, problem, known=not needs_login(source))

    def _target_login(
        self, person: Person, target: TargetSettings, standing: TargetStatus
    ) -> CheckResult:
        problem, bound = None, 0.0
        names = {"person": person.name, "target": target.name}
        log_in = login_command(target.name, person.name)
        if standing.verdict is TargetState.LOGIN_NEEDED:
            if not load_kind(target.kind).signs_in:
                log_in = _status_of(person)
            cause = standing.trouble or ""
            problem = reason("watch.target_login", cause=cause, command=log_in, **names)
        elif standing.verdict is TargetState.NOT_SIGNED_IN:
            problem = reason("watch.target_new", command=log_in, **names)
            bound = NEWCOMER
        return _result("target_login", names, problem, bound=bound)

    def _target_silence(
        self, person: Person, target: TargetSettings, standing: TargetStatus
    ) -> CheckResult:
        names, problem = {"person": person.name, "target": target.name}, None
        number = sum(standing.open.get(state, 0) for state in _WAITING)
        since = self._silent_since(standing) if number else None
        if since is not None:
            problem = reason(
                "watch.target_silent",
                since=_moment(since),
                count=number,
                cause=standing.trouble or "",
                command=_status_of(person),
                **names,
            )
        known = standing.verdict is not TargetState.LOGIN_NEEDED
        return _result("target_silent", names, problem, known=known)

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


def _result(about: str, names: dict[str, str], problem: Reason | None, **more: Any) -> CheckResult:
    """``about``: the code of the problem, which with ``_again`` is that of its end."""
    over = reason(f"watch.{about}_again", **names)
    name = f"{about}: {', '.join(names.values())}"
    return CheckResult(name=name, problem=problem, over=over, **more)


def _status_of(person: Person) -> str:
    return command_line("status", "--person", person.name)


def _moment(instant: float) -> str:
    """``2025-10-09 08:53 UTC``: a message may be read long after it was written."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(instant))
