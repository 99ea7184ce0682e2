"""What was asked of the sandbox: one entry for each request, with secrets left out."""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from weighbridge_sandbox.messages import Request, Response

KEPT = 10_000
"""So many entries are remembered; the counts go on."""

_SECRET = re.compile(r"token|secret|code|pass|sign|nonce|ticket|cookie|auth|verif|state|mfa", re.I)
_SHOWN_LENGTH = 120
_BODY_STATUS = re.compile(rb'^\s*\{\s*"status"\s*:\s*(-?\d+)')


class Entry(msgspec.Struct):
    """One request. ``status`` is None while it runs and for a dropped connection.

    ``body_status`` is the ``status`` inside a Withings answer, which comes with HTTP 200 always.
    """

    time: float
    cloud: str
    method: str
    host: str
    path: str
    action: str
    fields: dict[str, str]
    fault: str | None = None
    status: int | None = None
    body_status: int | None = None
    done: bool = False


class RequestLog:
    """The list of requests and how often each was made. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter()

    def note(self, request: Request, cloud: str, now: float, fault: str | None) -> Entry:
        """Write a request down when it arrives, so that a held one can be seen."""
        fields = fields_of(request)
        action = fields.pop("action", "")
        shown = {name: show(name, value) for name, value in fields.items()}
        entry = Entry(now, cloud, request.method, request.host, request.path, action, shown, fault)
        with self._lock:
            self._entries.append(entry)
            self._counts[" ".join(filter(None, (request.method, request.path, action)))] += 1
        return entry

    def finish(self, entry: Entry, response: Response | None) -> None:
        """Add the outcome; ``None``: the connection was dropped."""
        if response is not None:
            entry.status = response.status
            found = _BODY_STATUS.match(response.body[:40])
            entry.body_status = int(found[1]) if found else None
        entry.done = True

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    def counts(self) -> dict[str, int]:
        """``"POST /measure getmeas"`` → how often, since the last clearing."""
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._counts.clear()


def fields_of(request: Request) -> dict[str, str]:
    """Query and form fields together; an upload or a JSON body has none worth showing."""
    kind = request.headers.get("content-type", "")
    if not request.body or "urlencoded" not in kind:
        return dict(request.query)
    return {**request.query, **request.form()}


def show(name: str, value: Any) -> str:
    """A field as it may stand in a list that people read and paste elsewhere."""
    if _SECRET.search(name):
        return "***"
    text = str(value)
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "…"
