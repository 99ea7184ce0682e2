"""What is watched: how each person, target and subscription stands, as sentences for a person.

Judged from the database alone (``weighbridge.sync.status``); nothing outside is asked.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from weighbridge.config import Person, Settings, TargetSettings
from weighbridge.config.directory import everyone
from weighbridge.core.delivery_state import State
from weighbridge.core.reason import Reason
from weighbridge.monitoring.alerts import CheckResult
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.storage.database import Database
from weighbridge.storage.ledger import last_delivered_at, oldest_waiting
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.services import Services
from weighbridge.sync.status import (
    SourceStanding,
    SourceVerdict,
    TargetStanding,
    TargetVerdict,
    judge_source,
    judge_target,
)
from weighbridge.targets import load_kind

DAY = 86_400.0
GRACE = 15 * 60.0
"""Seconds on top of two polls: they are jittered, and a round takes its time."""
NEWCOMER = 3600.0
"""Seconds for which somebody may be new before we ask them to connect."""
FRESH_LOGIN = 300.0
"""Seconds: after a login the first answer of Withings is on its way."""
SUBSCRIPTION_PATIENCE = 6 * 3600.0
HOME_PATIENCE = 120.0
HOME_CALM = 1800.0
"""Seconds: a disk that is nearly full comes and goes."""
SAMPLE = 500
"""So many deliveries are looked at, however many wait."""
WELL = "There is nothing to do."

_WAITING = (State.PLANNED, State.SENDING, State.UNKNOWN, State.REJECTED)
"""What should have arrived. Blocked has a finding of its own, held waits for a decision."""


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


def is_overdue(source: SourceStanding, settings: Settings, now: float, started_at: float) -> bool:
    """Whether Withings has not answered for too long. A server that just started gets time."""
    if source.verdict is SourceVerdict.IN_TROUBLE and source.trouble_at is not None:
        since = source.trouble_at
    else:
        since = max(source.checked_at or source.connected_at or 0.0, started_at)
    return now - since > silence_bound(settings)


def needs_login(source: SourceStanding) -> bool:
    """Whether nothing can be read before a person has logged in."""
    return source.verdict in (SourceVerdict.NOT_CONNECTED, SourceVerdict.LOGIN_NEEDED)


def home_finding(trouble: str | None) -> CheckResult:
    """The home folder itself; ``trouble``: why it could not be used just now."""
    return CheckResult(
        name="home",
        trouble=trouble,
        well=f"Weighbridge can use its home folder again. {WELL}",
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

    def findings(self) -> Iterator[CheckResult]:
        """How each thing stands, well or not."""
        for person in everyone(self._settings.directory):
            source = judge_source(self._database, person.name)
            yield self._source_login(person, source)
            yield self._source_silence(person, source)
            yield self._subscription(person, source)
            for target in person.targets:
                standing = judge_target(self._database, person.name, target, self._now)
                yield self._target_login(person, target, standing)
                yield self._target_silence(person, target, standing)

    def _source_login(self, person: Person, source: SourceStanding) -> CheckResult:
        trouble, bound = None, 0.0
        log_in = _run("login", "withings", "--person", person.name)
        if source.verdict is SourceVerdict.LOGIN_NEEDED:
            why = _ended(source.trouble)
            trouble = f"{person.name} must log in at Withings again.{why} {log_in}"
        elif source.verdict is SourceVerdict.NOT_CONNECTED:
            trouble, bound = f"{person.name} is not connected to Withings yet. {log_in}", NEWCOMER
        return CheckResult(
            name=f"withings login: {person.name}",
            trouble=trouble,
            well=f"{person.name}'s Withings login works again. {WELL}",
            bound=bound,
        )

    def _source_silence(self, person: Person, source: SourceStanding) -> CheckResult:
        last = f" since {_moment(source.checked_at)}" if source.checked_at else ""
        trouble = (
            f"Nothing could be read from Withings for {person.name}{last}."
            f"{_ended(source.trouble)} It is tried again and nothing is lost. "
            + _run("status", "--person", person.name)
        )
        overdue = is_overdue(source, self._settings, self._now, self._started_at)
        return CheckResult(
            name=f"withings silent: {person.name}",
            trouble=trouble if overdue else None,
            well=f"{person.name}'s readings come from Withings again. {WELL}",
            bound=FRESH_LOGIN,
            known=not needs_login(source),
        )

    def _subscription(self, person: Person, source: SourceStanding) -> CheckResult:
        care = None if source.account is None else SubscriptionStore(self._database, source.account)
        state = care.state() if care else None
        trouble, since = None, state.trouble_at if state and state.trouble else None
        if state and since is not None and self._now - since > SUBSCRIPTION_PATIENCE:
            minutes = f"{self._settings.server.poll / 60:.0f}"
            trouble = (
                f"Withings has not notified us about {person.name} since {_moment(since)}."
                f"{_ended(state.trouble)} Meanwhile readings come every {minutes} minutes. "
                + _run("subscriptions", "check")
            )
        return CheckResult(
            name=f"subscription: {person.name}",
            trouble=trouble,
            well=f"Withings notifies us about {person.name} again. {WELL}",
            known=not needs_login(source),
        )

    def _target_login(
        self, person: Person, target: TargetSettings, standing: TargetStanding
    ) -> CheckResult:
        trouble, bound = None, 0.0
        log_in = _run("login", target.name, "--person", person.name)
        if standing.verdict is TargetVerdict.LOGIN_NEEDED:
            why = _ended(standing.trouble)
            if not load_kind(target.kind).signs_in:
                log_in = _run("status", "--person", person.name)
            trouble = f"{person.name}'s {target.name} waits for a login.{why} {log_in}"
        elif standing.verdict is TargetVerdict.NOT_SIGNED_IN:
            trouble = f"{person.name} is not signed in at {target.name} yet. {log_in}"
            bound = NEWCOMER
        return CheckResult(
            name=f"target login: {person.name}, {target.name}",
            trouble=trouble,
            well=f"{person.name}'s {target.name} login works again. {WELL}",
            bound=bound,
        )

    def _target_silence(
        self, person: Person, target: TargetSettings, standing: TargetStanding
    ) -> CheckResult:
        number = sum(standing.open.get(state, 0) for state in _WAITING)
        since = self._silent_since(standing) if number else None
        trouble = None
        if since is not None:
            waiting = "1 reading waits" if number == 1 else f"{number} readings wait"
            trouble = (
                f"Nothing has reached {person.name}'s {target.name} since {_moment(since)}, "
                f"although {waiting} for it.{_ended(standing.trouble)} "
                + _run("status", "--person", person.name)
            )
        return CheckResult(
            name=f"target silent: {person.name}, {target.name}",
            trouble=trouble,
            well=f"{person.name}'s {target.name} gets readings again. {WELL}",
            known=standing.verdict is not TargetVerdict.LOGIN_NEEDED,
        )

    def _silent_since(self, standing: TargetStanding) -> float | None:
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


def _run(*words: str) -> str:
    return "Run: weighbridge " + " ".join(map(shlex.quote, words))


def _ended(why: Reason | None) -> str:
    """What happened, as a sentence that follows another one. Each finding has its own remedy."""
    what = why.message() if why else ""
    if not what:
        return ""
    return f" {what}" if what.endswith((".", "!", "?")) else f" {what}."


def _moment(instant: float) -> str:
    """``2025-10-09 08:53 UTC``: a message may be read long after it was written."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(instant))
