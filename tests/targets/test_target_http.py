"""One HTTP call for targets: what a status and a broken connection mean for a delivery."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.targets.http import HttpAnswer, http_calls, trouble_of

SERVICE, LOGIN = "Daybook", "weighbridge login daybook"


def trouble(status: int, *, writes: bool = False) -> type[Problem] | None:
    found = trouble_of(HttpAnswer(status), SERVICE, LOGIN, writes=writes)
    return type(found) if found else None


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_good_answer_is_no_trouble(status: int) -> None:
    assert trouble(status) is None


@pytest.mark.parametrize("writes", [False, True])
@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *((status, RetryLater) for status in (403, 408, 429, 503)),
        *((status, Refused) for status in (300, 400, 402, 404, 405, 407, 409, 422, 428, 430)),
        (401, LoginNeeded),
    ],
)
def test_a_status_of_a_read_and_of_a_write_means_the_same(
    status: int, meaning: type[Problem], writes: bool
) -> None:
    assert trouble(status, writes=writes) is meaning


@pytest.mark.parametrize("status", [500, 502, 504])
def test_after_a_failure_over_there_a_write_may_have_arrived(status: int) -> None:
    assert trouble(status) is RetryLater
    assert trouble(status, writes=True) is OutcomeUnknown


def test_a_wait_is_as_long_as_the_service_asks_for() -> None:
    answer = HttpAnswer(429, headers=(("server", "x"), ("retry-after", "77")))
    found = trouble_of(answer, SERVICE, LOGIN, writes=False)
    assert isinstance(found, RetryLater)
    assert found.after == 77


@contextmanager
def hanging_up() -> Iterator[str]:
    """A service that reads the request and says nothing."""

    class HangsUp(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.close_connection = True

        def do_POST(self) -> None:
            self.close_connection = True

    with HTTPServer(("127.0.0.1", 0), HangsUp) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("writes", "meaning"), [(False, RetryLater), (True, OutcomeUnknown)])
def test_when_the_answer_is_lost_a_write_may_have_arrived(
    writes: bool, meaning: type[Problem]
) -> None:
    with hanging_up() as url, http_calls(SERVICE, url) as calls, pytest.raises(Problem) as caught:
        calls.call("POST" if writes else "GET", "/entries", writes=writes)
    assert type(caught.value) is meaning


@pytest.mark.parametrize("writes", [False, True])
def test_what_was_never_sent_is_tried_again(writes: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with http_calls(SERVICE, url) as calls, pytest.raises(RetryLater):
        calls.call("POST", "/entries", writes=writes)
