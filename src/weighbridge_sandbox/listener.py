"""Connections of the sandbox: HTTP/1.1 with keep-alive over loopback, one thread each.

Built on the standard library's server, because a connection must be able to break for real.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from weighbridge_sandbox.messages import Dropped, Request, Response

if TYPE_CHECKING:
    from ssl import SSLContext

IDLE_SECONDS = 60.0
"""An idle connection is closed after this time, like a real server does."""
LARGEST_BODY = 64 * 1024 * 1024


class Connection(BaseHTTPRequestHandler):
    """One client connection: reads requests and writes answers until either side closes."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server: Listener

    def exchange(self) -> None:
        """Read one request, let the sandbox answer it, send the answer."""
        request = self._read()
        if request is None:
            self.close_connection = True
            return
        try:
            self._write(self.server.serve(request))
        except (Dropped, OSError):  # the client may be gone as well: killed on purpose
            self.close_connection = True

    def _read(self) -> Request | None:
        """The request, or None when it is cut off or larger than anybody should send."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        try:
            if "chunked" in headers.get("transfer-encoding", "").lower():
                body: bytes | None = self._read_chunks()
            else:
                body = self.rfile.read(int(length)) if 0 <= int(length) <= LARGEST_BODY else None
        except (OSError, ValueError):
            return None
        target = urlsplit(self.path)
        if body is None or len(body) < int(length):
            return None
        host = headers.get("host", target.netloc)
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        return Request(self.command, host, target.path, query, headers, body)

    def _read_chunks(self) -> bytes | None:
        """A chunked body. Raises ValueError when a chunk has no size."""
        parts: list[bytes] = []
        total = 0
        while size := int(self.rfile.readline(64).split(b";")[0], 16):
            total += size
            if total > LARGEST_BODY:
                return None
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)
        while self.rfile.readline(65536).strip():
            pass  # trailers
        return b"".join(parts)

    def _write(self, response: Response) -> None:
        """Send head and body in one piece: two packets would cost a round trip."""
        bodiless = response.status in {204, 304}
        head = [
            f"HTTP/1.1 {response.status} {self.responses.get(response.status, ('Unknown',))[0]}"
        ]
        head += ["Server: nginx", f"Date: {self.date_time_string()}"]
        for name, value in response.headers.items():
            head += [f"{name}: {line}" for line in value.split("\n")]
        if not bodiless:
            head.append(f"Content-Length: {len(response.body)}")
        if self.close_connection or response.send_only is not None:
            head.append("Connection: close")
        silent = bodiless or self.command == "HEAD"
        body = b"" if silent else response.body[: response.send_only]
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        if response.send_only is not None:
            raise Dropped

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the sandbox keeps its own list of requests, without secrets."""


for _verb in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    setattr(Connection, f"do_{_verb}", Connection.exchange)


class Listener(ThreadingHTTPServer):
    """The listening socket. It remembers its connections, so that closing ends all of them."""

    request_queue_size = 64
    allow_reuse_address = os.name != "nt"  # on Windows it would let two servers share a port
    allow_reuse_port = False

    def __init__(
        self, port: int, serve: Callable[[Request], Response], context: SSLContext | None
    ) -> None:
        self.serve = serve
        self.context = context
        self.connections: dict[threading.Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", port), Connection)

    def server_bind(self) -> None:
        """Bind without the name look-up of the standard server: it can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.context is not None:  # the handshake happens in the connection's own thread
            connection = self.context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        self.connections[thread] = request
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.connections.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that goes away in the middle is part of the play."""

    def end(self) -> None:
        """Stop listening, cut all connections and wait for their threads."""
        ending = threading.Thread(target=self.shutdown)
        ending.start()
        with suppress(OSError):  # a notification ends the wait for connections at once
            socket.create_connection(("127.0.0.1", self.server_port), timeout=1).close()
        ending.join()
        self.server_close()
        for thread, connection in list(self.connections.items()):
            with suppress(OSError):  # it may just have ended by itself
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            thread.join(timeout=5)
