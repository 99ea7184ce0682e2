"""What a page says once, after a form was sent: kept for the session until its next page.

Not in the address: there a reload would say it again, and anybody could make a page say anything.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from weighbridge.web.render import session_of

if TYPE_CHECKING:
    from starlette.requests import Request

MOST = 100
"""Sessions that may be owed something; as many as there may be."""
MOST_OF_SESSION = 3
"""Somebody pressed a button several times."""


class Notice(msgspec.Struct, frozen=True):
    """One sentence. Its words stand under a key of the subject of its page."""

    key: str
    count: int = 0


class Notices:
    """Sentences on their way to the next page of a session. Safe in several threads."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, tuple[Notice, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, request: Request, notice: Notice) -> None:
        """For the next page of whoever sent the form."""
        key = _session(request)
        with self._lock:
            before = self._waiting.pop(key, ())
            self._waiting[key] = (*before, notice)[-MOST_OF_SESSION:]
            while len(self._waiting) > MOST:
                self._waiting.popitem(last=False)

    def take(self, request: Request) -> Sequence[Notice]:
        """What waits for this visitor, the oldest first. It is gone then."""
        with self._lock:
            return self._waiting.pop(_session(request), ())


def _session(request: Request) -> str:
    session = session_of(request)
    assert session is not None, "the door lets nobody else in"
    return session.key
