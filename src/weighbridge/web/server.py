"""Listening: a port is taken, uvicorn answers on it until it is ended.

Nothing of a request is ever logged here: the address that Withings notifies holds our secret.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import HANDLED_SIGNALS

from weighbridge.core.errors import ConfigProblem
from weighbridge.web.http_connection import USUAL, Connection, Limits

LAST_WORDS = 2
"""Seconds for requests that are being answered when the end comes."""
TICK = 1.0
"""Seconds. The ``Date`` header of answers is renewed so often."""
BACKLOG = 1024
SPARE_FILES = 400
"""For databases, files, brokers and the connections to other services."""


def listen(  # noqa: PLR0913  what is served, where, and until when
    app: ASGIApp,
    host: str,
    port: int,
    *,
    on_ready: Callable[[str], object],
    stop: threading.Event | None = None,
    limits: Limits = USUAL,
) -> None:
    """Serve ``app`` until SIGTERM, SIGINT or ``stop``; then return within three seconds.

    ``on_ready`` is called once with the address that is listened on, like
    ``http://127.0.0.1:9474``; port 0 takes a free one. ``stop`` is set when this returns. Signals
    are heeded in the main thread only. Raises ConfigProblem when the port cannot be had.
    """
    _allow_files(limits.connections + SPARE_FILES)
    sockets = _take_port(host, port)
    url = _url(host, sockets[0].getsockname()[1])
    server = _Server(_config(app, limits), lambda: on_ready(url), stop or threading.Event())
    try:
        asyncio.run(server.serve(sockets))
    finally:
        for one in sockets:
            one.close()


def _config(app: ASGIApp, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=type("LimitedConnection", (Connection,), {"limits": limits}),
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="critical",  # what visitors do wrong is not worth a line each
        access_log=False,
        proxy_headers=False,  # the guard does that, for the proxies of the settings
        server_header=False,
        timeout_keep_alive=limits.idle,
        timeout_graceful_shutdown=LAST_WORDS,
        h11_max_incomplete_event_size=limits.head_bytes,
        backlog=BACKLOG,
        workers=1,
    )


class _Server(uvicorn.Server):
    """Sleeps while nothing happens, is woken to end, and leaves no connection behind."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], object], stop: threading.Event
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stop = stop

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        watcher = threading.Thread(target=self._watch, name="weighbridge-stop", daemon=True)
        watcher.start()
        try:
            await super().serve(sockets)
        finally:
            self._stop.set()
            watcher.join()

    def _watch(self) -> None:
        self._stop.wait()
        self._end()

    def _end(self) -> None:
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._woken.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # each is told in the next turn of the loop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's own: a signal ends the listening, and the caller cleans up after it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, disposition in before.items():
                signal.signal(number, disposition)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A second Ctrl+C does not wait for anybody."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self._end()


def _take_port(host: str, port: int) -> list[socket.socket]:
    """Sockets for all addresses of a host: ``localhost`` often has two."""
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in _addresses(host, port):
            taken = sockets[0].getsockname()[1] if sockets else port
            with suppress(_NotHere):
                sockets.append(_bind(family, (address[0], taken, *address[2:])))
        if not sockets:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    except OSError as error:
        for one in sockets:
            one.close()
        raise _cannot_listen(host, port, error) from error
    return sockets


def _addresses(host: str, port: int) -> list[tuple[int, int, int, str, tuple[str | int, ...]]]:
    found = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )
    return list(dict.fromkeys(found))  # type: ignore[arg-type]


class _NotHere(Exception):
    """This machine does not speak that family of addresses, or has not got this one."""


def _bind(family: int, address: tuple[str | int, ...]) -> socket.socket:
    try:
        # Named in full: asyncio sends small parts at once (TCP_NODELAY) only where it sees TCP.
        one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise _NotHere from error
    try:
        _set_options(one, family, both=address[0] == "::")
        one.bind(address)
        one.listen(BACKLOG)
        one.setblocking(False)
    except OSError as error:
        one.close()
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise _NotHere from error
        raise
    return one


def _set_options(one: socket.socket, family: int, *, both: bool) -> None:
    if sys.platform == "win32":
        one.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        only_six = not (both and socket.has_dualstack_ipv6())
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_six)


def _cannot_listen(host: str, port: int, error: OSError) -> ConfigProblem:
    if error.errno == errno.EADDRINUSE:
        return ConfigProblem(code="server.port_used", host=host, port=port)
    if error.errno == errno.EACCES:
        return ConfigProblem(code="server.port_forbidden", port=port)
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return ConfigProblem(code="server.no_such_host", host=host)
    return ConfigProblem(
        code="server.not_listening", host=host, port=port, error=error.strerror or str(error)
    )


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _allow_files(wanted: int) -> None:
    """Each connection is an open file, and macOS gives a program 256 unless it asks for more."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
