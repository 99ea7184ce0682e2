"""Who gets in: the token file, sessions, and how guessing is slowed."""

from __future__ import annotations

import asyncio
import itertools
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from weighbridge.config import ServerSettings, Settings, WithingsSettings
from weighbridge.core.errors import ConfigProblem, RetryLater, StateProblem
from weighbridge.core.secret import Secret
from weighbridge.web import sessions
from weighbridge.web.auth import Auth
from weighbridge.web.render import Pages
from weighbridge.web.sessions import (
    TOKEN_FILE,
    Authenticator,
    LoginThrottle,
    Sessions,
    WrongToken,
    closed,
)
from weighbridge.web.sessions import read_or_make_token as token_of

TOKEN = "a-token-that-somebody-chose"
_numbers = itertools.count()
HERE, THERE = "192.0.2.7", "192.0.2.8"


class Clock:
    def __init__(self) -> None:
        self.now = 1_710_068_400.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(clock: Clock) -> Authenticator:
    return Authenticator(Secret.of_value(TOKEN), clock)


def guess(authenticator: Authenticator, times: int, address: str = HERE) -> None:
    for _ in range(times):
        with pytest.raises(WrongToken):
            authenticator.sign_in(f"wrong {next(_numbers)}", address)


def wait_of(authenticator: Authenticator, token: str, address: str = HERE) -> float:
    with pytest.raises(RetryLater) as slowed:
        authenticator.sign_in(token, address)
    assert slowed.value.after is not None
    return slowed.value.after


# --- The token file -------------------------------------------------------------------------------


def test_the_first_start_makes_a_token_and_the_next_one_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    token = token_of(home).reveal()
    assert len(token) == 32
    assert token_of(home).reveal() == token
    assert (home / TOKEN_FILE).read_text() == f"{token}\n"


def test_homes_have_tokens_of_their_own(tmp_path: Path) -> None:
    assert token_of(tmp_path / "a").reveal() != token_of(tmp_path / "b").reveal()


