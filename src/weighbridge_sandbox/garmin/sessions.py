"""What sign-in pages remember between two requests, and the service tickets they end with."""

from __future__ import annotations

from collections.abc import Callable
from http.cookies import SimpleCookie
from random import Random

import msgspec

from weighbridge_sandbox.garmin.accounts import GarminAccount
from weighbridge_sandbox.messages import Request

COOKIE = "SESSION"


class Session(msgspec.Struct):
    """One browser, or one library, on its way through the sign-in pages."""

    session_id: str
    csrf: str
    service: str = ""
    account: GarminAccount | None = None
    """Whose password was accepted. A wrong code leaves it, so that the code can be tried again."""
    code_sent: bool = False

    @property
    def cookie(self) -> dict[str, str]:
        """The header that makes the client come back as this session."""
        return {"Set-Cookie": f"{COOKIE}={self.session_id}; Path=/; HttpOnly"}


class Sessions:
    """Open sign-ins, found by their cookie."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._sessions: dict[str, Session] = {}

    def open(self) -> Session:
        """A new session; send its cookie along."""
        bits = self._random.getrandbits
        session = Session(session_id=f"{bits(128):032x}", csrf=f"{bits(128):032x}")
        self._sessions[session.session_id] = session
        return session

    def of(self, request: Request) -> Session | None:
        """The session whose cookie the request carries, or None."""
        cookie = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
        return self._sessions.get(cookie.value) if cookie else None

    def of_or_open(self, request: Request) -> Session:
        """The session of the request, a new one when it has none."""
        return self.of(request) or self.open()


class _Issued(msgspec.Struct, frozen=True):
    account_id: int
    service: str
    until: float


class Tickets:
    """Service tickets: for one use, for one service, for a few seconds."""

    life = 30.0
    """Seconds. "Within seconds" is all that is known (docs/reference/garmin.md#signing-in)."""

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        self._clock = clock
        self._random = random
        self._open: dict[str, _Issued] = {}
        self._count = 0

    def issue(self, account: GarminAccount, service: str) -> str:
        """A ticket with which ``service`` may ask for the tokens of the account."""
        self._count += 1
        ticket = f"ST-{self._count:07d}-{self._random.getrandbits(80):020x}-cas"
        self._open[ticket] = _Issued(account.account_id, service, self._clock() + self.life)
        return ticket

    def spend(self, ticket: str, service: str) -> int | None:
        """The account number, or None. Presented once, a ticket is gone, right or wrong."""
        issued = self._open.pop(ticket, None)
        if issued is None or issued.service != service or issued.until <= self._clock():
            return None
        return issued.account_id
