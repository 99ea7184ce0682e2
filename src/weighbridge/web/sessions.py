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
MOST_OF_A_LINK = 10
"""Sessions at once that came by the same person link: nobody can use up all of them."""


class BrowserSession(msgspec.Struct):
    """One browser that is signed in."""

    key: str
    """A hash of what its cookie says: whoever reads our memory has no cookie."""
    csrf: str
    """Stands in every form: another site can make a browser send a cookie, but not this."""
    made_at: float
    seen_at: float
    person: str | None = None
    """Who may see only what is about this person; None: the admin, who sees everybody."""
    link: str = ""
    """The key of the person link by which it came; empty for the admin."""

    def __repr__(self) -> str:
        times = f"made_at={self.made_at}, seen_at={self.seen_at}"
        return f"Session(key={self.key[:6]!r}, {times}, person={self.person!r})"

    def is_over(self, now: float) -> bool:
        """Whether nobody came for too long, or it is too old."""
        return now - self.seen_at > IDLE or now - self.made_at > AGE

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
        self._sessions: OrderedDict[str, BrowserSession] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, person: str | None = None, link: str = "") -> str:
        """A new session: of the admin, or of a person who came by a link.

        Returns what its cookie shall say; it is kept nowhere else.
        """
        word, now = self._new(), self._clock()
        with self._lock:
            self._make_room(link)
            session = BrowserSession(_hash(word), self._new(), now, now, person, link)
            self._sessions[session.key] = session
        return word

    def _make_room(self, link: str) -> None:
        """For one more."""
        alike = [one.key for one in self._sessions.values() if link and one.link == link]
        if len(alike) >= MOST_OF_A_LINK:
            del self._sessions[alike[0]]
        while len(self._sessions) >= MOST:
            self._sessions.popitem(last=False)

    def find(self, word: str) -> BrowserSession | None:
        """The session of a cookie, if it has not ended. Counts as a visit."""
        key, now = _hash(word), self._clock()
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                return None
            if session.is_over(now):
                del self._sessions[key]
                return None
            session.seen_at = now
            self._sessions.move_to_end(key)
            return session

    def lasts(self, key: str) -> bool:
        """Whether the session of a key has not ended. To ask is no visit."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(key)
            return session is not None and not session.is_over(now)

    def end(self, word: str) -> None:
        """Sign out. One that has ended already does no harm."""
        with self._lock:
            self._sessions.pop(_hash(word), None)

    def end_of_link(self, link: str) -> None:
        """End every session that came by a person link."""
        with self._lock:
            for key in [one.key for one in self._sessions.values() if one.link == link]:
                del self._sessions[key]


def _hash(word: str) -> str:
    return sha256(word.encode("utf-8", "replace")).hexdigest()
