"""The life of a Garmin login: one renewal at a time, nothing lost. No network."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.targets.garmin.garmin_tokens import (
    MARGIN_SECONDS,
    GarminTokenLife,
    GarminTokens,
    expires_at,
    read_tokens,
    renewed,
)
from weighbridge.targets.http import HttpAnswer
from weighbridge.testing.builders import MemorySession

NOW = 1_772_350_500.0
LOGIN = "weighbridge login garmin --person anna"


def jwt(**claims: Any) -> str:
    parts = [{"alg": "RS256"}, claims, "x"]
    return ".".join(
        base64.urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=") for part in parts
    )


def stored(seconds_left: float, refresh: str = "refresh-1") -> dict[str, str]:
    return {
        "di_token": jwt(exp=NOW + seconds_left, jti=refresh),
        "di_refresh_token": refresh,
        "di_client_id": "client",
        "profile_id": "7",
        "display_name": "anna",
    }


def pair(refresh: str = "refresh-2", **more: Any) -> HttpAnswer:
    body = {"access_token": jwt(exp=NOW + 72_000, **more), "refresh_token": refresh}
    return HttpAnswer(200, msgspec.json.encode(body))


class TokenHost:
    """Rotates like the real one: a refresh token works once."""

    def __init__(self, *answers: HttpAnswer) -> None:
        self.answers = list(answers)
        self.asked_with: list[str] = []

    def refresh(self, tokens: GarminTokens) -> HttpAnswer:
        self.asked_with.append(tokens.di_refresh_token)
        return self.answers.pop(0)


def life_of(session: MemorySession, host: TokenHost) -> GarminTokenLife:
    return GarminTokenLife(session, lambda: NOW, host.refresh, LOGIN)


def test_a_token_with_a_quarter_of_an_hour_is_used_as_it_is() -> None:
    session, host = MemorySession(stored(MARGIN_SECONDS), "7"), TokenHost()
    assert life_of(session, host).current().di_refresh_token == "refresh-1"
    assert session.leased == 0


def test_an_old_token_is_renewed_once_under_the_lease_and_stored() -> None:
    session, host = MemorySession(stored(MARGIN_SECONDS - 1), "7"), TokenHost(pair())
    tokens = life_of(session, host).current()
    assert host.asked_with == ["refresh-1"]
    assert session.leased == 1
    assert session.load() == msgspec.to_builtins(tokens)
    assert (tokens.di_refresh_token, tokens.profile_id) == ("refresh-2", "7")
    assert session.account() == "7"


def test_the_client_id_follows_the_token() -> None:
    tokens = renewed(pair(client_id="newer"), GarminTokens("a", "b", "client"))
    assert tokens.di_client_id == "newer"


def test_an_answer_without_a_new_refresh_token_keeps_the_old_one() -> None:
    answer = HttpAnswer(200, msgspec.json.encode({"access_token": "a2"}))
    assert renewed(answer, GarminTokens("a", "b", "c")) == GarminTokens("a2", "b", "c")


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_refresh_needs_a_person_and_touches_nothing(status: int) -> None:
    before = stored(-5)
    session, host = MemorySession(before, "7"), TokenHost(HttpAnswer(status))
    with pytest.raises(LoginNeeded) as caught:
        life_of(session, host).current()
    assert caught.value.remedy == f"Run: {LOGIN}"
    assert session.load() == before
    assert len(host.asked_with) == 1


@pytest.mark.parametrize(
    "answer",
    [
        HttpAnswer(200),
        HttpAnswer(200, b"<html>"),
        HttpAnswer(200, b"{}"),
        HttpAnswer(200, b'{"access_token": ""}'),
        HttpAnswer(200, b'{"access_token": null, "refresh_token": "r"}'),
        HttpAnswer(403),
        HttpAnswer(429),
        HttpAnswer(500),
        HttpAnswer(503),
    ],
)
def test_whatever_is_not_a_pair_replaces_nothing(answer: HttpAnswer) -> None:
    before = stored(-5)
    session = MemorySession(before, "7")
    with pytest.raises(RetryLater):
        life_of(session, TokenHost(answer)).current()
    assert session.load() == before


@pytest.mark.parametrize(
    "secret", [None, {}, "x", {"di_token": "a"}, {**stored(9), "di_token": ""}]
)
def test_without_a_complete_login_a_person_is_asked(secret: Any) -> None:
    host = TokenHost()
    with pytest.raises(LoginNeeded, match="login garmin --person anna"):
        life_of(MemorySession(secret, "7"), host).current()
    assert host.asked_with == []


class OtherProcess(MemorySession):
    """Somebody else holds the lease first and renews the login meanwhile."""

    @contextmanager
    def lease(self) -> Iterator[None]:
        self.store(stored(72_000, "refresh-of-the-other"), account="7")
        yield


def test_whoever_waited_for_the_lease_takes_what_the_other_one_stored() -> None:
    session, host = OtherProcess(stored(-5), "7"), TokenHost()
    assert life_of(session, host).current().di_refresh_token == "refresh-of-the-other"
    assert host.asked_with == []


def test_a_refused_token_is_renewed_although_it_is_not_old() -> None:
    session, host = MemorySession(stored(72_000), "7"), TokenHost(pair())
    life = life_of(session, host)
    assert life.renew(life.current()).di_refresh_token == "refresh-2"


class Locked(MemorySession):
    """A lease that really holds the others back."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lock = threading.Lock()

    @contextmanager
    def lease(self) -> Iterator[None]:
        with self._lock:
            yield


def test_ten_at_once_make_one_refresh() -> None:
    session, host = Locked(stored(-5), "7"), TokenHost(pair())
    lives = [life_of(session, host) for _ in range(10)]
    got: list[str] = []
    threads = [
        threading.Thread(target=lambda life=life: got.append(life.current().di_refresh_token))
        for life in lives
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert host.asked_with == ["refresh-1"]
    assert got == ["refresh-2"] * 10


@given(st.integers(0, 2**33))
def test_the_end_of_a_token_is_read_from_it(end: int) -> None:
    assert expires_at(jwt(exp=end)) == end


@given(st.text(max_size=60) | st.binary(max_size=40).map(lambda b: f"a.{b.hex()}.c"))
def test_a_token_that_says_nothing_is_used_as_it_is(text: str) -> None:
    life = life_of(MemorySession(stored(0), "7"), TokenHost())
    assert not life.is_old(GarminTokens(text, "refresh", "client"))


@pytest.mark.parametrize("end", [None, True, "soon", [], 10**400, -(10**13)])
def test_an_odd_end_is_none(end: Any) -> None:
    assert expires_at(jwt(exp=end)) is None


@given(st.dictionaries(st.sampled_from(["access_token", "refresh_token"]), st.none() | st.text()))
def test_a_renewal_never_leaves_an_incomplete_login(content: dict[str, Any]) -> None:
    try:
        tokens = renewed(HttpAnswer(200, msgspec.json.encode(content)), GarminTokens("a", "b", "c"))
    except Problem:
        return
    assert read_tokens(msgspec.to_builtins(tokens)) == tokens


def test_tokens_do_not_show_themselves() -> None:
    tokens = read_tokens(stored(9, "refresh-secret"))
    assert "refresh-secret" not in repr(tokens)
