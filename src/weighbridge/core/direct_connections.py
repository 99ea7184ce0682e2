"""HTTP without a proxy, by the standard library: connections that are kept, and told-apart errors.

The HTTP library costs more to import than a whole sync with nothing new needs. One connection is
used by one call at a time; it is kept and used again while the other side keeps it open.
"""

from __future__ import annotations

import http.client
import selectors
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from weighbridge.core.form_client import (
    AnswerLate,
    AnswerLost,
    NotConnected,
    NotConnectedInTime,
    NotSpoken,
)

if TYPE_CHECKING:
    import ssl


class Place(NamedTuple):
    """Where to connect to. ``port`` None: the usual one of the scheme."""

    scheme: str
    host: str
    port: int | None


class DirectRequest(NamedTuple):
    """What is sent: ``target`` is path and query."""

    method: str
    target: str
    headers: Sequence[tuple[str | bytes, str | bytes]]
    body: bytes


class DirectAnswer(NamedTuple):
    """One answer, read completely."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes


class DirectConnections:
    """Connections to the hosts that are asked for. Its errors are those of ``form_client``.

    ``context`` says whom to trust; None: no TLS is spoken.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._kept: dict[Place, list[http.client.HTTPConnection]] = {}
        self._is_closed = False
        self._lock = threading.Lock()

    def exchange(
        self, place: Place, request: DirectRequest, limits: Mapping[str, float | None]
    ) -> DirectAnswer:
        """One request and its whole answer. ``limits``: seconds to ``connect`` and to ``read``."""
        connection = self._take(place) or self._connected(place, limits.get("connect"))
        try:
            with _errors_of_a_call():
                if connection.sock is not None:
                    connection.sock.settimeout(limits.get("read"))
                answer = _exchange(connection, request)
                content = answer.read()
        except BaseException:
            connection.close()
            raise
        if answer.will_close or not self._keep(place, connection):
            connection.close()
        return DirectAnswer(answer.status, answer.headers, content)

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            kept, self._kept = self._kept, {}
            self._is_closed = True
        for connections in kept.values():
            for connection in connections:
                connection.close()

    def _take(self, place: Place) -> http.client.HTTPConnection | None:
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

    def _keep(self, place: Place, connection: http.client.HTTPConnection) -> bool:
        """False: too late. A call that was given up may end after all others."""
        with self._lock:
            if not self._is_closed:
                self._kept.setdefault(place, []).append(connection)
            return not self._is_closed

    def _connected(self, place: Place, limit: float | None) -> http.client.HTTPConnection:
        connection = self._connection(place, limit)
        try:
            connection.connect()
        except TimeoutError as error:
            connection.close()
            raise NotConnectedInTime.because(error) from error
        except (OSError, UnicodeError) as error:  # an ssl.SSLError is an OSError, too
            connection.close()
            raise NotConnected.because(error) from error
        return connection

    def _connection(self, place: Place, limit: float | None) -> http.client.HTTPConnection:
        scheme, host, port = place
        if scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=limit)
        if scheme == "https" and self._context is not None:
            return http.client.HTTPSConnection(host, port, timeout=limit, context=self._context)
        raise NotSpoken(f"{scheme}: is not spoken here")


def _exchange(
    connection: http.client.HTTPConnection, request: DirectRequest
) -> http.client.HTTPResponse:
    connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers:
        connection.putheader(name, value)
    connection.endheaders(request.body or None)
    return connection.getresponse()


@contextmanager
def _errors_of_a_call() -> Iterator[None]:
    """Once connected, nobody can tell what has arrived: no error from here is NotConnected."""
    try:
        yield
    except TimeoutError as error:
        raise AnswerLate.because(error) from error
    except (OSError, http.client.HTTPException) as error:
        raise AnswerLost.because(error) from error


def _is_ended(connection: http.client.HTTPConnection) -> bool:
    """Between two answers nothing may come: what can be read is the end, or an answer too many."""
    if connection.sock is None:
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))
