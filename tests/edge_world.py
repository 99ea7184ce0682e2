"""The web edge on a real port in a thread, and visitors who write every byte themselves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.types import ASGIApp

from weighbridge.archive.archive import connect_account
from weighbridge.archive.database import Database
from weighbridge.archive.subscriptions import rotate
from weighbridge.assembly import Shared, Workplace
from weighbridge.config import ServerSettings, Settings, WithingsSettings
from weighbridge.server.counts import Counts
from weighbridge.server.edge.app import create_app
from weighbridge.server.edge.connection import USUAL, Limits
from weighbridge.server.edge.intake import Intake
from weighbridge.server.edge.listening import listen
from weighbridge.server.parts import Parts
from weighbridge.testing.builders import NOON

SOON = 10.0
"""Seconds after which a test gives up."""


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: HTTPMessage
    body: bytes


@contextmanager
def listening(app: ASGIApp, host: str = "127.0.0.1", limits: Limits = USUAL) -> Iterator[int]:
    """``app`` served in a thread; the port. It has ended when the block has."""
    urls: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    def be_ready(url: str) -> None:
        urls.append(url)
        ready.set()

    def run() -> None:
        listen(app, host, 0, on_ready=be_ready, stop=stop, limits=limits)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(SOON)
    try:
        yield int(urlsplit(urls[0]).port or 0)
    finally:
        stop.set()
        thread.join(SOON)
        assert not thread.is_alive()


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = {},
) -> Answer:
    """One request on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=SOON)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def call(port: int, *texts: bytes) -> socket.socket:
    """A connection on which some bytes were written."""
    visitor = socket.create_connection(("127.0.0.1", port), timeout=SOON)
    for text in texts:
        visitor.sendall(text)
    return visitor


def hear(visitor: socket.socket) -> bytes:
    """Everything that still comes until the other side closes; closes as well."""
    heard = bytearray()
    with visitor:
        try:
            while part := visitor.recv(65536):
                heard += part
        except ConnectionResetError:
            pass  # it was closed while we were still sending
    return bytes(heard)


def hear_until(visitor: socket.socket, end: bytes) -> bytes:
    """What comes until ``end`` is there; the connection stays open."""
    heard = bytearray()
    while end not in heard:
        part = visitor.recv(65536)
        assert part, bytes(heard)
        heard += part
    return bytes(heard)


class Edge:
    """A home folder with anna in it, and the whole app in front of it."""

    userid = "4711"

    def __init__(self, home: Path) -> None:
        self.home = home
        self.now = NOON + 100.0
        self.woken: list[str] = []
        self.broken: Exception | None = None
        self.counts = Counts()
        self._stack = ExitStack()
        self._shared = self._stack.enter_context(Shared())
        with Database(home) as database:
            self.account = connect_account(database, "anna", self.userid, self.clock).account
            self.secret = rotate(database, self.now)
        self.intake = Intake(self._database, self.clock, self.woken.append, counts=self.counts)

    def clock(self) -> float:
        return self.now

    def _database(self) -> Database:
        if self.broken:
            raise self.broken
        return Database(self.home)

    def app(self, **server: Any) -> ASGIApp:
        """The app with these settings under ``[server]``."""
        settings = Settings(
            home=self.home,
            withings=WithingsSettings(),
            people=(),
            server=ServerSettings(**server),
        )

        def open_home() -> Workplace:
            return Workplace(settings, clock=self.clock, shared=self._shared)

        def wake(person: str, *, asking: bool = True, delay: float = 0.0) -> None:
            self.woken.append(person)

        return create_app(
            Parts(
                settings=settings,
                clock=self.clock,
                open=open_home,
                wake=wake,
                started_at=self.now,
                intake=self.intake,
                counts=self.counts,
            )
        )

    def stored(self) -> list[tuple[Any, ...]]:
        """(appli, first_at, last_at, action) of all knocks, in their order."""
        with Database(self.home) as database:
            rows = database._connection.execute(
                "SELECT appli, first_at, last_at, action FROM knock ORDER BY id"
            )
            return [tuple(row) for row in rows]

    def close(self) -> None:
        self.intake.stop()
        self._stack.close()
