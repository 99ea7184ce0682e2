"""How everything stands, in numbers out of the database. No names, no values of measurements."""

from __future__ import annotations

from collections import Counter

import msgspec

from weighbridge.config import Settings
from weighbridge.config.directory import everyone
from weighbridge.core.delivery_state import State
from weighbridge.monitoring.checks import needs_login
from weighbridge.storage.alert_store import AlertBook
from weighbridge.storage.archive import count_groups_not_understood
from weighbridge.storage.database import Database
from weighbridge.storage.notification_store import count_open_notifications
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.status import SourceState, TargetState, source_status, target_status

OPEN_STATES = (
    *(State.PLANNED, State.SENDING, State.UNKNOWN),
    *(State.BLOCKED, State.HELD, State.REJECTED),
)


class StateGauges(msgspec.Struct):
    """How everything stands in the database, in numbers."""

    people: Counter[str] = msgspec.field(
        default_factory=lambda: Counter(connected=0, login_needed=0, failing=0)
    )
    oldest_success: float = 0.0
    """Seconds since Withings answered, for the person who waits longest."""
    subscriptions_failing: int = 0
    open: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    """(kind of target, state) → deliveries"""
    unseen: Counter[str] = msgspec.field(default_factory=Counter)
    logins: Counter[str] = msgspec.field(default_factory=Counter)
    """Kind of target → targets that need a login."""
    notifications: int = 0
    groups_not_understood: int = 0
    alerts: int = 0
    messages: int = 0


def read_gauges(database: Database, settings: Settings, now: float) -> StateGauges:
    """Read them all. Raises what the database raises."""
    gauges = StateGauges()
    for person in everyone(settings.directory):
        _count_person(database, gauges, person.name, now)
        for target in person.targets:
            standing = target_status(database, person.name, target, now)
            for state in OPEN_STATES:
                gauges.open[target.kind, state] += standing.open.get(state, 0)
            gauges.unseen[target.kind] += standing.unseen
            gauges.logins[target.kind] += standing.verdict in (
                TargetState.LOGIN_NEEDED,
                TargetState.NOT_SIGNED_IN,
            )
    gauges.notifications = count_open_notifications(database)
    gauges.groups_not_understood = count_groups_not_understood(database)
    book = AlertBook(database)
    gauges.alerts, gauges.messages = book.count_reported(), book.count_messages()
    return gauges


def _count_person(database: Database, gauges: StateGauges, person: str, now: float) -> None:
    source = source_status(database, person)
    if needs_login(source):
        gauges.people["login_needed"] += 1
        return
    gauges.people["connected"] += 1
    gauges.people["failing"] += source.verdict is SourceState.IN_TROUBLE
    since = source.checked_at or source.connected_at or now
    gauges.oldest_success = max(gauges.oldest_success, now - since)
    if source.account is not None:
        state = SubscriptionStore(database, source.account).state()
        gauges.subscriptions_failing += bool(state and state.trouble)
