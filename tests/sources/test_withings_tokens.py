"""The login cannot be lost: what replaces a pair of tokens, and what does not."""

from __future__ import annotations

import threading
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.paths import RECORDED
from fixtures.withings_memory import (
    APP,
    NOW,
    Answer,
    MemoryStore,
    Wire,
    World,
    failed,
    html,
    json_of,
    ok,
    pair,
    renewed,
    truncated,
)
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater
from weighbridge.core.secret import TokenPair
from weighbridge.sources.withings.token_refresh import request_tokens
from weighbridge.sources.withings.wire import TooManyCalls

recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")

DEAD = failed(503, "Invalid Params: invalid refresh_token")
OLD = pair(1, age=10_800)
"""A pair whose access token has just died."""


def world(*answers: Answer, pairs: tuple[TokenPair, ...] = (OLD,)) -> World:
    return World(*answers, store=MemoryStore(*pairs))


def test_an_access_token_is_used_for_its_whole_life() -> None:
    there = World()
    there.clock.now = NOW + 10_800 - 61
    assert there.tokens.access() == "access-1"
    assert there.wire.forms == []


def test_in_its_last_minute_it_is_renewed() -> None:
    there = World(renewed(2))
    there.clock.now = NOW + 10_800 - 60
    assert there.tokens.access() == "access-2"
    assert there.store.load() == TokenPair(
        "4711",
        "access-2",
        "refresh-2",
        NOW + 10_740 + 10_800,
        "user.metrics,user.info",
        NOW + 10_740,
    )
    assert there.wire.forms == [
        {
            "action": "requesttoken",
            "client_id": "the-client",
            "client_secret": "the-client-secret",
            "grant_type": "refresh_token",
            "refresh_token": "refresh-1",
        }
    ]
    assert there.tokens.access() == "access-2"


def test_nobody_logged_in_names_the_command() -> None:
    with pytest.raises(LoginNeeded, match="Run: weighbridge login withings --person anna"):
        world(pairs=()).tokens.access()


def test_what_another_process_renewed_is_used() -> None:
    there = world()
    lease = there.store.lease

    def after_the_other(seconds: float) -> Any:
        there.store.pairs.append(pair(2))
        return lease(seconds)

    there.store.lease = after_the_other  # type: ignore[method-assign]
    assert there.tokens.access() == "access-2"
    assert there.wire.forms == []


def test_ten_at_once_renew_once() -> None:
    there = world(renewed(2))
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(there.tokens.access())) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["access-2"] * 10
    assert there.store.events == ["store access-2"]


def test_a_refused_token_is_renewed_unless_somebody_has_done_it() -> None:
    there = World(renewed(2))
    assert there.tokens.refused("access-1") == "access-2"
    assert there.tokens.refused("access-1") == "access-2"
    assert len(there.wire.forms) == 1


TROUBLE = {
    "no connection": httpx2.ConnectError("refused"),
    "dropped": httpx2.RemoteProtocolError("Server disconnected without sending a response."),
    "too slow": httpx2.ReadTimeout("timed out"),
    "http 500": html(500),
    "http 503": httpx2.Response(503, json={"status": 503, "error": "invalid refresh_token"}),
    "redirect": httpx2.Response(302, headers={"Location": "https://elsewhere.example/"}),
    "html": html(),
    "html 403": html(403),
    "empty": httpx2.Response(200),
    "truncated": truncated(renewed(2)),
    "time-out inside": failed(522),
    "unknown status": failed(12_345),
    "601 for long": failed(601, "Same arguments in less than 10 seconds", {"wait_seconds": 188}),
    "no body": httpx2.Response(200, json={"status": 0}),
    "list as body": ok([]),
    "empty body": ok({}),
    "http 500 with a good answer": httpx2.Response(500, json=json_of(renewed(2))),
    "http 403 with a good answer": httpx2.Response(403, json=json_of(renewed(2))),
    "no envelope": httpx2.Response(200, json=json_of(renewed(2))["body"]),
}


