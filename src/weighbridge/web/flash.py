"""What a page shows once, after a form was sent: kept for the session until its next page.

Not in the address: there a reload would show it again, and a link could make a page say anything.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from weighbridge.web.sessions import MOST_SESSIONS, BrowserSession


class Notice(msgspec.Struct, frozen=True):
    """One sentence. Its words stand under a key of the subject of its page."""

    key: str
    count: int = 0


class FlashMessages[T]:
    """Messages on their way to the next page of a session. Safe in several threads.

    ``most`` of one session are kept, the newest: a button may be pressed several times.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: OrderedDict[str, tuple[T, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, session: BrowserSession, message: T) -> None:
        """For the next page of this session."""
        with self._lock:
            before = self._waiting.pop(session.key, ())
            self._waiting[session.key] = (*before, message)[-self._most :]
            while len(self._waiting) > MOST_SESSIONS:
                self._waiting.popitem(last=False)

    def take(self, session: BrowserSession) -> Sequence[T]:
        """What waits for this session, the oldest first. It is gone then."""
        with self._lock:
            return self._waiting.pop(session.key, ())


type Notices = FlashMessages[Notice]
