"""Reading measurements: pages, their end, and what follows from each failure."""

from __future__ import annotations

import threading

import httpx2
import pytest

from fixtures.paths import RECORDED
from fixtures.waiting import PATIENCE
from fixtures.withings_memory import NOW, Answer, World, failed, html, ok, page, renewed, truncated
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater
from weighbridge.sources.withings.kind import Page
from weighbridge.sources.withings.wire import NotUnderstood, TooManyCalls, post

recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")
REFUSED = failed(
    401, "XRequestID: Not provided invalid_token: The access token provided is invalid"
)
SAME = failed(601, "Same arguments in less than 10 seconds")


def read(world: World) -> list[Page]:
    return list(world.withings.pages(changed_since=NOW))


# What is asked


def test_a_sync_asks_for_changes_and_nothing_else() -> None:
    world = World(page(1))
    assert len(read(world)) == 1
    (request,) = world.wire.requests
    assert str(request.url) == "https://wbsapi.withings.net/measure"
    assert request.method == "POST"
    assert request.headers["Authorization"] == "Bearer access-1"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert world.wire.forms == [{"action": "getmeas", "lastupdate": str(NOW)}]


@pytest.mark.parametrize("lastupdate", [None, 0])
def test_the_first_sync_asks_for_everything_in_plain_words(lastupdate: int | None) -> None:
    world = World(page())
    list(world.withings.pages(changed_since=lastupdate))
    assert world.wire.forms == [{"action": "getmeas", "lastupdate": "1"}]


@pytest.mark.parametrize(
    ("start", "end", "sent"),
    [
        (10, 20, ("10", "20")),
        (10, None, ("10", str(NOW))),
        (None, 20, ("0", "20")),
        (0, 0, ("0", "0")),
    ],
)
def test_a_window_is_always_a_pair(
    start: int | None, end: int | None, sent: tuple[str, str]
) -> None:
    world = World(page())
    list(world.withings.pages(start=start, end=end))
    assert world.wire.forms == [{"action": "getmeas", "startdate": sent[0], "enddate": sent[1]}]


def test_window_and_cursor_together_are_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        list(World().withings.pages(changed_since=5, start=5))


# Pages


def test_all_pages_are_read_and_only_the_last_one_is_the_last() -> None:
    world = World(page(1, 2, more=1, offset=2), page(3, more=True, offset=3), page(4))
    assert [(len(p.groups), p.last) for p in read(world)] == [(2, False), (1, False), (1, True)]
    assert [form.get("offset") for form in world.wire.forms] == [None, "2", "3"]
    assert {form["lastupdate"] for form in world.wire.forms} == {str(NOW)}


@pytest.mark.parametrize("second", [{}, {"offset": 2}, {"offset": 1}, {"offset": None}])
def test_more_without_a_way_on_keeps_the_page_and_comes_back(second: dict[str, int]) -> None:
    world = World(page(1, more=1, offset=2), page(2, more=1, **second))
    pages = world.withings.pages(changed_since=NOW)
    assert [next(pages).last, next(pages).last] == [False, False]
    with pytest.raises(RetryLater, match="not where they begin"):
        next(pages)


def test_the_next_page_is_asked_for_when_this_one_is_dealt_with() -> None:
    world = World(page(1, more=1, offset=1), page(2))
    pages = world.withings.pages(changed_since=NOW)
    next(pages)
    assert len(world.wire.forms) == 1


# Failures


def test_a_refused_token_is_renewed_once_and_the_call_repeated() -> None:
    world = World(REFUSED, renewed(2), page(1))
    assert len(read(world)) == 1
    assert world.wire.bearers == ["access-1", "", "access-2"]
    assert world.store.events == ["store access-2"]


@pytest.mark.parametrize("status", [100, 101, 102, 200])
def test_the_other_words_for_a_refused_token_mean_the_same(status: int) -> None:
    assert len(read(World(failed(status), renewed(2), page(1)))) == 1


def test_an_http_401_means_the_same() -> None:
    assert len(read(World(httpx2.Response(401), renewed(2), page(1)))) == 1


def test_the_second_refusal_needs_a_person() -> None:
    world = World(REFUSED, renewed(2), REFUSED)
    with pytest.raises(LoginNeeded, match="Run: weighbridge login withings --person anna"):
        read(world)
    assert world.store.reason is not None
    assert len(world.wire.requests) == 3


@pytest.mark.parametrize("text", ["invalid refresh_token", "invalid code"])
def test_the_two_known_texts_of_a_503_need_a_person_on_a_data_call_too(text: str) -> None:
    world = World(failed(503, f"Invalid Params: {text}"))
    with pytest.raises(LoginNeeded, match="Run: weighbridge login withings --person anna"):
        read(world)
    assert world.store.reason is not None
    assert len(world.wire.requests) == 1


def test_601_stops_the_whole_application_and_is_repeated_once() -> None:
    world = World(SAME, page(1))
    assert len(read(world)) == 1
    assert world.clock.naps == [10]
    assert world.pause.until() == NOW + 10