@pytest.mark.skipif(os.name != "posix", reason="rights are not bits there")
def test_the_file_is_for_this_account_only(tmp_path: Path) -> None:
    token_of(tmp_path / "home")
    assert stat.S_IMODE((tmp_path / "home" / TOKEN_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_of_several_that_start_at_once_all_read_the_same(tmp_path: Path) -> None:
    barrier, found = threading.Barrier(8), []

    def start() -> None:
        barrier.wait()
        found.append(token_of(tmp_path).reveal())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_token_that_somebody_wrote_counts_with_or_without_an_end_of_line(tmp_path: Path) -> None:
    for content in (TOKEN, f"{TOKEN}\n", f"  {TOKEN}\r\nsecond line\n"):
        (tmp_path / TOKEN_FILE).write_text(content)
        assert token_of(tmp_path).reveal() == TOKEN


@pytest.mark.parametrize("content", ["", "short", "x" * 600, "ü" * 20, "\n" + TOKEN])
def test_a_file_without_a_usable_token_is_a_problem_with_a_remedy(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weighbridge.web.sessions.WRITE_SECONDS", 0.03)
    (tmp_path / TOKEN_FILE).write_text(content, "utf-8")
    with pytest.raises(ConfigProblem) as problem:
        token_of(tmp_path)
    assert "Delete it" in problem.value.remedy
    assert not content or content.strip() not in str(problem.value)


def test_an_empty_file_is_waited_for_because_somebody_may_just_be_writing_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / TOKEN_FILE
    path.touch()
    writing = threading.Timer(0.05, path.write_text, [TOKEN])
    writing.start()
    assert token_of(tmp_path).reveal() == TOKEN
    writing.join()


def test_a_folder_in_its_place_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / TOKEN_FILE).mkdir()
    with pytest.raises(StateProblem) as problem:
        token_of(tmp_path)
    assert problem.value.remedy


# --- Signing in -----------------------------------------------------------------------------------


def test_who_knows_the_token_gets_a_session(authenticator: Authenticator) -> None:
    word = authenticator.sign_in(TOKEN, HERE)
    session = authenticator.sessions.find(word)
    assert session is not None
    assert session.has_csrf(session.csrf)
    assert not session.has_csrf("")
    assert not session.has_csrf("ü")
    assert word not in repr(session) + str(vars(authenticator))
    assert session.csrf not in repr(session)


def test_each_sign_in_is_a_session_of_its_own(authenticator: Authenticator) -> None:
    one, two = (authenticator.sessions.find(authenticator.sign_in(TOKEN, HERE)) for _ in range(2))
    assert one is not None
    assert two is not None
    assert one.key != two.key
    assert not two.has_csrf(one.csrf)


@pytest.mark.parametrize("wrong", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\udc80", "ü"])
def test_what_is_not_the_token_lets_nobody_in(authenticator: Authenticator, wrong: str) -> None:
    with pytest.raises(WrongToken) as refusal:
        authenticator.sign_in(wrong, HERE)
    assert TOKEN_FILE in refusal.value.remedy
    assert TOKEN not in str(refusal.value)


def test_without_a_token_nobody_gets_in() -> None:
    with pytest.raises(WrongToken):
        closed().sign_in("", HERE)


def test_signing_out_ends_the_session(authenticator: Authenticator) -> None:
    word = authenticator.sign_in(TOKEN, HERE)
    authenticator.sessions.end(word)
    assert authenticator.sessions.find(word) is None
    authenticator.sessions.end(word)


# --- Sessions -------------------------------------------------------------------------------------


HOUR, DAY = 3600.0, 86_400.0


def test_a_session_ends_after_twelve_hours_without_a_visit(clock: Clock) -> None:
    known = Sessions(clock)
    cookie = known.start()
    for _ in range(3):
        clock.now += 12 * HOUR
        assert known.find(cookie)
    clock.now += 12 * HOUR + 1
    assert known.find(cookie) is None


def test_a_session_ends_after_a_week_however_busy(clock: Clock) -> None:
    known = Sessions(clock)
    cookie = known.start()
    for _ in range(14):
        clock.now += 12 * HOUR
        assert known.find(cookie)
    clock.now += 1
    assert known.find(cookie) is None


def test_there_are_never_more_sessions_than_a_house_needs(clock: Clock) -> None:
    known = Sessions(clock)
    oldest, busy, *others = [known.start() for _ in range(sessions.MOST_SESSIONS)]
    known.find(oldest)
    newest = known.start()
    assert known.find(busy) is None, "the one that was unused for longest goes"
    assert all(map(known.find, (oldest, newest, *others)))


# --- Guessing is slow -----------------------------------------------------------------------------


def test_five_guesses_are_free_and_nobody_waits_longer_than_a_minute() -> None:
    assert (sessions.FREE, sessions.LONGEST_WAIT) == (5, 60.0)


def test_a_hundred_guesses_from_everywhere_are_free_and_then_one_a_second() -> None:
    assert (sessions.ALL_FREE, sessions.ALL_EACH) == (100, 1.0)


def test_after_a_few_wrong_tokens_the_waiting_grows(
    authenticator: Authenticator, clock: Clock
) -> None:
    guess(authenticator, sessions.FREE)
    waits = []
    for _ in range(9):
        waits.append(wait_of(authenticator, "x"))
        clock.now += waits[-1]
        guess(authenticator, 1)
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == sessions.LONGEST_WAIT


def test_while_somebody_waits_even_the_token_is_not_looked_at(
    authenticator: Authenticator, clock: Clock
) -> None:
    guess(authenticator, sessions.FREE)
    assert wait_of(authenticator, TOKEN) == 1
    clock.now += 1
    assert authenticator.sessions.find(authenticator.sign_in(TOKEN, HERE))


def test_others_need_not_wait(authenticator: Authenticator) -> None:
    guess(authenticator, sessions.FREE)
    assert authenticator.sign_in(TOKEN, THERE)


def test_a_script_with_an_old_token_does_not_lock_its_house_out(
    authenticator: Authenticator,
) -> None:
    for _ in range(50):
        with pytest.raises(WrongToken):
            authenticator.check("the token of last year", HERE)
    assert authenticator.sign_in(TOKEN, HERE)


def test_signing_in_and_time_let_failures_be_forgotten(
    authenticator: Authenticator, clock: Clock
) -> None:
    guess(authenticator, sessions.FREE - 1)
    authenticator.sign_in(TOKEN, HERE)
    guess(authenticator, sessions.FREE)
    wait_of(authenticator, "x")
    clock.now += sessions.FORGET + 1
    guess(authenticator, sessions.FREE)


def test_many_addresses_together_are_slowed_but_not_whoever_is_known(clock: Clock) -> None:
    tries = LoginThrottle()
    tries.succeeded(HERE)
    for number in range(sessions.ALL_FREE):
        assert tries.wait(f"198.51.100.{number}", clock.now) == 0
        tries.failed(f"198.51.100.{number}", str(number), clock.now)
    assert tries.wait(THERE, clock.now) == sessions.ALL_EACH
    assert tries.wait(HERE, clock.now) == 0
    assert tries.wait(THERE, clock.now + sessions.ALL_EACH) == 0


def test_the_addresses_of_one_house_count_as_one(clock: Clock) -> None:
    tries = LoginThrottle()
    for number in range(sessions.FREE):
        tries.failed(f"2001:db8:1:2::{number}", str(number), clock.now)
    assert tries.wait("2001:db8:1:2:ffff::9%eth0", clock.now) > 0
    assert tries.wait("2001:db8:1:3::1", clock.now) == 0
    for number in range(sessions.FREE):
        tries.failed("192.0.2.1", str(number), clock.now)
    assert tries.wait("::ffff:192.0.2.1", clock.now) > 0


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=3), st.floats(-1e4, 1e4))))
def test_whatever_comes_the_wait_is_bounded(visits: list[tuple[str, str, float]]) -> None:
    tries, now = LoginThrottle(), 0.0
    for address, word, step in visits:
        now += step  # clocks are set back as well
        tries.failed(address, word, now)
        assert 0 <= tries.wait(address, now) <= max(sessions.LONGEST_WAIT, len(visits))


