"""The address on this machine to which Withings sends the browser back with the code.

It listens on loopback only, answers one sign-in and is closed. A browser on another machine does
not reach it: for that there is ``--paste``.
"""

from __future__ import annotations

import html
import os
import queue
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import Self
from urllib.parse import urlsplit

from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem
from weighbridge.core.network import is_loopback
from weighbridge.sources.withings.oauth import read_redirect

WAIT = 300.0
"""Seconds for a person to log in at Withings and to agree."""
IDLE = 10.0
"""Seconds after which a connection is closed on which a browser says nothing."""

POLL = 0.05
"""Seconds between two looks whether the waiting is over."""

_FOUR = "127.0.0.1"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
body {{ font: 1.125rem/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh;
  display: grid; place-items: center; background: Canvas; color: CanvasText }}
main {{ max-width: 28rem; padding: 2rem }}
h1 {{ font-size: 1.5rem; margin: 0 0 .5rem }}
p {{ margin: 0 }}
</style></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""


class Callback:
    """Waits for the redirect of one sign-in. The port is taken here, before a link is shown."""

    def __init__(self, callback_url: str) -> None:
        host, port, self._path = _loopback(callback_url)
        self._servers = _listen(host, port)
        self._serving = False
        self._answers: queue.SimpleQueue[str | Problem] = queue.SimpleQueue()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._servers[0].server_address[1])

    def wait(self, state: str, timeout: float = WAIT) -> str:
        """The code that arrives with this ``state``. Exchange it at once: it lives 30 seconds.

        Raises LoginNeeded when consent is refused or nobody comes within ``timeout`` seconds.
        Redirects of another sign-in are turned away, and the waiting goes on. Works once.
        """
        self.serve(state)
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise LoginNeeded(code="withings.nobody_came", seconds=round(timeout)) from None
        finally:
            self.close()
        if isinstance(answer, Problem):
            raise answer
        return answer

    def close(self) -> None:
        """Give the port back. May be called twice."""
        for server in self._servers:
            if self._serving:
                server.shutdown()
            server.server_close()
        self._serving = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def serve(self, state: str) -> None:
        """Begin to answer browsers; ``wait`` does it too. Close it from the same thread."""
        if self._serving:
            return
        sign_in = _SignIn(self._path, state, self._answers)
        for server in self._servers:
            server.sign_in = sign_in
            threading.Thread(target=server.serve_forever, args=(POLL,), daemon=True).start()
        self._serving = True


class _SignIn:
    """What the visits of one sign-in share."""

    def __init__(self, path: str, state: str, answers: queue.SimpleQueue[str | Problem]) -> None:
        self.path = path
        self._state = state
        self._answers = answers
        self._open = True
        self._lock = threading.Lock()

    def take(self, query: str) -> tuple[int, bytes, str | Problem | None]:
        """HTTP status, page, and the answer of the sign-in if this was it."""
        with self._lock:
            if not self._open:
                return 400, _page("Already done", "This sign-in is over."), None
            try:
                answer: str | Problem = read_redirect(query, self._state)
            except ConfigProblem as problem:
                return 400, _page("Not this one", str(problem)), None
            except LoginNeeded as problem:
                answer = problem
            self._open = False
        if isinstance(answer, Problem):
            return 200, _page("No access", "Nothing will be read."), answer
        return 200, _page("Thank you", "Weighbridge goes on in the terminal."), answer

    def finish(self, answer: str | Problem) -> None:
        self._answers.put(answer)


class _Server(socketserver.ThreadingTCPServer):
    """A thread for each connection: browsers open some on which they say nothing."""

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # Windows would let two programs share the port
    sign_in: _SignIn

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away is no trouble."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Visit(BaseHTTPRequestHandler):
    """One connection of a browser."""

    server: _Server
    timeout = IDLE
    server_version = "weighbridge"
    sys_version = ""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        sign_in = self.server.sign_in
        if path != sign_in.path:
            self._send(404, _page("Nothing here", "This address has no page."))
            return
        status, page, answer = sign_in.take(query)
        try:
            self._send(status, page)
        finally:
            if answer is not None:
                sign_in.finish(answer)  # after the page: the server closes now

    def do_HEAD(self) -> None:
        """Withings and link checkers probe with HEAD; that must not use the code up."""
        path = self.path.partition("?")[0]
        self._send(200 if path == self.server.sign_in.path else 404, b"")

    def _send(self, status: int, page: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")  # the address holds the code
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: the request line holds the code."""


def _page(title: str, text: str) -> bytes:
    words = f"{text} You can close this window."
    return _PAGE.format(title=title, text=html.escape(words)).encode()


def _loopback(callback_url: str) -> tuple[str, int, str]:
    """Host, port and path of an address on this machine; ConfigProblem for any other."""
    try:
        parts = urlsplit(callback_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not is_loopback(host) or parts.scheme != "http":
        raise ConfigProblem(code="withings.callback_elsewhere", url=callback_url)
    return host, 80 if port is None else port, parts.path or "/"


def _listen(host: str, port: int) -> list[_Server]:
    """Servers for all loopback addresses that a browser may try for this host."""
    servers: list[_Server] = []
    try:
        if host != "::1":
            servers.append(_Server((_FOUR if host == "localhost" else host, port), _Visit))
            port = int(servers[0].server_address[1])
        if host in {"localhost", "::1"} and (host == "::1" or _speaks_six()):
            servers.append(_Server6(("::1", port), _Visit))
    except OSError as error:
        for server in servers:
            server.server_close()
        raise _cannot_listen(host, port, error) from error
    return servers


def _speaks_six() -> bool:
    """False where IPv6 is switched off; the browser will not try it there either."""
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True


def _cannot_listen(host: str, port: int, error: OSError) -> ConfigProblem:
    return ConfigProblem(
        code="withings.not_listening", host=host, port=port, error=error.strerror or str(error)
    )
