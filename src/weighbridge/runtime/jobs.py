"""What a worker thread does: it takes jobs from the schedule and carries them out.

Look at the notifications of the person, ask Withings if that is needed, deliver, plan when to come
again. Each thread has a ``JobRunner`` of its own, because a database belongs to its thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.core.reason import Reason
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.poll_policy import (
    JITTER,
    LastPoll,
    PollPolicy,
    days_of,
    jittered,
    newest_instants,
    note_unannounced,
    refresh_daily,
    report_unannounced,
)
from weighbridge.runtime.schedule import Job, Schedule
from weighbridge.storage.accounts import account_state, battery_of
from weighbridge.storage.notification_store import (
    OpenNotification,
    open_notifications,
    settle_notifications,
)
from weighbridge.sync.context import Outcome, PersonSync
from weighbridge.sync.pipeline import advance, catch_up, look_again
from weighbridge.sync.retry import next_due, patience
from weighbridge.sync.route_delivery import republish
from weighbridge.sync.services import Services
from weighbridge.sync.status_lines import source_login_reason, target_login_reason
from weighbridge.sync.sync_status import source_status, target_status
from weighbridge.targets.base import KeepsConnection, ServerStatus

log = logging.getLogger(__name__)

RETRY_AFTER_FAILURE = 60.0
"""Seconds until a job is tried again after an error that nobody expected."""
LOOK_BACK = 60.0
"""Seconds after which we ask once more when notifications were taken for answered without
asking."""
SHORTEST_PAUSE = 0.05
"""Seconds: what is due again at once must not keep a processor busy."""


class JobRunner:
    """Carries out jobs. ``last_polls`` is shared by all threads; a person is at work in one only.

    ``ended(person, status)`` is called after each job.
    """

    def __init__(  # noqa: PLR0913  what is outside is passed in
        self,
        services: Services,
        schedule: Schedule,
        counts: ProcessCounters,
        last_polls: dict[str, LastPoll],
        *,
        random: Callable[[], float],
        ended: Callable[[str, ServerStatus], None],
    ) -> None:
        self._services = services
        self._polls = PollPolicy(services.clock, last_polls)
        self._schedule = schedule
        self._counts = counts
        self._random = random
        self._ended = ended
        self._clock = services.clock

    def work(self) -> None:
        """Job after job until the schedule is closed. Raises what ends the server."""
        while (job := self._schedule.take()) is not None:
            try:
                self.run(job)
            except Problem as problem:
                extra = {"person": job.person, "problem": problem.message}
                log.warning("job_failed", extra=extra)
                self._plan_again(job)
            except Exception:
                log.exception("job_failed", extra={"person": job.person})
                self._plan_again(job)
            finally:
                self._schedule.done(job)

    def _plan_again(self, job: Job) -> None:
        """Everything that was due stays due: what was done already is done again without harm."""
        self._counts.add("sync_jobs", "failed")
        at = self._clock() + RETRY_AFTER_FAILURE
        if job.deferrable:
            self._schedule.deliver_deferrable_at(job.person, at)
            return
        if job.poll:
            self._schedule.poll_at(job.person, at)
        if job.notified:
            self._schedule.notified(job.person, RETRY_AFTER_FAILURE)
        for target in job.republish:
            self._schedule.republish_at(job.person, target, at)
        self._schedule.deliver_at(job.person, at)

    def run(self, job: Job) -> None:
        """Bring the person of the job one step further. Raises Problems of the home folder."""
        person = self._services.settings.directory.find(job.person)
        if person is None:  # left since it was planned
            self._schedule.forget(job.person, deferrable=job.deferrable)
            return
        sync = self._services.person_sync(person, heeds_backoff=True)
        self._polls.prepare(sync)
        if job.deferrable:
            outcome = catch_up(sync)
            self._count_delays(job.since, outcome)
            self._end(job, sync, outcome, None, None)
        else:
            self._run_urgent(job, sync)

    def _run_urgent(self, job: Job, sync: PersonSync) -> None:
        """What must not wait. Targets that take their time are served by a job of their own."""
        for target in job.republish:
            self._republish(sync, target)
        archive = sync.archive
        notifications = open_notifications(sync.database, archive.account) if archive else []
        if notifications:
            log.info("notified", extra={"person": sync.person, "notifications": len(notifications)})
        polls = job.poll or self._must_ask(sync, notifications)
        outcome = self._ask(sync, notifications) if polls else advance(sync, asking=False)
        since = min((notification.received_at for notification in notifications), default=None)
        self._count_delays(since, outcome)
        if polls:
            self._schedule.poll_at(sync.person, self._next_poll(sync, outcome.problem))
        synced_at = self._clock() if polls and outcome.problem is None else None
        self._end(job, sync, outcome, synced_at, since)
        if synced_at is not None and not notifications:
            refresh_daily(self._services, sync.person)

    def _republish(self, sync: PersonSync, target: str) -> None:
        """The target is connected again: it gets its latest values, and nothing waits any more."""
        for route in sync.routes:
            if route.name == target:
                route.ledger.wake()
                route.ledger.try_now()
                republish(route, self._clock())

    def _must_ask(self, sync: PersonSync, notifications: Sequence[OpenNotification]) -> bool:
        """False when we hold what was announced: then we ask once more a minute later, in case one
        of the notifications announced something else.
        """
        if not notifications:
            return False
        if not self._polls.is_answered(sync, notifications):
            return True
        self._settle(notifications)
        self._schedule.poll_at(sync.person, self._clock() + LOOK_BACK)
        return False

    def _ask(self, sync: PersonSync, notifications: Sequence[OpenNotification]) -> Outcome:
        before = newest_instants(sync)
        self._polls.begin(sync)
        outcome = advance(sync, asking=True)
        if outcome.problem is not None:
            return outcome
        self._polls.note_answer(sync, outcome.changed)
        if not notifications:
            note_unannounced(sync, before)
        elif not outcome.changed:
            return self._look_for_deletions(sync, notifications, outcome)
        self._settle(notifications)
        return outcome

    def _look_for_deletions(
        self, sync: PersonSync, notifications: Sequence[OpenNotification], outcome: Outcome
    ) -> Outcome:
        """Withings announced something, and nothing is new: something may be gone."""
        days = days_of(notifications)
        wait = self._polls.too_early_to_look(sync) if days else 0.0
        if wait > 0:
            self._schedule.notified(sync.person, wait)
            return outcome
        if days is not None:
            self._polls.note_look(sync)
            outcome = look_again(sync, days)
        if outcome.problem is None:
            self._settle(notifications)
        return outcome

    def _end(
        self,
        job: Job,
        sync: PersonSync,
        outcome: Outcome,
        synced_at: float | None,
        since: float | None,
    ) -> None:
        self._counts.job_ended(outcome)
        _log_outcome(outcome)
        report_unannounced(sync, self._counts)
        self._plan_deliveries(job, sync, since)
        self._ended(sync.person, self._status(sync, synced_at))

    def _settle(self, notifications: Sequence[OpenNotification]) -> None:
        """They were looked after: those that were there before Withings was asked."""
        ids = [notification.id for notification in notifications]
        if ids:
            settle_notifications(self._services.database, ids, self._clock())

    def _count_delays(self, since: float | None, outcome: Outcome) -> None:
        """``since``: when the notification came that led to it; None: there was none."""
        for delivered in outcome.deliveries:
            if delivered.sent and since is not None:
                self._counts.delivered(delivered.kind, self._clock() - since)

    def _plan_deliveries(self, job: Job, sync: PersonSync, since: float | None) -> None:
        """Plan what is due next; what was just served is not due again at once."""
        now = self._clock()
        for route in sync.routes:
            due = next_due(route.ledger, now, sync.cloud_ahead) if route.target else None
            if due is None:
                continue
            deferrable = not isinstance(route.target, KeepsConnection)
            earliest = now + SHORTEST_PAUSE if deferrable is job.deferrable else now
            if deferrable:
                self._schedule.deliver_deferrable_at(sync.person, max(due, earliest), since)
            else:
                self._schedule.deliver_at(sync.person, max(due, earliest))

    def _next_poll(self, sync: PersonSync, problem: Problem | None) -> float:
        now = self._clock()
        poll = jittered(self._services.settings.server.poll, self._random)
        account = account_state(sync.database, sync.person)
        if not isinstance(problem, RetryLater) or account is None:
            return now + poll
        since = now if account.trouble_at is None else account.trouble_at
        wait = max(patience(now - since), problem.after or 0.0)
        return now + min(wait * (1 + JITTER * self._random()), poll)

    def _status(self, sync: PersonSync, synced_at: float | None) -> ServerStatus:
        source = source_status(sync.database, sync.person)
        problem, about = source_login_reason(sync.person, source), f"{sync.person}, Withings"
        if problem is None:
            problem, about = self._target_problem(sync)
        account = sync.archive.account if sync.archive else None
        battery = None if account is None else battery_of(sync.database, account).level
        return ServerStatus(synced_at, problem, battery, about)

    def _target_problem(self, sync: PersonSync) -> tuple[Reason | None, str]:
        """At which target this person must log in (None: nowhere), and what it is about."""
        targets = self._services.settings.directory.person(sync.person).targets
        routes = {route.name: route for route in sync.routes}
        for target in targets:
            route = routes.get(target.name)
            if route is None or route.ledger.row()["decision"] != LoginNeeded.decision:
                continue
            standing = target_status(sync.database, sync.person, target, self._clock())
            problem = target_login_reason(sync.person, target.name, standing)
            return problem, f"{sync.person}, {target.name}"
        return None, ""


def _log_outcome(outcome: Outcome) -> None:
    """What happened, for ``-v``: no value of a measurement. A problem at Withings is a warning."""
    about: dict[str, object] = {"person": outcome.person}
    if outcome.problem is not None:
        # Pages, targets and alerts say that a login is needed.
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