@pytest.mark.parametrize("answer", TROUBLE.values(), ids=TROUBLE.keys())
def test_trouble_never_touches_the_tokens(answer: Answer) -> None:
    there = world(answer)
    with pytest.raises(RetryLater):
        there.tokens.access()
    assert there.store.pairs == [OLD]
    assert there.store.reason is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (name, content)
        for name in ("userid", "access_token", "refresh_token", "expires_in")
        for content in ("", None, [], {}, ...)
    ]
    + [
        ("expires_in", 0),
        ("expires_in", -5),
        ("userid", 0),
        ("access_token", "two\nlines"),
        ("access_token", 7),
    ],
)
def test_only_a_complete_answer_replaces_a_pair(name: str, content: Any) -> None:
    body = {**json_of(renewed(2))["body"], name: content}
    there = world(ok({k: v for k, v in body.items() if v is not ...}))
    with pytest.raises(RetryLater, match="not complete") as caught:
        there.tokens.access()
    assert there.store.pairs == [OLD]
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_missing_scope_does_not_cost_the_login() -> None:
    body = json_of(renewed(2))["body"]
    del body["scope"]
    there = world(ok(body))
    assert there.tokens.access() == "access-2"
    assert there.store.pairs[-1].scope == "user.metrics"


def test_the_tokens_of_another_account_are_not_taken() -> None:
    there = world(renewed(2, userid=815))
    with pytest.raises(LoginNeeded, match="another account"):
        there.tokens.access()
    assert there.store.pairs == [OLD]
    assert there.store.reason is not None


def test_a_dead_refresh_token_needs_a_person_and_is_not_tried_again() -> None:
    there = world(DEAD)
    with pytest.raises(LoginNeeded, match="--person anna"):
        there.tokens.access()
    assert there.store.pairs == [OLD]
    assert there.store.reason is not None
    assert "invalid refresh_token" in there.store.reason.message()
    assert len(there.wire.forms) == 1


def test_the_refresh_token_before_it_may_save_the_login_for_eight_hours() -> None:
    newest = pair(2, age=8 * 3600 - 1)
    there = world(DEAD, renewed(3), pairs=(OLD, newest))
    assert there.tokens.access() == "access-3"
    assert [form["refresh_token"] for form in there.wire.forms] == ["refresh-2", "refresh-1"]
    assert there.store.reason is None


@pytest.mark.parametrize(
    "pairs",
    [
        (OLD, pair(2, age=8 * 3600)),
        (pair(2, age=20_000), pair(2, age=11_000)),
        (pair(1, userid="815"), pair(2, age=11_000)),
    ],
    ids=["too late", "the same token", "another account"],
)
def test_a_useless_refresh_token_is_not_tried(pairs: tuple[TokenPair, ...]) -> None:
    there = world(DEAD, pairs=pairs)
    with pytest.raises(LoginNeeded):
        there.tokens.access()
    assert len(there.wire.forms) == 1


def test_two_dead_refresh_tokens_need_a_person() -> None:
    there = world(DEAD, DEAD, pairs=(OLD, pair(2, age=11_000)))
    with pytest.raises(LoginNeeded):
        there.tokens.access()
    assert there.store.reason is not None


def test_trouble_with_the_older_refresh_token_is_no_verdict() -> None:
    there = world(DEAD, html(), pairs=(OLD, pair(2, age=11_000)))
    with pytest.raises(RetryLater):
        there.tokens.access()
    assert there.store.reason is None


@pytest.mark.parametrize(
    "answer",
    [
        failed(503, "Invalid Params: invalid client_secret"),
        failed(401, "nobody"),
        failed(293),
        failed(2554),
    ],
    ids=str,
)
def test_a_refused_application_is_a_matter_of_configuration(answer: httpx2.Response) -> None:
    there = world(answer)
    with pytest.raises(ConfigProblem):
        there.tokens.access()
    assert there.store.pairs == [OLD]
    assert there.store.reason is None


