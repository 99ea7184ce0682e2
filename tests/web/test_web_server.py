"""Slow, silent and hostile visitors get their time and not more; the end comes quickly."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from fixtures.edge import ask, call, hear, hear_until, listening
from fixtures.edge_app import app, given_up, work_began
from fixtures.paths import TESTS
from fixtures.waiting import PATIENCE, wait_until
from weighbridge.core.errors import ConfigProblem, RetryLater
from weighbridge.web.app import SafeErrors
from weighbridge.web.http_connection import USUAL, Limits
from weighbridge.web.server import listen

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

HASTY = Limits(head=0.25, body=0.25, answer=0.4, farewell=0.25, idle=1, connections=20)
GET = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with listening(app, limits=HASTY) as port:
        yield port


# --- slow and silent ---------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"G", GET[:-2], b"POST /body HTTP/1.1\r\nHost: x\r\n"])
def test_who_does_not_finish_the_head_is_let_go(port: int, said: bytes) -> None:
    assert hear(call(port, said)) == b""


def test_a_byte_now_and_then_gains_no_time(port: int) -> None:
    def drip(visitor: socket.socket) -> None:
        for _ in range(1000):
            visitor.sendall(b"X")
            time.sleep(0.05)

    with call(port) as visitor, pytest.raises(ConnectionError):
        drip(visitor)


def test_who_does_not_finish_the_body_is_let_go(port: int) -> None:
    head = b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
    assert hear(call(port, head, b"12")) == b""


def test_a_body_after_the_answer_is_not_read_for_ever(port: int) -> None:
    head = b"POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999\r\n\r\n"
    assert hear(call(port, head, b"12")).endswith(b"hello")


def test_who_says_nothing_more_is_let_go(port: int) -> None:
    assert hear(call(port, GET)).endswith(b"hello")


def test_who_does_not_fetch_his_answer_is_let_go(port: int) -> None:
    with socket.socket() as visitor:
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        visitor.settimeout(PATIENCE)
        visitor.connect(("127.0.0.1", port))
        visitor.sendall(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert given_up.wait(PATIENCE)
        assert len(hear(visitor)) < 16_000_000


def test_work_that_never_ends_does_not_keep_a_connection(port: int) -> None:
    assert hear(call(port, b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n")) == b""


def test_several_requests_share_a_connection(port: int) -> None:
    visitor = call(port, GET * 4 + GET[:20])
    heard = b""
    while heard.count(b"hello") < 4:
        heard += hear_until(visitor, b"hello")
    visitor.sendall(GET[20:-2] + b"Connection: close\r\n\r\n")
    assert hear(visitor).endswith(b"hello")


def test_an_answer_on_a_connection_that_is_kept_is_not_held_back(port: int) -> None:
    """Head and body leave apart; the system would keep the body 40 ms until the head is fetched."""
    visitor = call(port)
    took: list[float] = []
    with visitor:
        for _ in range(60):
            begun = time.monotonic()
            visitor.sendall(GET)
            hear_until(visitor, b"hello")
            took.append(time.monotonic() - begun)
    assert min(took[30:]) < 0.03, "each is held back; of a new connection only the later ones are"


# --- too much ----------------------------------------------------------------------------------


def test_a_flood_of_idle_connections_locks_nobody_out(port: int) -> None:
    idle = [call(port, b"GET / HT") for _ in range(3 * HASTY.connections)]
    assert ask(port, "GET", "/hello").body == b"hello"
    assert all(hear(visitor) == b"" for visitor in idle)


def test_a_house_full_of_work_turns_others_away_at_once() -> None:
    with listening(app, limits=Limits(answer=10 * PATIENCE, connections=20)) as port:
        while work_began.acquire(blocking=False):
            pass
        busy = [call(port, b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(20)]
        assert all(work_began.acquire(timeout=PATIENCE) for _ in busy)
        assert b" 503 " in hear(call(port)).partition(b"\r\n")[0]
        for visitor in busy:
            visitor.close()
        wait_until(lambda: ask(port, "GET", "/hello").status == 200)


@pytest.mark.parametrize("size", [21_000, 200_000])
def test_a_head_that_is_too_big_is_refused(port: int, size: int) -> None:
    big = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * size + b"\r\n\r\n"
    assert b"hello" not in hear(call(port, big))
    assert ask(port, "GET", "/hello", headers={"X": "x" * 8_000}).status == 200


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 30,
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"\r\n" * 20_000,
    ],
)
def test_what_is_no_request_is_refused_without_a_word_in_any_log(
    port: int, noise: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    heard = hear(call(port, noise))
    assert b"hello" not in heard
    assert capfd.readouterr() == ("", "")


def test_an_answer_names_no_software(port: int) -> None:
    headers = ask(port, "GET", "/hello").headers
    assert "server" not in headers
    assert "date" in headers


def test_an_offer_to_change_the_protocol_is_ignored(port: int) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x"}
    assert ask(port, "GET", "/hello", headers=headers).body == b"hello"


# --- the port ----------------------------------------------------------------------------------


def addresses(host: str, port: int) -> list[str]:
    """Listen and stop at once; the addresses that were told."""
    told: list[str] = []
    stop = threading.Event()
    stop.set()
    listen(app, host, port, on_ready=told.append, stop=stop)
    return told


def test_a_port_that_is_taken_is_a_mistake_that_a_person_can_mend() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigProblem) as problem:
            addresses("127.0.0.1", other.getsockname()[1])
    assert "used by another program" in problem.value.message
    assert "[server]" in problem.value.remedy


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_somebody_else_is_a_mistake_that_a_person_can_mend(host: str) -> None:
    with pytest.raises(ConfigProblem) as problem:
        addresses(host, 0)
    assert "not an address of this machine" in problem.value.message
    assert "127.0.0.1" in problem.value.remedy


def test_a_free_port_is_told() -> None:
    (url,) = addresses("127.0.0.1", 0)
    assert url.startswith("http://127.0.0.1:")
    assert not url.endswith(":0")


def speaks_six() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not speaks_six(), reason="IPv6 is switched off here")
def test_addresses_of_ipv6_stand_in_brackets() -> None:
    (url,) = addresses("::1", 0)
    assert url.startswith("http://[::1]:")
    with listening(app, "::") as port, socket.create_connection(("::1", port), PATIENCE) as visitor:
        visitor.sendall(GET)
        hear_until(visitor, b"hello")
        assert ask(port, "GET", "/hello").status == 200  # the old addresses as well


def test_a_name_with_several_addresses_is_answered_on_all_of_them() -> None:
    with listening(app, "localhost") as port:
        for family, _, _, _, address in socket.getaddrinfo(
            "localhost", port, type=socket.SOCK_STREAM
        ):
            if family == socket.AF_INET6 and not speaks_six():
                continue
            with socket.socket(family) as visitor:
                visitor.settimeout(PATIENCE)
                visitor.connect(address)
                visitor.sendall(GET)
                hear_until(visitor, b"hello")


# --- the end -----------------------------------------------------------------------------------

PROGRAM = """
import sys
sys.path[:0] = {paths!r}
from fixtures.edge_app import app
from weighbridge.web.server import listen
listen(app, "127.0.0.1", 0, on_ready=lambda url: print(url, flush=True))
print("ended", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGTERM there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_time_whatever_visitors_do(number: signal.Signals) -> None:
    program = PROGRAM.format(paths=[str(TESTS)])
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        visitors = [call(port, b"GET /ne"), call(port, GET)]
        if number is signal.SIGTERM:
            visitors.append(call(port, b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        hear_until(visitors[1], b"hello")
        begun = time.monotonic()
        process.send_signal(number)
        said, complained = process.communicate(timeout=PATIENCE)
        assert time.monotonic() - begun < USUAL.head, "it waited for a visitor"
        for visitor in visitors:
            visitor.close()
    finally:
        process.kill()
        process.wait()
    assert (said, complained, process.returncode) == ("ended\n", "", 0)


def test_the_log_tells_which_problem_a_page_failed_with(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise RetryLater(code="database.busy", path="/home/anna/secret")

    asyncio.run(SafeErrors(fail)({}, _nothing_comes, _nobody_hears))
    (failed,) = [vars(record) for record in caplog.records if record.message == "page_failed"]
    assert (failed["kind"], failed["problem"]) == ("RetryLater", "database.busy")
    assert "anna" not in str(failed)


async def _nothing_comes() -> Message:
    raise AssertionError("the page reads nothing")


async def _nobody_hears(message: Message) -> None:
    raise AssertionError("the page answers nothing")
