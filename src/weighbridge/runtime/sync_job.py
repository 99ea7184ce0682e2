"""One errand for one person: look at what Withings told, ask if that is needed, deliver, note when
to come again. Each worker thread has rounds of its own, because a database belongs to its thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from weighbridge.core.commands import login_command
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.runtime.battery import known_battery, refresh_battery
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.goal_refresh import refresh_goal
from weighbridge.runtime.missed_notifications import (
    newest_instants,
    note_unannounced,
    report_unannounced,
)
from weighbridge.runtime.poll_policy import LastPoll, PollPolicy, days_of
from weighbridge.runtime.schedule import Job, Schedule
from weighbridge.storage.notification_store import OpenNotification
from weighbridge.sync.context import Outcome, PersonSync
from weighbridge.sync.due import next_due, patience
from weighbridge.sync.pipeline import advance, catch_up, look_again
from weighbridge.sync.republish import say_anew
from weighbridge.sync.services import Services
from weighbridge.targets.base import KeepsConnection, ServerStatus

log = logging.getLogger(__name__)

LOOK_BACK = 60.0
"""Seconds after which we ask once more when notifications were taken for answered without
asking."""
SHORTEST_NAP = 0.05
"""Seconds: what is due again at once must not keep a processor busy."""
JITTER = 0.1


class SyncJob:
    """What a worker does. ``asked`` is shared by all workers; a person is at work only once."""

    def __init__(  # noqa: PLR0913  what is outside is passed in
        self,
        workplace: Services,
        scheduler: Schedule,
        counts: ProcessCounters,
        asked: dict[str, LastPoll],
        *,
        random: Callable[[], float],
        ended: Callable[[str, ServerStatus], None],
    ) -> None:
        self._workplace = workplace
        self._asking = PollPolicy(workplace, asked)
        self._scheduler = scheduler
        self._counts = counts
        self._random = random
        self._ended = ended
        self._clock = workplace.clock

    def run(self, errand: Job) -> None:
        """Bring the person of the errand one step further. Raises Problems of the home folder."""
        person = self._workplace.settings.person(errand.person)
        road = self._workplace.road(person, heeds_backoff=True)
        self._asking.prepare(road)
        if errand.slow:
            outcome = catch_up(road)
            self._note_speed(errand.since, outcome)
            self._end(road, outcome, None, slow=True)
        else:
            self._run_quick(road, errand)

    def _run_quick(self, road: PersonSync, errand: Job) -> None:
        """What must not wait: whatever takes its time is an errand of its own."""
        for name in errand.announce:
            self._announce(road, name)
        notifications = self._asking.notifications(road)
        if notifications:
            log.info("notified", extra={"person": road.person, "notifications": len(notifications)})
        asking = errand.asking or self._needs_asking(road, notifications)
        outcome = self._ask(road, notifications) if asking else advance(road, asking=False)
        since = min((notification.received_at for notification in notifications), default=None)
        self._note_speed(since, outcome)
        if asking:
            self._scheduler.ask(road.person, self._next_ask(road, outcome.problem))
        synced_at = self._clock() if asking and outcome.problem is None else None
        self._end(road, outcome, synced_at, since)
        if synced_at is not None and not notifications:
            refresh_goal(self._workplace, road.person)
            refresh_battery(self._workplace, road.person)

    def _end(
        self,
        road: PersonSync,
        outcome: Outcome,
        synced_at: float | None,
        since: float | None = None,
        *,
        slow: bool = False,
    ) -> None:
        self._counts.round_ended(outcome)
        _tell_log(outcome)
        report_unannounced(road, self._counts)
        self._plan_next(road, since, slow)
        battery = known_battery(road.archive) if road.archive else None
        self._ended(road.person, ServerStatus(synced_at, self._problem(road), battery))

    def _announce(self, road: PersonSync, name: str) -> None:
        """The target is there again: what it keeps is said anew, and nothing waits any longer."""
        for route in road.routes:
            if route.name == name:
                route.ledger.wake()
                route.ledger.try_now()
                say_anew(route, self._clock())

    def _needs_asking(self, road: PersonSync, notifications: Sequence[OpenNotification]) -> bool:
        """False when what was told is known already: then we only ask once more a minute later,
        in case one of the notifications told of something else.
        """
        if not notifications:
            return False
        if not self._asking.is_answered(road, notifications):
            return True
        self._asking.settle(notifications)
        self._scheduler.ask(road.person, self._clock() + LOOK_BACK)
        return False

    def _ask(self, road: PersonSync, notifications: Sequence[OpenNotification]) -> Outcome:
        before = newest_instants(road)
        self._asking.begin(road)
        outcome = advance(road, asking=True)
        if outcome.problem is not None:
            return outcome
        self._asking.note_answer(road, outcome.changed)
        if not notifications:
            note_unannounced(road, before)
        elif not outcome.changed:
            return self._look_for_deletions(road, notifications, outcome)
        self._asking.settle(notifications)
        return outcome

    def _look_for_deletions(
        self, road: PersonSync, notifications: Sequence[OpenNotification], outcome: Outcome
    ) -> Outcome:
        """Withings told of something, and nothing is new: something may be gone."""
        days = days_of(notifications)
        wait = self._asking.too_early_to_look(road) if days else 0.0
        if wait > 0:
            self._scheduler.notified(road.person, wait)
            return outcome
        if days is not None:
            self._asking.note_look(road)
            outcome = look_again(road, days)
        if outcome.problem is None:
            self._asking.settle(notifications)
        return outcome

    def _note_speed(self, since: float | None, outcome: Outcome) -> None:
        """``since``: when the notification came that began it; None: nobody notified."""
        for delivered in outcome.deliveries:
            if delivered.sent and since is not None:
                self._counts.reached(delivered.kind, self._clock() - since)

    def _plan_next(self, road: PersonSync, since: float | None, slow: bool) -> None:
        """Write into the diary when something is due; what was just served is not due at once."""
        now = self._clock()
        for route in road.routes:
            due = next_due(route.ledger, now, road.cloud_ahead) if route.target else None
            if due is None:
                continue
            if isinstance(route.target, KeepsConnection):
                self._scheduler.serve(road.person, max(due, now if slow else now + SHORTEST_NAP))
            else:
                nap = SHORTEST_NAP if slow else 0.0
                self._scheduler.serve_slow(road.person, max(due, now + nap), since)

    def _next_ask(self, road: PersonSync, problem: Problem | None) -> float:
        now = self._clock()
        poll = jittered(self._workplace.settings.server.poll, self._random)
        if not isinstance(problem, RetryLater) or road.archive is None:
            return now + poll
        row = road.database.one("account_of", person=road.person)
        since = row["trouble_at"] if row and row["trouble_at"] else now
        wait = max(patience(now - since), problem.after or 0.0)
        return now + min(wait * (1 + JITTER * self._random()), poll)

    def _problem(self, road: PersonSync) -> str | None:
        """What this person must do, in one sentence; None: nothing."""
        log_in = f"Run: {login_command('withings', road.person)}"
        if road.archive is None:
            return f"{road.person}: Nobody is connected to Withings. {log_in}"
        needed = self._workplace.tokens(road.person).login_needed()
        if needed:
            return f"{road.person}: {needed} {log_in}"
        for route in road.routes:
            row = route.ledger.row()
            if row["trouble_kind"] == "LoginNeeded":
                return f"{road.person}, {route.name}: {row['trouble']}"
        return None


def _tell_log(outcome: Outcome) -> None:
    """What happened, for ``-v``: no value of a measurement. Trouble at Withings is warned of."""
    about: dict[str, object] = {"person": outcome.person}
    if outcome.problem is not None:
        # A login that is needed is told on pages, at targets and by alerts.
        level = logging.INFO if isinstance(outcome.problem, LoginNeeded) else logging.WARNING
        log.log(level, "withings_not_read", extra={**about, "problem": outcome.problem.message})
    elif outcome.changed or outcome.gone:
        log.info("withings_read", extra={**about, "new": outcome.changed, "gone": outcome.gone})
    for one in outcome.deliveries:
        about["target"] = one.target
        if one.sent:
            log.info("delivered", extra={**about, "readings": one.sent})
        if one.problem is not None:
            log.info("not_delivered", extra={**about, "problem": one.problem.message})


def jittered(poll: float, random: Callable[[], float]) -> float:
    """Seconds until the next poll: people are not looked at in step."""
    return poll * (1 + JITTER * (2 * random() - 1))
