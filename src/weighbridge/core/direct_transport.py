"""HTTP without a proxy: the standard library speaks, the client of ``network`` is the same.

The client's own engine costs more to import than a whole sync with nothing new needs. It is left
for those whose environment names a proxy. One connection is used by one call at a time; it is kept
and used again while the other side keeps it open.
"""

from __future__ import annotations

import http.client
import selectors
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    import ssl

type _Place = tuple[str, str, int | None]
"""Scheme, host and port."""


class DirectTransport(httpx2.BaseTransport):
    """Connections to the hosts that are asked for. Its errors are those of ``httpx2``.

    ``context`` says whom to trust; None: no TLS is spoken.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._kept: dict[_Place, list[http.client.HTTPConnection]] = {}
        self._is_closed = False
        self._lock = threading.Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request and its whole answer."""
        place = (request.url.scheme, request.url.host, request.url.port)
        limits = request.extensions.get("timeout", {})
        connection = self._take(place) or self._connected(place, limits.get("connect"))
        try:
            with _errors_of_the_client():
                if connection.sock is not None:
                    connection.sock.settimeout(limits.get("read"))
                answer = _exchange(connection, request)
                content = answer.read()
        except BaseException:
            connection.close()
            raise
        if answer.will_close or not self._keep(place, connection):
            connection.close()
        return httpx2.Response(
            answer.status, headers=answer.getheaders(), stream=httpx2.ByteStream(content)
        )

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            kept, self._kept = self._kept, {}
            self._is_closed = True
        for connections in kept.values():
            for connection in connections:
                connection.close()

    def _take(self, place: _Place) -> http.client.HTTPConnection | None:
        """A kept connection that the other side has not closed meanwhile."""
        while True:
            with self._lock:
                connections = self._kept.get(place)
                if not connections:
                    return None
                connection = connections.pop()
            if not _is_ended(connection):
                return connection
            connection.close()

    def _keep(self, place: _Place, connection: http.client.HTTPConnection) -> bool:
        """False: too late. A call that was given up may end after all others."""
        with self._lock:
            if not self._is_closed:
                self._kept.setdefault(place, []).append(connection)
            return not self._is_closed

    def _connected(self, place: _Place, limit: float | None) -> http.client.HTTPConnection:
        connection = self._connection(place, limit)
        try:
            connection.connect()
        except TimeoutError as error:
            connection.close()
            raise httpx2.ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError) as error:  # an ssl.SSLError is an OSError, too
            connection.close()
            raise httpx2.ConnectError(str(error)) from error
        return connection

    def _connection(self, place: _Place, limit: float | None) -> http.client.HTTPConnection:
        scheme, host, port = place
        if scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=limit)
        if scheme == "https" and self._context is not None:
            return http.client.HTTPSConnection(host, port, timeout=limit, context=self._context)
        raise httpx2.UnsupportedProtocol(f"{scheme}: is not spoken here")


def _exchange(
    connection: http.client.HTTPConnection, request: httpx2.Request
) -> http.client.HTTPResponse:
    target = request.url.raw_path.decode("ascii")
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.raw:
        connection.putheader(name, value)
    connection.endheaders(request.read() or None)
    return connection.getresponse()


@contextmanager
def _errors_of_the_client() -> Iterator[None]:
    """Once connected, nobody can tell what has arrived: no error from here is a ConnectError."""
    try:
        yield
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except http.client.HTTPException as error:
        raise httpx2.RemoteProtocolError(f"{type(error).__name__}: {error}") from error
    except OSError as error:
        raise httpx2.ReadError(str(error)) from error


def _is_ended(connection: http.client.HTTPConnection) -> bool:
    """Between two answers nothing may come: what can be read is the end, or an answer too many."""
    if connection.sock is None:
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))
