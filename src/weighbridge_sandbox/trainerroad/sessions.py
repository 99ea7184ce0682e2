"""Who is signed in at the sandbox's TrainerRoad: the cookie ``SharedTrainerRoadAuth``."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from random import Random

import msgspec

from weighbridge_sandbox.messages import Request

COOKIE = "SharedTrainerRoadAuth"

LIFE_SECONDS = 30 * 86_400.0
"""About 30 days is all that is known (docs/reference/trainerroad.md#session)."""


class _Session(msgspec.Struct):
    member_id: int
    until: float


class Cookies:
    """Open sessions, found by their cookie. ``clock`` gives seconds since 1970."""

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        self._clock = clock
        self._random = random
        self._open: dict[str, _Session] = {}

    def begin(self, member_id: int) -> str:
        """A new session; returns the value of its cookie."""
        cookie = f"{self._random.getrandbits(512):0128X}"
        self._open[cookie] = _Session(member_id, self._clock() + LIFE_SECONDS)
        return cookie

    def member_of(self, request: Request) -> int | None:
        """The number of the account whose cookie the request carries, or None."""
        found = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
        session = self._open.get(found.value) if found else None
        return session.member_id if session and session.until > self._clock() else None

    def expire(self, member_id: int | None = None) -> int:
        """End the sessions of one account, or all. Returns how many there were."""
        ended = [
            cookie
            for cookie, session in self._open.items()
            if member_id in {None, session.member_id}
        ]
        for cookie in ended:
            del self._open[cookie]
        return len(ended)


def cookie_header(cookie: str) -> dict[str, str]:
    """The header that makes a browser keep the session."""
    return {"Set-Cookie": f"{COOKIE}={cookie}; path=/; secure; HttpOnly; SameSite=Lax"}
