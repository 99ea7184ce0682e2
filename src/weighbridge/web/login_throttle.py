"""How often somebody may be wrong: guessing becomes slow, remembering it stays small."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from hashlib import sha256

import msgspec

FREE = 5
"""Wrong attempts of one address before it has to wait."""
LONGEST = 60.0
"""Seconds. More would only help somebody who wants to keep the owner out."""
FORGET = 3600.0
"""Seconds after the last wrong attempt until an address begins anew."""
MOST = 1000
"""Addresses that are remembered; the oldest is forgotten first."""

ALL_FREE = 100
"""Wrong attempts of everybody together before strangers have to wait."""
ALL_EACH = 1.0
"""Seconds after which everybody together has one more."""


class _Tally(msgspec.Struct):
    failures: int = 0
    last_at: float = 0.0
    last_guess: bytes = b""

    def wait(self, now: float) -> float:
        """Seconds until the next attempt: none at first, then twice as long each time."""
        if self.failures < FREE:
            return 0.0
        pause = min(2.0 ** min(self.failures - FREE, 10), LONGEST)
        return min(max(self.last_at + pause - now, 0.0), LONGEST)


class LoginThrottle:
    """Counts wrong attempts, for each address and for all together. Safe in several threads.

    The same wrong secret again is no new guess: a script with an outdated one does not lock out
    the person who sits at the same address.
    """

    def __init__(self) -> None:
        self._tallies: OrderedDict[str, _Tally] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._all = 0.0
        self._all_at = 0.0
        self._lock = threading.Lock()

    def wait(self, address: str, now: float) -> float:
        """Seconds that this address must wait before it may try; 0: it may."""
        key = _key(address)
        with self._lock:
            tally = self._tallies.get(key)
            self._look_at_clock(tally, now)
            own = 0.0 if tally is None or now - tally.last_at > FORGET else tally.wait(now)
            return own if key in self._known else max(own, self._wait_of_all(now))

    def failed(self, address: str, guess: str, now: float) -> None:
        """Note a wrong attempt. The guess is kept as a hash."""
        key, digest = _key(address), sha256(guess.encode("utf-8", "replace")).digest()
        with self._lock:
            tally = self._tallies.pop(key, None)
            if tally is None or now - tally.last_at > FORGET:
                tally = _Tally()
            self._tallies[key] = tally
            if digest != tally.last_guess:
                tally.failures += 1
                tally.last_at, tally.last_guess = now, digest
                self._all, self._all_at = self._left_of_all(now) + 1, now
            while len(self._tallies) > MOST:
                self._tallies.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Whoever signed in from here once is not slowed by what strangers do."""
        key = _key(address)
        with self._lock:
            self._tallies.pop(key, None)
            self._known[key] = None
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)

    def _look_at_clock(self, tally: _Tally | None, now: float) -> None:
        """A clock that was set back must not make anybody wait for hours."""
        self._all_at = min(self._all_at, now)
        if tally is not None:
            tally.last_at = min(tally.last_at, now)

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