def test_a_second_601_is_for_the_next_run() -> None:
    world = World(SAME, SAME)
    with pytest.raises(TooManyCalls):
        read(world)
    assert world.pause.until() == NOW + 20


def test_a_long_601_is_not_waited_for() -> None:
    world = World(failed(601, "Same arguments", {"wait_seconds": 188}))
    with pytest.raises(RetryLater) as caught:
        read(world)
    assert caught.value.after == 188
    assert world.clock.naps == []
    assert world.pause.until() == NOW + 188


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (failed(601, "Too Many Requests"), 60),
        (httpx2.Response(429), 60),
        (httpx2.Response(429, headers={"Retry-After": "120"}), 120),
        (
            httpx2.Response(
                429,
                headers={
                    "Date": "Fri, 20 Nov 2026 09:00:00 GMT",
                    "Retry-After": "Fri, 20 Nov 2026 09:05:00 GMT",
                },
            ),
            300,
        ),
        (httpx2.Response(429, headers={"Retry-After": "soon"}), 60),
    ],
)
def test_the_rate_limit_holds_for_everybody(answer: httpx2.Response, wait: int) -> None:
    world = World(answer)
    with pytest.raises(RetryLater) as caught:
        read(world)
    assert caught.value.after == wait
    assert world.pause.until() == NOW + wait


def test_a_pause_that_is_set_is_honoured_before_the_first_byte() -> None:
    world = World(page(1))
    world.pause.set(NOW + 31)
    with pytest.raises(RetryLater) as caught:
        read(world)
    assert caught.value.after == 31
    assert world.wire.requests == []
    world.clock.now += 2
    assert len(read(world)) == 1
    assert world.clock.naps == [29]


PASSING = {
    "no connection": httpx2.ConnectError("nobody there"),
    "no such name": httpx2.ConnectError("[Errno -2] Name or service not known"),
    "certificate": httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"),
    "proxy": httpx2.ProxyError("407 Proxy Authentication Required"),
    "dropped": httpx2.RemoteProtocolError("Server disconnected"),
    "broken off": httpx2.ReadError("reset"),
    "too slow": httpx2.ReadTimeout("slow"),
    "unreadable encoding": httpx2.DecodingError("not gzip"),
    "html": html(),
    "html 500": html(502),
    "html 404": html(404),
    "empty": httpx2.Response(200),
    "truncated": truncated(page(1, 2, 3)),
    "not an object": httpx2.Response(200, json=[1]),
    "very deep": httpx2.Response(200, content=b"[" * 100_000),
    "no status": httpx2.Response(200, json={"body": {}}),
    "body missing": httpx2.Response(200, json={"status": 0}),
    "body a list": ok([]),
    "body empty": ok({}),
    "522": failed(522),
    "unknown": failed(424_242),
    "moved": httpx2.Response(307, headers={"Location": "https://elsewhere.example/"}),
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING.keys())
def test_passing_trouble_is_tried_again_later(answer: Answer) -> None:
    world = World(answer)
    with pytest.raises(RetryLater) as caught:
        read(world)
    assert caught.value.remedy
    assert len(world.wire.requests) == 1
    assert world.store.reason is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failed(2554, "unknown action"), ConfigProblem),
        (failed(2555), ConfigProblem),
        (failed(503, "Invalid Params lastupdate is too high:[1513122315]"), NotUnderstood),
        (failed(501), NotUnderstood),
    ],
)
def test_what_no_repetition_would_change_is_not_repeated(
    answer: httpx2.Response, kind: type[Problem]
) -> None:
    world = World(answer)
    with pytest.raises(kind):
        read(world)
    assert len(world.wire.requests) == 1


def test_no_message_contains_the_access_token() -> None:
    world = World(failed(246, "access-1 is not welcome"))
    with pytest.raises(Problem) as caught:
        read(world)
    assert "*** is not welcome" in str(caught.value)


def test_the_time_limit_holds_for_a_call_as_a_whole() -> None:
    gave_up = threading.Event()

    def answer(_: dict[str, str]) -> httpx2.Response:
        assert gave_up.wait(PATIENCE)
        return page(1)

    world = World(answer)
    with pytest.raises(RetryLater, match="did not answer within"):
        post(world.wire.client, "https://wbsapi.withings.net/measure", {"a": "b"}, limit=0.05)
    gave_up.set()


@recorded
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("error-401-invalid-access-token", LoginNeeded),
        ("error-503-invalid-refresh-token", LoginNeeded),
        ("error-503-invalid-code", LoginNeeded),
        ("error-503-lastupdate-too-high", NotUnderstood),
        ("error-601-same-arguments-wait-seconds", TooManyCalls),
        ("error-246-legacy", NotUnderstood),
        ("error-legacy-oauth-endpoint", RetryLater),
    ],
)
def test_every_recorded_failure_leads_to_its_decision(name: str, kind: type[Problem]) -> None:
    world = World(httpx2.Response(200, content=(RECORDED / f"{name}.json").read_bytes()))
    with pytest.raises(kind) as caught:
        post(world.wire.client, "https://wbsapi.withings.net/measure", {"action": "getmeas"})
    if isinstance(caught.value, TooManyCalls):
        assert caught.value.wait == 188
