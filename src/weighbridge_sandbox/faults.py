"""Faults on demand: which request is to go wrong, and how.

    kind            what the client sees
    status          HTTP 200 with a Withings envelope: ``status``, ``error``, ``wait_seconds``
    http            an HTTP status with ``headers`` and ``body``
    unauthorized    the access token is refused in the words of the cloud
    delay           the usual answer after ``seconds``
    hold            the usual answer after a call of ``release`` (30 s at most)
    drop            the connection ends without an answer
    garbage         a page of HTML with status 200
    empty           status 200 and nothing
    truncated       the first half of the usual answer, as if it were complete
    cut_off         the head and half of the usual answer, then the connection ends
    no_body         the usual answer without its ``body`` key
    empty_list      the usual answer with ``body: []``

``after_work`` says whether the cloud does what was asked before the fault strikes. It counts for
every kind but the last four (their answer needs the work) and ``delay``, and is false by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from weighbridge_sandbox.messages import Dropped, Request, Response
from weighbridge_sandbox.requests import fields_of

HOLD_SECONDS = 30.0
GARBAGE = "<html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>"
REFUSED_LOGIN = "XRequestID: Not provided invalid_token: The access token provided is invalid"
"""Recorded (``error-401-invalid-access-token``)."""

Kind = Literal[
    "status", "http", "unauthorized", "delay", "hold", "drop", "garbage", "empty",
    "truncated", "cut_off", "no_body", "empty_list",
]  # fmt: skip


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One fault: the first five fields choose requests, the others say what happens to them.

    ``nth`` counts the requests that the four before it choose: 1 is the next one. ``times`` is how
    many of them are hit from there on, -1 all. ``path`` may end in ``*``.
    """

    kind: Kind
    cloud: str | None = None
    path: str | None = None
    action: str | None = None
    method: str | None = None
    nth: int = 1
    times: int = 1
    after_work: bool = False
    status: int = 500
    error: str | None = None
    wait_seconds: int | None = None
    headers: dict[str, str] = {}
    body: Any = ""
    seconds: float = 0.0
    seen: int = 0
    hits: int = 0

    def chooses(self, request: Request, cloud: str) -> bool:
        """Whether the request is one of those that this fault is about."""
        if self.path is not None and not _same_path(self.path, request.path):
            return False
        if self.action is not None and self.action != fields_of(request).get("action"):
            return False
        return self.cloud in {None, cloud} and self.method in {None, request.method}


class Faults:
    """The faults that are set. Safe to use from several threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._change = threading.Condition()
        self._releases = 0
        self._closed = threading.Event()
        self.holding = 0
        """How many requests are held right now."""

    def add(self, fault: Fault) -> None:
        with self._change:
            self._faults.append(fault)

    def active(self) -> list[Fault]:
        """The faults that may still strike."""
        with self._change:
            return [fault for fault in self._faults if fault.times < 0 or fault.hits < fault.times]

    def clear(self) -> None:
        with self._change:
            self._faults.clear()

    def take(self, request: Request, cloud: str) -> Fault | None:
        """The fault that strikes this request. Every fault that chooses it counts it."""
        struck: Fault | None = None
        with self._change:
            for fault in self._faults:
                if not fault.chooses(request, cloud):
                    continue
                fault.seen += 1
                spent = 0 <= fault.times <= fault.hits
                if struck is None and fault.seen >= fault.nth and not spent:
                    fault.hits += 1
                    struck = fault
        return struck

    def release(self) -> int:
        """Let all held requests go on. Returns how many there were."""
        with self._change:
            self._releases += 1
            self._change.notify_all()
            return self.holding

    def close(self) -> None:
        """End every wait: the sandbox stops."""
        self._closed.set()
        self.release()

    def apply(self, fault: Fault, cloud: str, work: Callable[[], Response]) -> Response:
        """Answer a request the faulty way. Raises Dropped when nothing is to be answered."""
        if fault.kind in {"delay", "hold"}:
            return self._wait(fault, work)
        if fault.kind in _SPOILT:
            return _SPOILT[fault.kind](work())
        if fault.after_work:
            work()
        return replace_answer(fault, cloud)

    def _wait(self, fault: Fault, work: Callable[[], Response]) -> Response:
        response = work() if fault.after_work else None
        if fault.kind == "delay":
            self._closed.wait(fault.seconds)
        else:
            self._hold()
        if self._closed.is_set():
            raise Dropped
        return response if response is not None else work()

    def _hold(self) -> None:
        with self._change:
            before = self._releases
            self.holding += 1
            self._change.wait_for(lambda: self._releases != before, HOLD_SECONDS)
            self.holding -= 1


def replace_answer(fault: Fault, cloud: str) -> Response:
    """The answer of a fault that does not need the usual one. Raises Dropped."""
    match fault.kind:
        case "status":
            return envelope(fault.status, fault.error, fault.wait_seconds)
        case "http":
            return plain(fault.status, fault.headers, fault.body)
        case "unauthorized" if cloud == "withings":
            return envelope(401, REFUSED_LOGIN)
        case "unauthorized":
            return plain(401, {}, {"error": "invalid_token"})
        case "garbage":
            return Response.of_html(GARBAGE)
        case "empty":
            return Response(headers={"Content-Type": "application/json"})
        case _:
            raise Dropped


def envelope(status: int, error: str | None = None, wait_seconds: int | None = None) -> Response:
    """A Withings failure, with HTTP status 200 (docs/reference/withings-api.md#envelope)."""
    body = {} if wait_seconds is None else {"wait_seconds": wait_seconds}
    content: dict[str, Any] = {"status": status, "body": body}
    if error is not None:
        content["error"] = error
    return Response.of_json(content)


def plain(status: int, headers: dict[str, str], body: Any) -> Response:
    """An HTTP answer as it was ordered: text as it is, anything else as JSON."""
    if isinstance(body, str):
        kind = "text/html; charset=UTF-8" if body.lstrip().startswith("<") else "text/plain"
        return Response(status, {"Content-Type": kind, **headers}, body.encode())
    response = Response.of_json(body, status)
    response.headers.update(headers)
    return response


def _same_path(wanted: str, path: str) -> bool:
    return path.startswith(wanted[:-1]) if wanted.endswith("*") else path == wanted


def _truncate(response: Response) -> Response:
    return Response(response.status, response.headers, response.body[: len(response.body) // 2])


def _cut_off(response: Response) -> Response:
    response.send_only = len(response.body) // 2
    return response


def _without_body(response: Response) -> Response:
    content = msgspec.json.decode(response.body)
    content.pop("body", None)
    return Response.of_json(content, response.status)


def _with_empty_list(response: Response) -> Response:
    content = msgspec.json.decode(response.body)
    content["body"] = []
    return Response.of_json(content, response.status)


_SPOILT: dict[str, Callable[[Response], Response]] = {
    "truncated": _truncate,
    "cut_off": _cut_off,
    "no_body": _without_body,
    "empty_list": _with_empty_list,
}
