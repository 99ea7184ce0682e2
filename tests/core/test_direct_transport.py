"""Without a proxy the standard library speaks: connections are kept, and errors are told apart."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import httpx2
import pytest

from weighbridge.core.network import http_client

Behaviour = Callable[[socket.socket], None]
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def read_request(connection: socket.socket) -> bool:
    """Head and body of one request; False: there is none any more."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (more := connection.recv(65_536)):
            return False
        head += more
    head, _, body = head.partition(b"\r\n\r\n")
    _, _, told = head.lower().partition(b"content-length: ")
    length = int(told.split(b"\r\n")[0] or 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return True


class Server:
    """Serves connections one after another; ``behaviours`` say what each request gets."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.behaviours: list[Behaviour] = []
        self.connections = 0
        self.closed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/"

    def _serve(self) -> None:
        while self.behaviours or self.connections == 0:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                while self.behaviours and read_request(connection):
                    behaviour = self.behaviours.pop(0)
                    behaviour(connection)
                    if behaviour in (leave, good_and_leave):
                        break
            self.closed.set()


def good(connection: socket.socket) -> None:
    connection.sendall(GOOD)


def good_and_leave(connection: socket.socket) -> None:
    """The answer promises nothing, and then the connection ends."""
    connection.sendall(GOOD)


def leave(connection: socket.socket) -> None:
    """The connection ends without an answer."""


def half(connection: socket.socket) -> None:
    connection.sendall(GOOD[:-1])
    connection.shutdown(socket.SHUT_WR)


def nonsense(connection: socket.socket) -> None:
    connection.sendall(b"what?\r\n\r\n")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.socket.close()


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    with http_client(server.url) as client:
        yield client


def test_a_connection_is_used_again(server: Server, client: httpx2.Client) -> None:
    server.behaviours = [good, good, good]
    assert [client.post(server.url, data={"a": "b"}).text for _ in range(3)] == ["ok"] * 3
    assert server.connections == 1


def test_one_that_the_other_side_has_closed_is_not(server: Server, client: httpx2.Client) -> None:
    server.behaviours = [good_and_leave, good]
    assert client.get(server.url).text == "ok"
    assert server.closed.wait(10)
    assert client.get(server.url).text == "ok"
    assert server.connections == 2


@pytest.mark.parametrize("fault", [leave, half, nonsense])
def test_an_answer_that_is_none_is_no_failure_to_connect(
    fault: Behaviour, server: Server, client: httpx2.Client
) -> None:
    server.behaviours = [fault]
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        client.post(server.url, data={"a": "b"})


def test_silence_is_a_timeout(server: Server, client: httpx2.Client) -> None:
    over = threading.Event()
    server.behaviours = [lambda connection: over.wait(10) and None]
    with pytest.raises(httpx2.ReadTimeout):
        client.post(server.url, data={"a": "b"}, timeout=0.05)
    over.set()


def test_where_nobody_listens_nothing_was_sent(client: httpx2.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(httpx2.ConnectError):
        client.post(f"http://127.0.0.1:{port}/", data={"a": "b"})


def test_what_is_neither_http_nor_known_is_refused(client: httpx2.Client) -> None:
    with pytest.raises(httpx2.UnsupportedProtocol):
        client.get("https://127.0.0.1:1/")  # made for an address without TLS
