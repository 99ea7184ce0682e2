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
from typing import Literal

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


CounterName = Literal[
    "notifications",
    "notifications_dropped",
    "notifications_refused",
    "sync_jobs",
    "withings_requests",
    "groups",
    "missed_notifications",
    "deliveries",
    "problems",
    "target_connections",
]
"""A metric without ``weighbridge_``; ``monitoring.metrics`` has its text and its labels."""


class Counters(msgspec.Struct):
    """The numbers since the server started."""

    counts: Counter[tuple[str, ...]] = msgspec.field(default_factory=Counter)
    """(name of the counter, its labels …) → number"""
    delays: dict[str, Durations] = msgspec.field(default_factory=dict)
    """Kind of target → seconds from the notification to the delivery."""


class ProcessCounters:
    """The counters of one server. Any thread may call any method; none of them waits or raises."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters = Counters()

    def add(self, name: CounterName, *labels: str, number: int = 1) -> None:
        """Count something, for instance ``add("notifications_refused", "wrong_secret")``."""
        with self._lock:
            self._counters.counts[name, *labels] += number

    def job_ended(self, outcome: Outcome) -> None:
        """A person was brought up to date, or not."""
        self.add("sync_jobs", JOB_OUTCOMES[outcome.exit_code])
        self.add("groups", number=outcome.changed)
        self._add_problem("withings", outcome.problem)
        for one in outcome.deliveries:
            self.add("deliveries", one.kind, "sent", number=one.sent)
            self.add("deliveries", one.kind, "already_there", number=one.already_there)
            self._add_problem(one.kind, one.problem)

    def _add_problem(self, where: str, problem: Problem | None) -> None:
        if problem is not None:
            self.add("problems", where, type(problem).__name__)

    def delivered(self, kind: str, seconds: float) -> None:
        """A target of this kind has what a notification announced so many seconds ago."""
        with self._lock:
            self._counters.delays.setdefault(kind, Durations()).add(seconds)

    def snapshot(self) -> Counters:
        """A copy of the numbers, all of one moment."""
        with self._lock:
            return copy.deepcopy(self._counters)
