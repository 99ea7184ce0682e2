"""Who is signed in: the admin token is checked, sessions are kept in memory.

A browser gives the token once and gets a session; a program sends it as
``Authorization: Bearer TOKEN`` each time. A person link opens a session for one person. There are
few sessions, they are short-lived, and a restart ends all of them.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.errors import LoginNeeded, RetryLater
from weighbridge.core.secret import Secret
from weighbridge.web.admin_token import TOKEN_FILE
from weighbridge.web.login_throttle import LoginThrottle

if TYPE_CHECKING:
    from starlette.requests import Request

IDLE_SECONDS = 12 * 3600.0
"""Without a visit for so long, a session ends."""
SESSION_SECONDS = 7 * 86_400.0
"""After so long a session ends in any case."""
MOST_SESSIONS = 100
"""At once; the one that was unused for longest ends first."""
MOST_OF_A_LINK = 10
"""Sessions at once that came by the same person link: nobody can use up all of them."""


class WrongToken(LoginNeeded):
    """This is not the admin token."""


class BrowserSession(msgspec.Struct):
    """One browser that is signed in."""

    key: str
    """A hash of its cookie: reading our memory gives nobody a cookie."""
    csrf: str
    """Is in every form: another site can make a browser send a cookie, but not this."""
    made_at: float
    seen_at: float
    person: str | None = None
    """The one person whom this session may see; None: the admin's session, which sees everybody."""
    link: str = ""
    """The key of the person link by which it came; empty for the admin."""

    def __repr__(self) -> str:
        times = f"made_at={self.made_at}, seen_at={self.seen_at}"
        return f"BrowserSession(key={self.key[:6]!r}, {times}, person={self.person!r})"

    def has_ended(self, now: float) -> bool:
        """Whether there was no visit for too long, or it is too old."""
        return now - self.seen_at > IDLE_SECONDS or now - self.made_at > SESSION_SECONDS

    def has_csrf(self, csrf: str) -> bool:
        """Whether a form came from a page that we made for this session. In constant time."""
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

    def start(self, person: str | None = None, link: str = "") -> str:
        """A new session: of the admin, or of a person who came by a link.

        Returns the value of its cookie, which is kept nowhere else.
        """
        cookie, now = self._new(), self._clock()
        with self._lock:
            self._make_room(link)
            session = BrowserSession(_hash(cookie), self._new(), now, now, person, link)
            self._sessions[session.key] = session
        return cookie

    def _make_room(self, link: str) -> None:
        """Make room for one more session."""
        alike = [one.key for one in self._sessions.values() if link and one.link == link]
        if len(alike) >= MOST_OF_A_LINK:
            del self._sessions[alike[0]]
        while len(self._sessions) >= MOST_SESSIONS:
            self._sessions.popitem(last=False)

    def find(self, cookie: str) -> BrowserSession | None:
        """The session of a cookie, if it has not ended. Counts as a visit."""
        key, now = _hash(cookie), self._clock()
        with self._lock:
            session = self._sessions.get(key)
            if session is None:
                return None
            if session.has_ended(now):
                del self._sessions[key]
                return None
            session.seen_at = now
            self._sessions.move_to_end(key)
            return session

    def is_active(self, key: str) -> bool:
        """Whether the session of a key has not ended. Asking does not count as a visit."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(key)
            return session is not None and not session.has_ended(now)

    def end(self, cookie: str) -> None:
        """Sign out. A session that has ended already does no harm."""
        with self._lock:
            self._sessions.pop(_hash(cookie), None)

    def end_by_link(self, link: str) -> None:
        """End every session that came by a person link."""
        with self._lock:
            for key in [one.key for one in self._sessions.values() if one.link == link]:
                del self._sessions[key]


class Authenticator:
    """Checks the admin token and finds sessions. The token is kept as a hash only.

    Safe in several threads.
    """

    def __init__(self, token: Secret, clock: Callable[[], float] = time.time) -> None:
        self._digest = _digest(token.reveal())
        self._clock = clock
        self._throttle = LoginThrottle()
        self._sessions = Sessions(clock)

    def sign_in(self, token: str, address: str) -> str:
        """A new session of the admin for the right token; returns the value of its cookie.

        ``address`` is the visitor's. Raises WrongToken, or RetryLater (``after`` in seconds)
        without looking at the token when there were too many wrong ones.
        """
        self.check(token, address)
        return self._sessions.start()

    def check(self, token: str, address: str) -> None:
        """For programs, which have no session. Raises what ``sign_in`` raises."""
        now = self._clock()
        wait = self._throttle.wait(address, now)
        if wait > 0:
            raise RetryLater(code="server.too_many_tokens", after=wait, seconds=int(wait) + 1)
        if not compare_digest(self._digest, _digest(token)):
            self._throttle.failed(address, token, now)
            raise WrongToken(code="server.wrong_token", file=TOKEN_FILE)
        self._throttle.succeeded(address)

    def session(self, cookie: str) -> BrowserSession | None:
        """The session of a cookie, None if it has ended."""
        return self._sessions.find(cookie)

    def is_active(self, session: BrowserSession) -> bool:
        """Whether a session has not ended since. Asking does not count as a visit."""
        return self._sessions.is_active(session.key)

    def start_session(self, person: str, link: str) -> str:
        """A new session of a person who came by a link; returns the value of its cookie.

        ``link`` is the key of that link, which was checked.
        """
        return self._sessions.start(person, link)

    def end_sessions_of_link(self, link: str) -> None:
        """The link was revoked: end the sessions that came by it."""
        self._sessions.end_by_link(link)

    def sign_out(self, cookie: str) -> None:
        """End the session of a cookie."""
        self._sessions.end(cookie)


def closed() -> Authenticator:
    """Nobody can sign in: nobody knows its token."""
    return Authenticator(Secret.of_value(secrets.token_urlsafe(24)))


def session_of(request: Request) -> BrowserSession | None:
    """The session of the visitor, as ``Auth`` found it; None: nobody is signed in."""
    return getattr(request.state, "session", None)


def _digest(token: str) -> bytes:
    return sha256(token.strip().encode("utf-8", "replace")).digest()


def _hash(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "replace")).hexdigest()
