"""Knocks are durable, belong to the right person, and are forgotten when they are old."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from weighbridge.archive.archive import Archive, connect_account
from weighbridge.archive.credentials import WithingsTokens
from weighbridge.archive.database import Database
from weighbridge.archive.knocks import (
    KEPT_SECONDS,
    announced,
    forget_old_knocks,
    open_knocks,
    people_with_open_knocks,
    settle_knocks,
    store_knocks,
)
from weighbridge.archive.lease import Leases
from weighbridge.errors import StateProblem
from weighbridge.testing.builders import NOON
from weighbridge.withings.knock import Knock
from weighbridge.withings.tokens import TokenPair

NOW = NOON + 100.0
WEIGH_IN = Knock("4711", 1, NOON - 1, NOON)


def clock() -> float:
    return NOW


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "home") as opened:
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


def store(database: Database, *knocks: Knock, at: float = NOW) -> tuple[str, ...]:
    return store_knocks(database, [(knock, at) for knock in knocks]).people


def test_a_knock_wakes_its_person_and_stays_open_until_it_is_settled(
    database: Database, anna: Archive, ben: Archive
) -> None:
    assert store(database, WEIGH_IN) == ("anna",)
    (knock,) = open_knocks(database, anna.account)
    assert (knock.appli, knock.first_at, knock.last_at) == (1, NOON - 1, NOON)
    assert knock.received_at == NOW
    assert open_knocks(database, ben.account) == []
    settle_knocks(database, [knock.id], NOW + 1)
    assert open_knocks(database, anna.account) == []


def test_many_knocks_wake_each_person_once(database: Database, anna: Archive, ben: Archive) -> None:
    other = Knock("4712", 4, NOON - 1, NOON)
    assert store(database, WEIGH_IN, other, WEIGH_IN, WEIGH_IN) == ("anna", "ben")
    assert len(open_knocks(database, anna.account)) == 3


def test_a_knock_for_nobody_is_dropped_and_counted(database: Database, anna: Archive) -> None:
    stranger = Knock("9", 1, NOON - 1, NOON)
    stored = store_knocks(database, [(stranger, NOW), (WEIGH_IN, NOW), (stranger, NOW)])
    assert (stored.people, stored.kept, stored.unknown) == (("anna",), 1, 2)


def test_only_what_was_open_is_settled(database: Database, anna: Archive) -> None:
    store(database, WEIGH_IN)
    before = [knock.id for knock in open_knocks(database, anna.account)]
    store(database, WEIGH_IN, at=NOW + 1)
    settle_knocks(database, before, NOW + 2)
    assert [knock.received_at for knock in open_knocks(database, anna.account)] == [NOW + 1]


def test_who_knocked_before_a_restart_is_known_afterwards(
    database: Database, anna: Archive, ben: Archive
) -> None:
    store(database, Knock("4712", 1), WEIGH_IN, Knock("4712", 4))
    with Database(database.home) as reopened:
        assert people_with_open_knocks(reopened) == ["anna", "ben"]


def test_what_asks_for_nothing_wakes_nobody_and_is_not_left_open(
    database: Database, anna: Archive
) -> None:
    assert store(database, Knock("4711", 46, action="update"), Knock("4711", 50, 1, 1)) == ()
    assert open_knocks(database, anna.account) == []


@pytest.mark.parametrize("action", ["unlink", "delete"])
def test_an_account_that_is_gone_needs_a_login_and_its_person_is_woken(
    database: Database, login: WithingsTokens, action: str
) -> None:
    assert store(database, Knock("4711", 46, action=action)) == ("anna",)
    reason = login.login_needed()
    assert reason is not None
    assert reason.startswith("Withings says")
    assert login.load() == pair("1")  # nothing is thrown away on somebody's word


def test_the_next_login_takes_the_mark_away(database: Database, login: WithingsTokens) -> None:
    store(database, Knock("4711", 46, action="unlink"))
    login.store(pair("2"))
    assert login.login_needed() is None


def test_nobody_else_is_marked_when_an_account_is_gone(
    database: Database, login: WithingsTokens, ben: Archive
) -> None:
    store(database, Knock("4712", 46, action="delete"), Knock("9", 46, action="delete"))
    assert login.login_needed() is None


def test_settled_knocks_are_forgotten_after_a_month_and_open_ones_never(
    database: Database, anna: Archive
) -> None:
    store(database, WEIGH_IN, WEIGH_IN)
    first, second = open_knocks(database, anna.account)
    settle_knocks(database, [first.id], NOW)
    assert forget_old_knocks(database, NOW + KEPT_SECONDS) == 0
    assert forget_old_knocks(database, NOW + KEPT_SECONDS + 1) == 1
    assert [knock.id for knock in open_knocks(database, anna.account)] == [second.id]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-61, False), (-60, True), (0, True), (61, True), (62, False)]
)
def test_an_instant_is_announced_within_a_minute_of_the_window(
    database: Database, anna: Archive, seconds: int, expected: bool
) -> None:
    store(database, Knock("4711", 1, NOON, NOON + 1))
    assert announced(database, anna.account, NOON + seconds) is expected


def test_sleep_steps_and_other_people_announce_no_measurement(
    database: Database, anna: Archive, ben: Archive
) -> None:
    store(database, *(Knock("4711", appli, NOON, NOON) for appli in (16, 44, 46, 50, 51)))
    store(database, Knock("4712", 1, NOON, NOON), Knock("4711", 1))
    assert not announced(database, anna.account, NOON)


def test_a_settled_knock_has_announced_all_the_same(database: Database, anna: Archive) -> None:
    store(database, WEIGH_IN)
    settle_knocks(database, [knock.id for knock in open_knocks(database, anna.account)], NOW)
    assert announced(database, anna.account, NOON)


def test_a_pile_is_stored_whole_or_not_at_all(database: Database, anna: Archive) -> None:
    broken = Knock("4711", 2**63, NOON, NOON)  # no column can hold it
    with pytest.raises((StateProblem, OverflowError)):
        store(database, WEIGH_IN, broken)
    assert open_knocks(database, anna.account) == []


def test_a_knock_for_somebody_who_is_not_looked_after_any_more_is_dropped(
    database: Database, anna: Archive, ben: Archive
) -> None:
    knocks = [(WEIGH_IN, NOW), (Knock(ben.userid, 1, NOON, NOON + 1), NOW)]
    stored = store_knocks(database, knocks, {"ben"})
    assert (stored.people, stored.kept, stored.unknown) == (("ben",), 1, 1)
    assert open_knocks(database, anna.account) == []
