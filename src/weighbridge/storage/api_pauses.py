"""Waiting that all processes share and that outlives them: the pause that a service asks for, the
calls that it counts, and the circuit breaker for sign-ins.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from weighbridge.core.errors import backoff
from weighbridge.core.reason import Reason, plain, read_reason
from weighbridge.storage.database import Database

FIRST_PAUSE = 2 * 3600.0
LONGEST_PAUSE = 24 * 3600.0


class ApiPauseStore:
    """Nobody calls before ``until`` (seconds since 1970). Setting it never shortens it."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    def until(self) -> float:
        """0 when it is released."""
        row = self._database.one("service_pause", name=self._name)
        return float(row["until"]) if row else 0.0

    def set(self, until: float) -> None:
        """Hold everybody back until then."""
        self._database.run("set_service_pause", name=self._name, until=until, steps=0, reason="")


def breaker_name(person: str, target: str, *more: str) -> str:
    """The name of the circuit breaker of a target; ``more``: what it is for, if not for all
    sign-ins. However odd the names of people and targets are, two never share one.
    """
    return msgspec.json.encode(["sign-in", person, target, *more]).decode()


class BreakerState(msgspec.Struct, frozen=True):
    """``until``: seconds since 1970; ``steps``: how many times in a row it opened."""

    until: float
    steps: int
    reason: Reason


class SignInBreaker:
    """Opens for two hours when a sign-in was blocked, doubles up to a day, closes on success.

    Sign-ins are the scarce thing at Garmin, and each retry re-arms the block
    (docs/reference/garmin.md#limits).
    """

    def __init__(self, database: Database, name: str, clock: Callable[[], float]) -> None:
        self._database = database
        self._name = name
        self._clock = clock

    def state(self) -> BreakerState | None:
        """None when it is closed."""
        row = self._database.one("service_pause", name=self._name)
        if row is None or row["until"] <= self._clock():
            return None
        return BreakerState(row["until"], row["steps"], read_reason(row["reason"]) or plain(""))

    def open(self, reason: Reason) -> BreakerState:
        """One more blocked sign-in."""
        row = self._database.one("service_pause", name=self._name)
        steps = (row["steps"] if row else 0) + 1
        until = self._clock() + backoff(steps, FIRST_PAUSE, LONGEST_PAUSE)
        self._database.run(
            "set_service_pause", name=self._name, until=until, steps=steps, reason=reason.to_json()
        )
        return BreakerState(until, steps, reason)

    def close(self) -> None:
        """A sign-in worked: forget the blocked ones."""
        self._database.run("end_service_pause", name=self._name)


def rehearse_write(database: Database) -> None:
    """Write to the database and take it back. Raises StateProblem or RetryLater if that fails."""
    with database.rehearsal():
        database.run("end_service_pause", name="")


class CallLog:
    """Those to Withings. After a power cut nobody knows them any more, and a minute has passed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, now: float, *, most: int, seconds: float) -> float:
        """Count a call in, unless ``most`` were made within the last ``seconds``.

        0: it is counted. Otherwise the seconds after which to ask again. Calls of the future do not
        count: the clock was set back since, and must not hold us up.
        """
        with self._database.relaxed(), self._database.transaction():
            self._database.run("forget_withings_calls", until=now - seconds, now=now)
            row = self._database.one("withings_calls")
            if row is not None and row["number"] >= most:
                wait: float = row["oldest"] + seconds - now
                if wait > 0:
                    return wait
            self._database.run("add_withings_call", now=now)
        return 0.0
