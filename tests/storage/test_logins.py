"""Logins: replaced as a whole or not at all, the one before kept, bound to their accounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from weighbridge.core.errors import ConfigProblem
from weighbridge.core.network import TIME_LIMIT
from weighbridge.core.reason import plain
from weighbridge.core.secret import TokenPair
from weighbridge.sources.withings.token_refresh import LEASE
from weighbridge.storage.leases import Leases
from weighbridge.storage.logins import (
    REFRESH_PATIENCE,
    REFRESH_SECONDS,
    TargetSession,
    WithingsTokens,
)
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.testing.builders import NOON


class Home:
    """A home folder with logins in it."""

    def __init__(self, folder: Path) -> None:
        self.database = SqliteDatabase(folder)
        self.now = float(NOON)
        self.leases = Leases(self.database, self.clock, self.sleep)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def tokens(self, person: str = "anna") -> WithingsTokens:
        return WithingsTokens(self.database, self.leases, self.clock, person)

    def session(self, person: str = "anna", target: str = "garmin") -> TargetSession:
        return TargetSession(
            self.database, self.leases, self.clock, person=person, target=target, kind="garmin"
        )

    def close(self) -> None:
        self.leases.close()
        self.database.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = Home(tmp_path)
    yield opened
    opened.close()


def pair(number: int, userid: str = "4711") -> TokenPair:
    return TokenPair(
        userid, f"access-{number}", f"refresh-{number}", NOON + 10_800, "user.metrics", NOON
    )


def test_before_the_first_login_there_is_nothing(home: Home) -> None:
    assert home.tokens().load() is None
    assert home.tokens().previous() is None
    assert home.session().load() is None
    assert home.session().account() is None
    assert home.tokens().login_needed() is None


def test_a_new_pair_keeps_the_one_before(home: Home) -> None:
    for number in (1, 2, 3):
        home.tokens().store(pair(number))
    assert home.tokens().load() == pair(3)
    assert home.tokens().previous() == pair(2)


def test_a_pair_survives_the_process(home: Home, tmp_path: Path) -> None:
    home.tokens().store(pair(1))
    again = Home(tmp_path)
    try:
        assert again.tokens().load() == pair(1)
    finally:
        again.close()


def test_a_pair_is_replaced_as_a_whole_or_not_at_all(home: Home) -> None:
    home.tokens().store(pair(1))

    def fail() -> None:
        with home.database.transaction():
            home.tokens().store(pair(2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert home.tokens().load() == pair(1)
    assert home.tokens().previous() is None


def test_a_refused_login_is_remembered_until_the_next_one(home: Home) -> None:
    home.tokens().store(pair(1))
    home.tokens().mark_login_needed(plain("The refresh token was refused."))
    assert home.tokens().login_needed() == plain("The refresh token was refused.")
    assert home.tokens().load() == pair(1)
    home.tokens().store(pair(2))
    assert home.tokens().login_needed() is None


def test_people_and_targets_have_their_own_logins(home: Home) -> None:
    home.tokens("anna").store(pair(1))
    home.tokens("ben").store(pair(2, userid="4712"))
    home.session("anna").store({"token": "a"}, account="guid-a")
    home.session("ben").store({"token": "b"}, account="guid-b")
    home.session("anna", "second").store({"token": "c"}, account="guid-a")
    assert home.tokens("anna").load() == pair(1)
    assert home.session("anna").load() == {"token": "a"}
    assert home.session("ben").load() == {"token": "b"}
    assert home.session("anna", "second").load() == {"token": "c"}


def test_a_session_is_bound_to_the_account_that_logged_in(home: Home) -> None:
    home.session().store({"token": "a"}, account="guid-a")
    assert home.session().account() == "guid-a"
    home.session().store({"token": "b"}, account="guid:with:colons")
    assert home.session().account() == "guid:with:colons"


def test_an_account_of_one_person_is_refused_for_another(home: Home) -> None:
    home.session("anna").store({"token": "a"}, account="guid-a")
    home.session("anna").refuse_shared("guid-a")
    home.session("ben").refuse_shared("guid-b")
    with pytest.raises(ConfigProblem, match="already belongs to anna") as caught:
        home.session("ben").refuse_shared("guid-a")
    assert caught.value.remedy


def test_only_one_at_a_time_renews_a_login(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path)
    try:
        with home.session().lease():
            with other.tokens().lease(90.0), other.session("ben").lease():
                assert other.now == NOON
            with other.session().lease():
                assert other.now >= NOON + 90
    finally:
        other.close()


def test_one_waits_longer_for_a_renewal_than_another_may_take() -> None:
    """Otherwise a command would give up although the login is about to work."""
    assert max(REFRESH_SECONDS, LEASE) < REFRESH_PATIENCE
    assert LEASE > 2 * TIME_LIMIT, "a refused token is tried with the one before it as well"


def test_no_secret_is_shown(home: Home) -> None:
    tokens, session = home.tokens(), home.session()
    tokens.store(pair(1))
    session.store({"token": "secret-3f9a"}, account="guid-a")
    shown = f"{tokens!r} {session!r} {tokens.load()!r}"
    assert "secret-3f9a" not in shown
    assert "access-1" not in shown
    assert "refresh-1" not in shown
