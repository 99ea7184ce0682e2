"""Metrics in the text format of Prometheus: what was counted, and how everything stands.

There is no name and no value of a measurement in them. ``prometheus-client`` comes with the extra
``metrics``.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from weighbridge import __version__
from weighbridge.config import Settings, everyone
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import Problem
from weighbridge.monitoring.checks import MonitoredServer, needs_login
from weighbridge.runtime.counters import JOB_OUTCOMES, CounterName, Counters
from weighbridge.storage.alert_store import AlertBook
from weighbridge.storage.archive import count_groups_not_understood
from weighbridge.storage.database import Database
from weighbridge.storage.notification_store import count_open_notifications
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.sync_status import SourceState, TargetState, source_status, target_status

if TYPE_CHECKING:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

log = logging.getLogger(__name__)

type Rows = Mapping[tuple[str, ...], float]
"""Label values → number."""
type Gauges = defaultdict[str, defaultdict[tuple[str, ...], float]]

COUNTERS: Mapping[CounterName, tuple[str, tuple[str, ...]]] = {
    "notifications": ("Notifications of Withings that were stored.", ()),
    "notifications_dropped": (
        "Notifications about people who are not connected here.",
        ("reason",),
    ),
    "notifications_refused": ("Notifications that were refused.", ("reason",)),
    "sync_jobs": ("Times that a person was brought up to date.", ("outcome",)),
    "withings_requests": ("Requests to Withings.", ()),
    "groups": ("Measure groups that were new or changed.", ()),
    "missed_notifications": ("Readings that a poll found and no notification had announced.", ()),
    "deliveries": ("Deliveries to targets.", ("kind", "outcome")),
    "problems": (
        "Problems at Withings or at a target that ended a sync job.",
        ("kind", "problem"),
    ),
    "target_connections": ("Times that a target was connected.", ()),
}
"""Name → text and labels. These were counted by this process since it started."""

GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "people": ("People, by status.", ("status",)),
    "withings_silence_seconds": (
        "Seconds since Withings answered, for the person who waits longest; without those who "
        "must log in.",
        (),
    ),
    "subscriptions_failing": (
        "People whose subscription for notifications is not in order.",
        (),
    ),
    "open_deliveries": ("Deliveries that have not come to an end.", ("kind", "state")),
    "unseen_deliveries": (
        "Deliveries that were accepted and not seen at the target yet.",
        ("kind",),
    ),
    "targets_needing_login": ("Targets at which a person must log in.", ("kind",)),
    "open_notifications": ("Notifications that have not been processed yet.", ()),
    "groups_not_understood": ("Measure groups that could not be understood. They are kept.", ()),
    "alerts": ("Problems that were reported and still exist.", ()),
    "alert_messages_waiting": (
        "Messages about problems that no channel has accepted yet.",
        (),
    ),
}
"""Name → text and labels. These stand in the database."""

_OPEN_STATES = (
    *(State.PLANNED, State.SENDING, State.UNKNOWN),
    *(State.BLOCKED, State.HELD, State.REJECTED),
)


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
    from prometheus_client.core import HistogramMetricFamily

    yield _gauge("info", "The version that runs.", {(__version__,): 1}, ("version",))
    zeros = {("sync_jobs", word): 0 for word in (*JOB_OUTCOMES.values(), "failed")}
    counted = zeros | counters.counts
    for name, (text, labels) in COUNTERS.items():
        rows = {key[1:]: number for key, number in counted.items() if key[0] == name}
        yield _counter(name, text, rows if labels else {(): rows.get((), 0)}, labels)
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
    yield _gauge("started_timestamp_seconds", "When the server started.", {(): started})
    try:
        with server.open() as services:
            gauges = read_gauges(services.database, server.settings, server.clock())
    except Problem as problem:
        log.warning("metrics_without_database", extra={"problem": str(problem)})
        yield _gauge("database_up", "Whether the database can be read.", {(): 0})
        return
    yield _gauge("database_up", "Whether the database can be read.", {(): 1})
    for name, (text, labels) in GAUGES.items():
        yield _gauge(name, text, gauges[name], labels)


def read_gauges(database: Database, settings: Settings, now: float) -> Gauges:
    """How everything stands, by the names of ``GAUGES``. Raises what the database raises."""
    gauges: Gauges = defaultdict(lambda: defaultdict(float))
    gauges["people"] |= {("connected",): 0, ("login_needed",): 0, ("failing",): 0}
    gauges["withings_silence_seconds"][()] = gauges["subscriptions_failing"][()] = 0
    for person in everyone(settings.directory):
        _add_person(database, gauges, person.name, now)
        for target in person.targets:
            standing = target_status(database, person.name, target, now)
            for state in _OPEN_STATES:
                gauges["open_deliveries"][target.kind, state] += standing.open.get(state, 0)
            gauges["unseen_deliveries"][target.kind,] += standing.unseen
            must = standing.verdict in (TargetState.LOGIN_NEEDED, TargetState.NOT_SIGNED_IN)
            gauges["targets_needing_login"][target.kind,] += must
    gauges["open_notifications"][()] = count_open_notifications(database)
    gauges["groups_not_understood"][()] = count_groups_not_understood(database)
    gauges["alerts"][()] = AlertBook(database).count_reported()
    gauges["alert_messages_waiting"][()] = AlertBook(database).count_messages()
    return gauges


def _add_person(database: Database, gauges: Gauges, person: str, now: float) -> None:
    source = source_status(database, person)
    if needs_login(source):
        gauges["people"]["login_needed",] += 1
        return
    gauges["people"]["connected",] += 1
    gauges["people"]["failing",] += source.verdict is SourceState.IN_TROUBLE
    silence = gauges["withings_silence_seconds"]
    since = source.checked_at or source.connected_at or now
    silence[()] = max(silence[()], now - since)
    if source.account is not None:
        state = SubscriptionStore(database, source.account).state()
        gauges["subscriptions_failing"][()] += bool(state and state.trouble)


def _counter(name: str, text: str, rows: Rows, labels: Iterable[str] = ()) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return _filled(CounterMetricFamily(f"weighbridge_{name}", text, labels=list(labels)), rows)


def _gauge(name: str, text: str, rows: Rows, labels: Iterable[str] = ()) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return _filled(GaugeMetricFamily(f"weighbridge_{name}", text, labels=list(labels)), rows)


def _filled(metric: CounterMetricFamily | GaugeMetricFamily, rows: Rows) -> Metric:
    for values, number in rows.items():
        metric.add_metric(list(values), number)
    return metric
