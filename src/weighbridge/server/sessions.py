"""Who is signed in: sessions in memory, few and short-lived. A restart ends all of them."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest

import msgspec

IDLE = 12 * 3600.0
"""Seconds without a visit after which a session ends."""
AGE = 7 * 86_400.0
"""Seconds after which a session ends in any case."""
MOST = 100
"""Sessions at once; the one that was unused for longest ends first."""


class Session(msgspec.Struct):
    """One browser that is signed in."""

    key: str
    """A hash of what its cookie says: whoever reads our memory has no cookie."""
    csrf: str
    """Stands in every form: another site can make a browser send a cookie, but not this."""
    made_at: float
    seen_at: float

    def __repr__(self) -> str:
        return f"Session(key={self.key[:6]!r}, made_at={self.made_at}, seen_at={self.seen_at})"

    def wrote(self, csrf: str) -> bool:
        """Whether a form came from a page that we made for this session."""
        return compare_digest(self.csrf.encode(), csrf.encode("utf-8", "replace"))


class Sessions:
    """The sessions of a server. Safe in several threads."""

    def __init__(
        self,
        clock: Callable[[], float],
        new: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._clock = clock
        self._new = new
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self) -> str:
        """A new session. Returns what its cookie shall say; it is kept nowhere else."""
        word, now = self._new(), self._clock()
        with self._lock:
            session = Session(_hash(word), self._new(), now, now)
            self._sessions[session.key] = session
            while len(self._sessions) > MOST:
                self._sessions.popitem(last=False)
        return word

    def find(self, word: str) -> Session | None:
        """The session of a cookie, if it has not ended. Counts as a visit."""
        key, now = _hash(word), self._clock()
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                return None
            if now - session.seen_at > IDLE or now - session.made_at > AGE:
                del self._sessions[key]
                return None
            session.seen_at = now
            self._sessions.move_to_end(key)
            return session

    def end(self, word: str) -> None:
        """Sign out. One that has ended already does no harm."""
        with self._lock:
            self._sessions.pop(_hash(word), None)


def _hash(word: str) -> str:
    return sha256(word.encode("utf-8", "replace")).hexdigest()
