"""Notifications are durable, belong to the right person, and are forgotten when they are old."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from weighbridge.core.errors import StateProblem
from weighbridge.core.secret import TokenPair
from weighbridge.sources.withings.notification import NOT_OF_MEASURES, Notification
from weighbridge.storage.archive import Archive, connect_account
from weighbridge.storage.database import Database
from weighbridge.storage.leases import Leases
from weighbridge.storage.logins import WithingsTokens
from weighbridge.storage.notification_store import (
    announced,
    forget_old_notifications,
    open_notifications,
    people_with_open_notifications,
    settle_notifications,
    store_notifications,
)
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.testing.builders import NOON

NOW = NOON + 100.0
WEIGH_IN = Notification("4711", 1, NOON - 1, NOON)


def clock() -> float:
    return NOW


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def anna(database: Database) -> Archive:
    return connect_account(database, "anna", "4711", clock)


@pytest.fixture
def ben(database: Database) -> Archive:
    return connect_account(database, "ben", "4712", clock)


@pytest.fixture
def login(database: Database, anna: Archive) -> WithingsTokens:
    leases = Leases(database, clock, lambda seconds: None)
    tokens = WithingsTokens(database, leases, clock, anna.person)
    tokens.store(pair("1"))
    return tokens


def pair(number: str) -> TokenPair:
    return TokenPair("4711", f"access-{number}", f"refresh-{number}", int(NOW) + 10_800, "", 0)


def store(database: Database, *notifications: Notification, at: float = NOW) -> tuple[str, ...]:
    return store_notifications(
        database, [(notification, at) for notification in notifications]
    ).people


def test_a_notification_wakes_its_person_and_stays_open_until_it_is_settled(
    database: Database, anna: Archive, ben: Archive
) -> None:
    assert store(database, WEIGH_IN) == ("anna",)
    (notification,) = open_notifications(database, anna.account)
    assert (notification.appli, notification.first_at, notification.last_at) == (1, NOON - 1, NOON)
    assert notification.received_at == NOW
    assert open_notifications(database, ben.account) == []
    settle_notifications(database, [notification.id], NOW + 1)
    assert open_notifications(database, anna.account) == []


def test_many_notifications_wake_each_person_once(
    database: Database, anna: Archive, ben: Archive
) -> None:
    other = Notification("4712", 4, NOON - 1, NOON)
    assert store(database, WEIGH_IN, other, WEIGH_IN, WEIGH_IN) == ("anna", "ben")
    assert len(open_notifications(database, anna.account)) == 3


def test_a_notification_for_nobody_is_dropped_and_counted(
    database: Database, anna: Archive
) -> None:
    stranger = Notification("9", 1, NOON - 1, NOON)
    stored = store_notifications(database, [(stranger, NOW), (WEIGH_IN, NOW), (stranger, NOW)])
    assert (stored.people, stored.kept, stored.unknown) == (("anna",), 1, 2)


def test_only_what_was_open_is_settled(database: Database, anna: Archive) -> None:
    store(database, WEIGH_IN)
    before = [notification.id for notification in open_notifications(database, anna.account)]
    store(database, WEIGH_IN, at=NOW + 1)
    settle_notifications(database, before, NOW + 2)
    assert [
        notification.received_at for notification in open_notifications(database, anna.account)
    ] == [NOW + 1]


def test_who_notified_before_a_restart_is_known_afterwards(
    database: Database, anna: Archive, ben: Archive
) -> None:
    store(database, Notification("4712", 1), WEIGH_IN, Notification("4712", 4))
    with SqliteDatabase(database.home) as reopened:
        assert people_with_open_notifications(reopened) == ["anna", "ben"]


def test_what_asks_for_nothing_wakes_nobody_and_is_not_left_open(
    database: Database, anna: Archive
) -> None:
    assert (
        store(database, Notification("4711", 46, action="update"), Notification("4711", 50, 1, 1))
        == ()
    )
    assert open_notifications(database, anna.account) == []


@pytest.mark.parametrize("action", ["unlink", "delete"])
def test_an_account_that_is_gone_needs_a_login_and_its_person_is_woken(
    database: Database, login: WithingsTokens, action: str
) -> None:
    assert store(database, Notification("4711", 46, action=action)) == ("anna",)
    reason = login.login_needed()
    assert reason is not None
    assert reason.message().startswith("Withings says")
    assert login.load() == pair("1")  # nothing is thrown away on somebody's word


def test_the_next_login_takes_the_mark_away(database: Database, login: WithingsTokens) -> None:
    store(database, Notification("4711", 46, action="unlink"))
    login.store(pair("2"))
    assert login.login_needed() is None


def test_nobody_else_is_marked_when_an_account_is_gone(
    database: Database, login: WithingsTokens, ben: Archive
) -> None:
    store(
        database, Notification("4712", 46, action="delete"), Notification("9", 46, action="delete")
    )
    assert login.login_needed() is None


def test_settled_notifications_are_forgotten_after_a_month_and_open_ones_never(
    database: Database, anna: Archive
) -> None:
    store(database, WEIGH_IN, WEIGH_IN)
    first, second = open_notifications(database, anna.account)
    settle_notifications(database, [first.id], NOW)
    assert forget_old_notifications(database, NOW + 30 * 86_400) == 0
    assert forget_old_notifications(database, NOW + 30 * 86_400 + 1) == 1
    assert [notification.id for notification in open_notifications(database, anna.account)] == [
        second.id
    ]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-61, False), (-60, True), (0, True), (61, True), (62, False)]
)
def test_an_instant_is_announced_within_a_minute_of_the_window(
    database: Database, anna: Archive, seconds: int, expected: bool
) -> None:
    store(database, Notification("4711", 1, NOON, NOON + 1))
    assert announced(database, anna.account, NOON + seconds, without=NOT_OF_MEASURES) is expected


def test_sleep_steps_and_other_people_announce_no_measurement(
    database: Database, anna: Archive, ben: Archive
) -> None:
    store(database, *(Notification("4711", appli, NOON, NOON) for appli in (16, 44, 46, 50, 51)))
    store(database, Notification("4712", 1, NOON, NOON), Notification("4711", 1))
    assert not announced(database, anna.account, NOON, without=NOT_OF_MEASURES)


def test_a_settled_notification_has_announced_all_the_same(
    database: Database, anna: Archive
) -> None:
    store(database, WEIGH_IN)
    settle_notifications(
        database,
        [notification.id for notification in open_notifications(database, anna.account)],
        NOW,
    )
    assert announced(database, anna.account, NOON, without=NOT_OF_MEASURES)


def test_a_pile_is_stored_whole_or_not_at_all(database: Database, anna: Archive) -> None:
    broken = Notification("4711", 2**63, NOON, NOON)  # no column can hold it
    with pytest.raises((StateProblem, OverflowError)):
        store(database, WEIGH_IN, broken)
    assert open_notifications(database, anna.account) == []


def test_a_notification_for_somebody_who_is_not_looked_after_any_more_is_dropped(
    database: Database, anna: Archive, ben: Archive
) -> None:
    notifications = [(WEIGH_IN, NOW), (Notification(ben.userid, 1, NOON, NOON + 1), NOW)]
    stored = store_notifications(database, notifications, lambda person: person == "ben")
    assert (stored.people, stored.kept, stored.unknown) == (("ben",), 1, 1)
    assert open_notifications(database, anna.account) == []
