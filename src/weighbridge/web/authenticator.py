"""Who may see the pages: whoever knows the admin token, a file in the home folder, sees all of
them; whoever has a person link sees what is about that person.

A browser gives the token once and gets a session; a script sends it as
``Authorization: Bearer TOKEN`` each time. Wrong tokens make the next attempt slower.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

from weighbridge.core.errors import ConfigProblem, LoginNeeded, RetryLater, StateProblem
from weighbridge.core.secret import Secret
from weighbridge.web.login_throttle import LoginThrottle
from weighbridge.web.sessions import BrowserSession, Sessions

TOKEN_FILE = "admin-token"  # noqa: S105 - the name of a file
SHORTEST = 16
"""Characters of a token that somebody chose himself."""
LONGEST = 512
PATIENCE = 1.0
"""Seconds for which another process may be about to write the file."""
PAUSE = 0.02


class WrongToken(LoginNeeded):
    """This is not the admin token."""


class Admission:
    """Tells visitors apart. The token is kept as a hash only. Safe in several threads."""

    def __init__(self, token: Secret, clock: Callable[[], float] = time.time) -> None:
        self._digest = _digest(token.reveal())
        self._clock = clock
        self._attempts = LoginThrottle()
        self._sessions = Sessions(clock)

    def sign_in(self, token: str, address: str) -> str:
        """A new session for whoever knows the token; returns what the cookie shall say.

        ``address`` is where the visitor comes from. Raises WrongToken, or RetryLater (``after``
        in seconds) without looking at the token when there were too many wrong ones.
        """
        self.check(token, address)
        return self._sessions.begin()

    def check(self, token: str, address: str) -> None:
        """For scripts, which have no session. Raises what ``sign_in`` raises."""
        now = self._clock()
        wait = self._attempts.wait(address, now)
        if wait > 0:
            raise RetryLater(
                "There were too many wrong tokens.",
                remedy=f"Wait {wait + 1:.0f} seconds, then try again.",
                after=wait,
            )
        if not compare_digest(self._digest, _digest(token)):
            self._attempts.failed(address, token, now)
            raise WrongToken(
                "This is not the admin token.",
                remedy=f"It stands in the file {TOKEN_FILE} in the home folder of Weighbridge.",
            )
        self._attempts.succeeded(address)

    def session(self, word: str) -> BrowserSession | None:
        """The session that a cookie speaks of, None if it has ended."""
        return self._sessions.find(word)

    def lasts(self, session: BrowserSession) -> bool:
        """Whether a session has not ended since. To ask is no visit."""
        return self._sessions.lasts(session.key)

    def let_in(self, person: str, link: str) -> str:
        """A new session for whoever came by a person link; returns what the cookie shall say.

        ``link`` is the key of that link, which was checked.
        """
        return self._sessions.begin(person, link)

    def end_of_link(self, link: str) -> None:
        """The link was revoked: end the sessions that came by it."""
        self._sessions.end_of_link(link)

    def sign_out(self, word: str) -> None:
        """End the session that a cookie speaks of."""
        self._sessions.end(word)


def closed() -> Admission:
    """Lets nobody in: nobody knows its token."""
    return Admission(Secret.of_value(secrets.token_urlsafe(24)))


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
            f"The file {path} cannot be used ({error.strerror}).",
            remedy="Give this user the right to read and write it, or choose another --home.",
        ) from error
    if not (SHORTEST <= len(text) <= LONGEST and text.isascii() and text.isprintable()):
        raise ConfigProblem(
            f"The file {path} holds no token of {SHORTEST} to {LONGEST} plain characters.",
            remedy="Delete it; the next start makes a new one.",
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
    end = time.monotonic() + PATIENCE
    while True:
        with path.open("rb") as file:
            content = file.read(LONGEST + 2)
        line = content.decode("utf-8", "replace").partition("\n")[0].strip()
        if line or time.monotonic() > end:
            return line
        time.sleep(PAUSE)


def _digest(token: str) -> bytes:
    return sha256(token.strip().encode("utf-8", "replace")).digest()
