"""How the whole house stands, in numbers out of the database. No names, no values."""

from __future__ import annotations

from collections import Counter

import msgspec

from weighbridge.config import Settings
from weighbridge.core.delivery_state import State
from weighbridge.monitoring.checks import needs_login
from weighbridge.storage.database import Database
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.status import SourceVerdict, TargetVerdict, judge_source, judge_target

OPEN_STATES = (
    *(State.PLANNED, State.SENDING, State.UNKNOWN),
    *(State.BLOCKED, State.HELD, State.REJECTED),
)


class StateGauges(msgspec.Struct):
    """How everything stands in the database, in numbers."""

    people: Counter[str] = msgspec.field(
        default_factory=lambda: Counter(connected=0, login_needed=0, in_trouble=0)
    )
    oldest_success: float = 0.0
    """Seconds since Withings answered, for the person who waits longest."""
    subscriptions_in_trouble: int = 0
    open: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    """(kind of target, state) → deliveries"""
    unseen: Counter[str] = msgspec.field(default_factory=Counter)
    logins: Counter[str] = msgspec.field(default_factory=Counter)
    """Kind of target → targets that need a login."""
    notifications: int = 0
    odd_groups: int = 0
    alerts: int = 0
    messages: int = 0


def take_census(database: Database, settings: Settings, now: float) -> StateGauges:
    """Read it all. Raises what the database raises."""
    house = StateGauges()
    for person in settings.people:
        _count_person(database, house, person.name, now)
        for target in person.targets:
            standing = judge_target(database, person.name, target, now)
            for state in OPEN_STATES:
                house.open[target.kind, state] += standing.open.get(state, 0)
            house.unseen[target.kind] += standing.unseen
            house.logins[target.kind] += standing.verdict in (
                TargetVerdict.LOGIN_NEEDED,
                TargetVerdict.NOT_SIGNED_IN,
            )
    house.notifications = _number(database, "count_open_notifications")
    house.odd_groups = _number(database, "count_all_odd_groups")
    house.alerts = _number(database, "count_open_alerts")
    house.messages = _number(database, "count_alert_messages")
    return house


def _count_person(database: Database, house: StateGauges, person: str, now: float) -> None:
    source = judge_source(database, person)
    if needs_login(source):
        house.people["login_needed"] += 1
        return
    house.people["connected"] += 1
    house.people["in_trouble"] += source.verdict is SourceVerdict.IN_TROUBLE
    since = source.checked_at or source.connected_at or now
    house.oldest_success = max(house.oldest_success, now - since)
    care = None if source.account is None else SubscriptionStore(database, source.account).state()
    house.subscriptions_in_trouble += bool(care and care.trouble)


def _number(database: Database, name: str) -> int:
    row = database.one(name)
    return int(row["number"]) if row else 0
