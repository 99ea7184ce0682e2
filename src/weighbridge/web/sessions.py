"""Who is signed in: the admin token, pauses after wrong guesses, and sessions kept in memory.

A browser gives the token once and gets a session; a program sends it as
``Authorization: Bearer TOKEN`` each time. A person link opens a session for one person. There are
few sessions, they are short-lived, and a restart ends all of them.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.errors import ConfigProblem, LoginNeeded, RetryLater, StateProblem, backoff
from weighbridge.core.secret import Secret

if TYPE_CHECKING:
    from starlette.requests import Request


FREE = 5
"""Wrong attempts of one address before it has to wait."""
LONGEST_WAIT = 60.0
"""Seconds. More would only help an attacker who wants to keep the owner out."""
FORGET = 3600.0
"""Seconds after the last wrong attempt until an address starts from zero again."""
MOST_ADDRESSES = 1000
"""Addresses that are remembered; the oldest is forgotten first."""

ALL_FREE = 100
"""Wrong attempts of all addresses together before strangers have to wait."""
ALL_EACH = 1.0
"""Seconds after which everybody together has one more."""


class _Failures(msgspec.Struct):
    failures: int = 0
    last_at: float = 0.0
    last_guess: bytes = b""

    def wait(self, now: float) -> float:
        """Seconds until the next attempt: none at first, then twice as long each time."""
        if self.failures < FREE:
            return 0.0
        pause = backoff(self.failures - FREE + 1, 1.0, LONGEST_WAIT)
        return min(max(self.last_at + pause - now, 0.0), LONGEST_WAIT)


class LoginThrottle:
    """Counts wrong attempts, for each address and for all together. Safe in several threads.

    The same wrong secret again is no new guess: a script with an outdated one does not lock out
    the person who sits at the same address.
    """

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, _Failures] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._all = 0.0
        self._all_at = 0.0
        self._lock = threading.Lock()

    def wait(self, address: str, now: float) -> float:
        """Seconds that this address must wait before it may try; 0: it may."""
        key = _key(address)
        with self._lock:
            one = self._addresses.get(key)
            self._look_at_clock(one, now)
            own = 0.0 if one is None or now - one.last_at > FORGET else one.wait(now)
            return own if key in self._known else max(own, self._wait_of_all(now))

    def failed(self, address: str, guess: str, now: float) -> None:
        """Note a wrong attempt. The guess is kept as a hash."""
        key, digest = _key(address), sha256(guess.encode("utf-8", "replace")).digest()
        with self._lock:
            one = self._addresses.pop(key, None)
            if one is None or now - one.last_at > FORGET:
                one = _Failures()
            self._addresses[key] = one
            if digest != one.last_guess:
                one.failures += 1
                one.last_at, one.last_guess = now, digest
                self._all, self._all_at = self._left_of_all(now) + 1, now
            while len(self._addresses) > MOST_ADDRESSES:
                self._addresses.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """An address from which somebody signed in is not slowed down by what strangers do."""
        key = _key(address)
        with self._lock:
            self._addresses.pop(key, None)
            self._known[key] = None
            self._known.move_to_end(key)
            while len(self._known) > MOST_ADDRESSES:
                self._known.popitem(last=False)

    def _look_at_clock(self, one: _Failures | None, now: float) -> None:
        """A clock that was set back must not make anybody wait for hours."""
        self._all_at = min(self._all_at, now)
        if one is not None:
            one.last_at = min(one.last_at, now)

    def _left_of_all(self, now: float) -> float:
        return max(self._all - max(now - self._all_at, 0.0) / ALL_EACH, 0.0)

    def _wait_of_all(self, now: float) -> float:
        return max((self._left_of_all(now) - ALL_FREE + 1) * ALL_EACH, 0.0)


def _key(address: str) -> str:
    """An IPv6 network counts as one: a single house has more addresses than could be counted."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if ip.version == 6 and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(ip), 64), strict=False))
    return str(ip.ipv4_mapped if ip.version == 6 else ip)


TOKEN_FILE = "admin-token"  # noqa: S105 - the name of a file
SHORTEST = 16
"""Characters; a person may choose the token."""
LONGEST = 512
WRITE_SECONDS = 1.0
"""Seconds for which another process may be about to write the file."""
POLL_SECONDS = 0.02


def read_or_make_token(home: Path) -> Secret:
    """The admin token of a home folder; the first caller makes it. Safe in several processes.

    Raises ConfigProblem when the file holds no usable token, StateProblem when it cannot be
    read or written.
    """
    path = home / TOKEN_FILE
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(path)
        text = _read(path)
    except OSError as error:
        raise StateProblem(
            code="server.token_file", path=str(path), error=error.strerror
        ) from error
    if not (SHORTEST <= len(text) <= LONGEST and text.isascii() and text.isprintable()):
        raise ConfigProblem(
            code="server.token_malformed", path=str(path), shortest=SHORTEST, longest=LONGEST
        )
    return Secret.of_value(text)


def _make(path: Path) -> None:
    """O_EXCL: of several processes one makes the file, and nobody writes over it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(24) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> str:
    """The first line. An empty file may be one that another process is just writing."""
    end = time.monotonic() + WRITE_SECONDS
    while True:
        with path.open("rb") as file:
            content = file.read(LONGEST + 2)
        line = content.decode("utf-8", "replace").partition("\n")[0].strip()
        if line or time.monotonic() > end:
            return line
        time.sleep(POLL_SECONDS)


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
        self.sessions = Sessions(clock)

    def sign_in(self, token: str, address: str) -> str:
        """A new session of the admin for the right token; returns the value of its cookie.

        ``address`` is the visitor's. Raises WrongToken, or RetryLater (``after`` in seconds)
        without looking at the token when there were too many wrong ones.
        """
        self.check(token, address)
        return self.sessions.start()

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
