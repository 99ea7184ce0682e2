"""Metrics in the text format of Prometheus: what was counted, and how everything stands.

There is no name and no value of a measurement in them. ``prometheus-client`` comes with the extra
``metrics``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from weighbridge import __version__
from weighbridge.core.errors import Problem
from weighbridge.monitoring.checks import MonitoredServer
from weighbridge.monitoring.state_gauges import StateGauges, read_gauges
from weighbridge.runtime.counters import JOB_OUTCOMES, Counters

if TYPE_CHECKING:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

log = logging.getLogger(__name__)


def render(server: MonitoredServer) -> bytes:
    """The page. Blocks while it reads the database."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collected([*_counted(server.counts.snapshot()), *_standing(server)]))
    ProcessCollector(registry=registry)  # memory, processor time, open files: where there is /proc
    return generate_latest(registry)


class _Collected:
    """What ``CollectorRegistry`` asks for."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _counted(counters: Counters) -> Iterator[Metric]:
    """What this process counted since it started."""
    from prometheus_client.core import HistogramMetricFamily

    yield _gauge("info", "The version that runs.", {(__version__,): 1}, ["version"])
    yield _counter(
        "notifications", "Notifications of Withings that were stored.", counters.notifications
    )
    yield _counter(
        "notifications_dropped",
        "Notifications about people who are not connected here.",
        _rows(counters.notifications_dropped),
        ["reason"],
    )
    yield _counter(
        "notifications_refused",
        "Notifications that were refused.",
        _rows(counters.notifications_refused),
        ["reason"],
    )
    jobs: Rows = {(word,): counters.jobs[word] for word in (*JOB_OUTCOMES.values(), "failed")}
    yield _counter("sync_jobs", "Times that a person was brought up to date.", jobs, ["outcome"])
    yield _counter("withings_requests", "Requests to Withings.", counters.requests)
    yield _counter("groups", "Measure groups that were new or changed.", counters.groups)
    yield _counter(
        "missed_notifications",
        "Readings that a poll found and no notification had announced.",
        counters.missed_notifications,
    )
    yield _counter(
        "deliveries", "Deliveries to targets.", _rows(counters.deliveries), ["kind", "outcome"]
    )
    yield _counter(
        "problems",
        "Problems at Withings or at a target that ended a sync job.",
        _rows(counters.problems),
        ["kind", "problem"],
    )
    yield _counter("target_connections", "Times that a target was connected.", counters.connections)
    delays = HistogramMetricFamily(
        "weighbridge_delivery_delay_seconds",
        "Seconds from a notification to the delivery of its readings.",
        labels=["kind"],
    )
    for kind, durations in counters.delays.items():
        delays.add_metric([kind], durations.cumulative(), durations.total)
    yield delays


def _standing(server: MonitoredServer) -> Iterator[Metric]:
    """What the database says now. When it cannot be read, only that is said."""
    started = server.started_at
    yield _gauge("started_timestamp_seconds", "When the server started.", started)
    try:
        with server.open() as services:
            gauges = read_gauges(services.database, server.settings, server.clock())
    except Problem as problem:
        log.warning("metrics_without_database", extra={"problem": str(problem)})
        yield _gauge("database_up", "Whether the database can be read.", 0)
        return
    yield _gauge("database_up", "Whether the database can be read.", 1)
    yield from _gauges(gauges)


def _gauges(gauges: StateGauges) -> Iterator[Metric]:
    yield _gauge("people", "People, by status.", _rows(gauges.people), ["status"])
    yield _gauge(
        "withings_silence_seconds",
        "Seconds since Withings answered, for the person who waits longest; without those who "
        "must log in.",
        gauges.oldest_success,
    )
    yield _gauge(
        "subscriptions_failing",
        "People whose subscription for notifications is not in order.",
        gauges.subscriptions_failing,
    )
    yield _gauge(
        "open_deliveries",
        "Deliveries that have not come to an end.",
        _rows(gauges.open),
        ["kind", "state"],
    )
    yield _gauge(
        "unseen_deliveries",
        "Deliveries that were accepted and not seen at the target yet.",
        _rows(gauges.unseen),
        ["kind"],
    )
    yield _gauge(
        "targets_needing_login",
        "Targets at which a person must log in.",
        _rows(gauges.logins),
        ["kind"],
    )
    notifications = "Notifications that have not been processed yet."
    yield _gauge("open_notifications", notifications, gauges.notifications)
    odd = "Measure groups that could not be understood. They are kept."
    yield _gauge("groups_not_understood", odd, gauges.groups_not_understood)
    sent = "Problems that were reported and still exist."
    yield _gauge("alerts", sent, gauges.alerts)
    messages = "Messages about problems that no channel has accepted yet."
    yield _gauge("alert_messages_waiting", messages, gauges.messages)


type Rows = Mapping[tuple[str, ...], float]
"""Label values → number."""


def _rows(counted: Mapping[str, int] | Mapping[tuple[str, str], int]) -> Rows:
    return {(key,) if isinstance(key, str) else key: number for key, number in counted.items()}


def _counter(name: str, text: str, rows: Rows | float, labels: Iterable[str] = ()) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return _filled(CounterMetricFamily(f"weighbridge_{name}", text, labels=list(labels)), rows)


def _gauge(name: str, text: str, rows: Rows | float, labels: Iterable[str] = ()) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return _filled(GaugeMetricFamily(f"weighbridge_{name}", text, labels=list(labels)), rows)


def _filled(metric: CounterMetricFamily | GaugeMetricFamily, rows: Rows | float) -> Metric:
    for values, number in rows.items() if isinstance(rows, Mapping) else [((), rows)]:
        metric.add_metric(list(values), number)
    return metric
