"""What the server counts while it runs: plain numbers in memory, for ``/metrics``.

Nothing here knows a name, an address or a value of a measurement: labels are kinds of targets and
words of this program, so there are few of them and they say nothing about anybody.
"""

from __future__ import annotations

import copy
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping

import msgspec

from weighbridge.core.errors import ExitCode, Problem
from weighbridge.sync.context import Outcome

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 300.0, 3600.0)
"""Upper ends in seconds. A settled reading of a target that waits needs ten seconds and more."""

JOB_OUTCOMES: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.LOOK: "needs_attention",
    ExitCode.USAGE: "misconfigured",
    ExitCode.LOG_IN: "login_needed",
    ExitCode.LATER: "later",
}


class Durations(msgspec.Struct):
    """A histogram: how many were at most as long as each of ``BUCKETS``; the last one: longer."""

    buckets: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Sort one duration in. A clock that was set back makes it 0, never negative."""
        seconds = max(seconds, 0.0)
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    def cumulative(self) -> list[tuple[str, int]]:
        """Upper end in the words of Prometheus → number of durations up to it."""
        ends = [*map(str, BUCKETS), "+Inf"]
        number, rows = 0, []
        for end, more in zip(ends, self.buckets, strict=True):
            number += more
            rows.append((end, number))
        return rows


class Counters(msgspec.Struct):
    """The numbers since the server started."""

    notifications: int = 0
    """Notifications that were stored."""
    notifications_dropped: Counter[str] = msgspec.field(default_factory=Counter)
    """Answered 200 and forgotten, by reason: they concern none of our people."""
    notifications_refused: Counter[str] = msgspec.field(default_factory=Counter)
    """Answered 4xx, by reason."""
    jobs: Counter[str] = msgspec.field(default_factory=Counter)
    requests: int = 0
    groups: int = 0
    """Measure groups that were new or changed."""
    deliveries: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    """(kind of target, outcome)"""
    problems: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    """(kind of target or ``withings``, class of the problem)"""
    delays: dict[str, Durations] = msgspec.field(default_factory=dict)
    """Kind of target → seconds from the notification to the delivery."""
    connections: int = 0
    """Times that a target was connected, counted for each person."""
    missed_notifications: int = 0
    """Readings that a poll found and no notification had announced."""


class ProcessCounters:
    """The counters of one server. Any thread may call any method; none of them waits or raises."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters = Counters()

    def notification_stored(self, number: int = 1) -> None:
        """Notifications were written down and will be followed."""
        with self._lock:
            self._counters.notifications += number

    def notification_dropped(self, reason: str) -> None:
        """A notification was answered 200 and forgotten, for instance ``unknown_user``."""
        with self._lock:
            self._counters.notifications_dropped[reason] += 1

    def notification_refused(self, reason: str) -> None:
        """A notification was answered 4xx, for instance ``wrong_secret`` or ``too_large``."""
        with self._lock:
            self._counters.notifications_refused[reason] += 1

    def request_sent(self) -> None:
        """One request went to Withings."""
        with self._lock:
            self._counters.requests += 1

    def job_ended(self, outcome: Outcome) -> None:
        """A person was brought up to date, or not."""
        with self._lock:
            counters = self._counters
            counters.jobs[JOB_OUTCOMES[outcome.exit_code]] += 1
            counters.groups += outcome.changed
            self._count_problem("withings", outcome.problem)
            for delivered in outcome.deliveries:
                counters.deliveries[delivered.kind, "sent"] += delivered.sent
                counters.deliveries[delivered.kind, "already_there"] += delivered.already_there
                self._count_problem(delivered.kind, delivered.problem)

    def _count_problem(self, where: str, problem: Problem | None) -> None:
        if problem is not None:
            self._counters.problems[where, type(problem).__name__] += 1

    def job_failed(self) -> None:
        """A job ended with an error that nobody expected."""
        with self._lock:
            self._counters.jobs["failed"] += 1

    def delivered(self, kind: str, seconds: float) -> None:
        """A target of this kind has what a notification announced so many seconds ago."""
        with self._lock:
            self._counters.delays.setdefault(kind, Durations()).add(seconds)

    def target_connected(self) -> None:
        """A target that stays connected is there, for one person."""
        with self._lock:
            self._counters.connections += 1

    def notifications_missed(self, readings: int) -> None:
        """A poll found readings that no notification had announced."""
        with self._lock:
            self._counters.missed_notifications += readings

    def snapshot(self) -> Counters:
        """A copy of the numbers, all of one moment."""
        with self._lock:
            return copy.deepcopy(self._counters)
