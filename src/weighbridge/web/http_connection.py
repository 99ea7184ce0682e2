"""One connection of a visitor, who may be slow, silent or hostile: uvicorn's, with time limits.

uvicorn waits for ever for a request that never becomes complete and for an answer that is not
fetched. Here each step has its time limit, and a full server closes the connection that has waited
longest without a complete request.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import Scope

_BUSY = b"Too many connections. Come again in a while.\n"
_BUSY_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\nconnection: close\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n\r\n%s" % (len(_BUSY), _BUSY)
)
_SLICE = 4096
"""Bytes. h11 measures a head only as long as it is incomplete, so it must not get all at once."""
_GOES_ON = "weighbridge.goes_on"


class Limits(msgspec.Struct, frozen=True):
    """Seconds for the steps of a connection, and how many connections there may be."""

    head: float = 10.0
    """For the head of a request, from its first byte or from the beginning of the connection."""
    body: float = 15.0
    """For the body of a request, after its head."""
    answer: float = 60.0
    """For the work on a request, and for writing the answer."""
    farewell: float = 5.0
    """For what a visitor still sends after the answer, or fetches after the end."""
    idle: int = 5
    """Between two requests, in whole seconds."""
    connections: int = 800
    head_bytes: int = 16 * 1024


USUAL = Limits()


def goes_on(scope: Scope) -> None:
    """Say of a request that its answer is a stream: no time limit ends it, but the server does.

    The caller bounds the number of such answers and writes now and then: that ends the connection
    to a visitor who is gone.
    """
    scope.setdefault("state", {})[_GOES_ON] = True


class Connection(H11Protocol):
    """``limits`` is set on a subclass by ``server``: uvicorn makes the connections itself."""

    limits = USUAL

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._step = ""
        self._timer: asyncio.TimerHandle | None = None
        self._began_at = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._is_full() and not self._make_room():
            transport.write(_BUSY_ANSWER)
            transport.close()
        self._look()

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), _SLICE):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + _SLICE])
        self._look()

    def on_response_complete(self) -> None:
        self._go_to("")
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._go_to("")
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def shutdown(self) -> None:
        """The server ends: a stream is not waited for."""
        super().shutdown()
        if self._is_stream():
            self.transport.close()

    def timeout_keep_alive_handler(self) -> None:
        """The time between two requests is over. What was not fetched until now never is."""
        self.transport.abort()

    def _is_full(self) -> bool:
        if len(self.connections) <= self.limits.connections:
            return False
        return len(self._open_ones()) > self.limits.connections

    def _make_room(self) -> bool:
        """Close the oldest connection whose request is not complete. False: there is none."""
        others = [one for one in self._open_ones() if one is not self and one._step != "answer"]
        if not others:
            return False
        min(others, key=lambda one: one._began_at).transport.abort()
        return True

    def _open_ones(self) -> list[Connection]:
        return [
            one
            for one in self.connections
            if isinstance(one, Connection) and not one.transport.is_closing()
        ]

    def _look(self) -> None:
        """See which step has been reached. A step that goes on keeps its timer."""
        step = self._current_step()
        if step != self._step:
            self._go_to(step)

    def _current_step(self) -> str:
        if self.transport.is_closing():
            return "farewell"
        answered = self.cycle is None or self.cycle.response_complete
        if self.conn.their_state is h11.SEND_BODY:
            return "farewell" if answered else "body"
        if not answered:
            return "answer"
        # Between two requests uvicorn's own timer runs; it ends with the first byte of the next.
        return "" if self.timeout_keep_alive_task else "head"

    def _go_to(self, step: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._step = step
        if step:
            self._timer = self.loop.call_later(getattr(self.limits, step), self._give_up)

    def _give_up(self) -> None:
        """The time of a step is over."""
        if not (self._step == "answer" and self._is_stream()):
            self.transport.abort()

    def _is_stream(self) -> bool:
        cycle = self.cycle
        return (
            cycle is not None
            and not cycle.response_complete
            and cycle.scope.get("state", {}).get(_GOES_ON, False)
        )
