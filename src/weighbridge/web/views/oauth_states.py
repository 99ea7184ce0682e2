"""Sign-ins at Withings that are under way: who was sent there, and from which browser.

The state of a sign-in comes back with the code. It is good only in the session that asked for it:
otherwise a stranger could send somebody a link that connects the stranger's own account.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

import msgspec

from weighbridge.sources.withings.oauth import new_state

AGE = 600.0
"""Seconds for a person to log in at Withings and to agree."""
MOST = 100
"""Sign-ins at once; the oldest is given up first."""


class Consent(msgspec.Struct, eq=False):
    """One person was sent to Withings and may come back."""

    person: str
    session: str
    """The key of the session from which it began."""
    address: str
    """The redirect address that Withings was told."""
    made_at: float
    userid: str | None = None
    """The profile that was connected; None as long as it is not finished."""
    lock: threading.Lock = msgspec.field(default_factory=threading.Lock)
    """Held while it is finished: a browser may ask twice at the same moment."""


class Consents:
    """What is known of sign-ins under way; in memory, few. Safe in several threads."""

    def __init__(self, clock: Callable[[], float], new: Callable[[], str] = new_state) -> None:
        self._clock = clock
        self._new = new
        self._consents: OrderedDict[str, Consent] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, person: str, session: str, address: str) -> str:
        """Remember whom we send away. Returns the state that must come back."""
        state, now = self._new(), self._clock()
        with self._lock:
            self._consents[_hash(state)] = Consent(person, session, address, now)
            while len(self._consents) > MOST:
                self._consents.popitem(last=False)
        return state

    def find(self, state: str, session: str) -> Consent | None:
        """The sign-in of a state, when it began in this session and is young enough."""
        key = _hash(state)
        with self._lock:
            consent = self._consents.get(key)
            if consent is not None and self._clock() - consent.made_at > AGE:
                del self._consents[key]
                return None
            return consent if consent is not None and consent.session == session else None

    def give_up(self, state: str) -> None:
        """It will not be finished: another one must be begun."""
        with self._lock:
            self._consents.pop(_hash(state), None)


def _hash(state: str) -> str:
    return sha256(state.encode("utf-8", "replace")).hexdigest()