def test_a_clock_that_was_set_back_locks_nobody_out_for_hours(clock: Clock) -> None:
    tries = LoginThrottle()
    for number in range(sessions.ALL_FREE):
        tries.failed(HERE, str(number), clock.now)
    assert tries.wait(HERE, clock.now) == sessions.LONGEST_WAIT
    clock.now -= 5 * 3600
    assert tries.wait(HERE, clock.now) == sessions.LONGEST_WAIT
    assert tries.wait(THERE, clock.now) > 0
    clock.now += sessions.LONGEST_WAIT
    assert tries.wait(HERE, clock.now) == 0
    assert tries.wait(THERE, clock.now) == 0


def test_what_is_remembered_of_strangers_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST_ADDRESSES", 10)
    tries = LoginThrottle()
    for number in range(50):
        tries.failed(f"stranger {number}" * 1000, "x", 0.0)
        tries.succeeded(f"friend {number}")
    assert len(tries._addresses) == len(tries._known) == 10
    assert max(map(len, tries._addresses)) < 100


# --- Scripts --------------------------------------------------------------------------------------


def app_for_scripts(authenticator: Authenticator) -> Starlette:
    settings = Settings(
        home=Path("nowhere"), withings=WithingsSettings(), people=(), server=ServerSettings()
    )
    auth = Auth(authenticator, Pages(settings))

    def figures(request: Request) -> Response:
        return PlainTextResponse("figures")

    return Starlette(routes=[Route("/figures", auth.require_token(figures))])


def answer_to(app: Starlette, **headers: str) -> tuple[int, dict[str, str], str]:
    """Ask for the figures, without a network in between."""
    parts: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        parts.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/figures",
        "query_string": b"",
        "client": (HERE, 1),
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
    }
    asyncio.run(app(scope, receive, send))
    sent = {name.decode(): text.decode() for name, text in parts[0]["headers"]}
    return parts[0]["status"], sent, b"".join(p.get("body", b"") for p in parts).decode()


def test_a_script_sends_the_token_each_time(authenticator: Authenticator) -> None:
    app = app_for_scripts(authenticator)
    for words in (f"Bearer {TOKEN}", f"bearer {TOKEN}"):
        assert answer_to(app, authorization=words)[::2] == (200, "figures")


def test_whoever_is_signed_in_sees_what_scripts_see(authenticator: Authenticator) -> None:
    word = authenticator.sign_in(TOKEN, HERE)
    app = app_for_scripts(authenticator)
    assert answer_to(app, cookie=f"weighbridge-session={word}")[0] == 200


@pytest.mark.parametrize("words", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN])
def test_a_script_without_a_token_is_told_how(authenticator: Authenticator, words: str) -> None:
    status, headers, text = answer_to(app_for_scripts(authenticator), authorization=words)
    assert status == 401
    assert headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer TOKEN" in text


def test_a_script_with_wrong_tokens_is_slowed(authenticator: Authenticator) -> None:
    app = app_for_scripts(authenticator)
    for number in range(sessions.FREE):
        assert answer_to(app, authorization=f"Bearer wrong-{number}")[0] == 401
    status, headers, text = answer_to(app, authorization=f"Bearer {TOKEN}")
    assert (status, headers["retry-after"]) == (429, "2")
    assert "try again" in text