@pytest.mark.parametrize("text", ["", "Service unavailable", "Invalid Params: invalid moon"])
def test_a_503_that_names_nothing_of_ours_passes(text: str) -> None:
    there = world(failed(503, text))
    with pytest.raises(RetryLater):
        there.tokens.access()
    assert there.store.pairs == [OLD]
    assert there.store.reason is None


def test_a_short_601_is_waited_for_and_nobody_holds_the_lease_meanwhile() -> None:
    there = world(failed(601, "Same arguments in less than 10 seconds"), renewed(2))
    sleep, free = there.clock.sleep, []

    def nap(seconds: float) -> None:
        free.append(not there.store._lock.locked())
        sleep(seconds)

    there.tokens._policy._sleep = nap
    assert there.tokens.access() == "access-2"
    assert there.clock.naps == [10]
    assert free == [True]


def test_a_lost_answer_is_recovered_with_the_old_refresh_token() -> None:
    there = world(httpx2.ReadTimeout("the answer was lost"), renewed(3))
    with pytest.raises(RetryLater):
        there.tokens.access()
    assert there.tokens.access() == "access-3"
    assert [form["refresh_token"] for form in there.wire.forms] == ["refresh-1"] * 2


def test_a_pair_that_cannot_be_stored_is_not_used() -> None:
    there = world(renewed(2))

    def full(pair: TokenPair) -> None:
        raise OSError("the disk is full")

    there.store.store = full  # type: ignore[method-assign]
    with pytest.raises(OSError, match="full"):
        there.tokens.access()


def test_the_pause_of_another_process_holds_here_too() -> None:
    there = world(renewed(2))
    there.pause.set(NOW + 25)
    assert there.tokens.access() == "access-2"
    assert there.clock.naps == [25]


def test_secrets_never_show() -> None:
    secret = TokenPair("4711", "the-access", "the-refresh", NOW, "scope", NOW)
    shown = f"{secret} {secret!r} {secret.__rich_repr__()}"
    assert "4711" in shown
    assert "the-access" not in shown
    assert "the-refresh" not in shown
    assert msgspec.json.decode(msgspec.json.encode(secret), type=TokenPair) == secret


@given(st.sampled_from(["refresh-1", "the-client-secret"]), st.text(max_size=20))
def test_a_secret_in_the_services_text_is_hidden(secret: str, words: str) -> None:
    there = world(failed(246, f"{words} {secret} \x1b[31m {secret}{words}"))
    with pytest.raises(Problem) as caught:
        there.tokens.access()
    text = str(caught.value)
    assert secret not in text
    assert "\x1b" not in text
    assert text.isprintable()


@recorded
@pytest.mark.parametrize(
    ("name", "userid"),
    [("token-exchange-ok-userid-string", "user-id"), ("token-refresh-ok-userid-int", "36857528")],
)
def test_both_recorded_answers_are_complete(name: str, userid: str) -> None:
    wire = Wire(httpx2.Response(200, content=(RECORDED / f"{name}.json").read_bytes()))
    told = request_tokens(APP, wire.client, {"grant_type": "refresh_token"}, clock=lambda: NOW)
    assert told.userid == userid
    assert told.expires_at == NOW + 10_800


@recorded
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("token-legacy-endpoint-no-envelope", RetryLater),
        ("error-legacy-oauth-endpoint", RetryLater),
        ("error-601-same-arguments-wait-seconds", TooManyCalls),
        ("error-503-invalid-refresh-token", LoginNeeded),
        ("error-503-invalid-code", LoginNeeded),
        ("error-401-invalid-access-token", ConfigProblem),
        ("error-246-legacy", ConfigProblem),
    ],
)
def test_every_recorded_failure_is_a_decision(name: str, kind: type[Problem]) -> None:
    wire = Wire(httpx2.Response(200, content=(RECORDED / f"{name}.json").read_bytes()))
    with pytest.raises(kind):
        request_tokens(APP, wire.client, {"grant_type": "refresh_token"}, clock=lambda: NOW)
