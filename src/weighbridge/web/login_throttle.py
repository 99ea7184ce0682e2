"""Wrong attempts to sign in make the next one wait: guessing is slow, and memory stays bounded."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from hashlib import sha256

import msgspec

from weighbridge.core.errors import backoff

FREE = 5
"""Wrong attempts of one address before it has to wait."""
LONGEST = 60.0
"""Seconds. More would only help an attacker who wants to keep the owner out."""
FORGET = 3600.0
"""Seconds after the last wrong attempt until an address starts from zero again."""
MOST = 1000
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
        pause = backoff(self.failures - FREE + 1, 1.0, LONGEST)
        return min(max(self.last_at + pause - now, 0.0), LONGEST)


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
            while len(self._addresses) > MOST:
                self._addresses.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """An address from which somebody signed in is not slowed down by what strangers do."""
        key = _key(address)
        with self._lock:
            self._addresses.pop(key, None)
            self._known[key] = None
            self._known.move_to_end(key)
            while len(self._known) > MOST:
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
