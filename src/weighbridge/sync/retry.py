"""What follows from an error, and when a route is served again: no I/O, sleep or hidden clock."""

from __future__ import annotations

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.errors import (
    LoginNeeded,
    OutcomeUnknown,
    Problem,
    Refused,
    RetryLater,
    backoff,
)
from weighbridge.storage.database import Row
from weighbridge.storage.ledger import Ledger

FIRST_WAIT = 60.0
LONGEST_WAIT = 6 * 3600.0


class Next(msgspec.Struct, frozen=True):
    """The state that a delivery takes, and from when on it may be tried again."""

    state: State
    not_before: float = 0.0


def decide(problem: Problem, *, attempts: int, now: float) -> Next:
    """Say what happens to a delivery after an attempt that failed."""
    match problem:
        case LoginNeeded():
            return Next(State.BLOCKED)
        case Refused():
            return Next(State.REJECTED)
        case OutcomeUnknown():
            return Next(State.UNKNOWN)
        case RetryLater(after=float() | int() as after):
            return Next(State.PLANNED, now + after)
        case _:
            wait = backoff(attempts + 1, FIRST_WAIT, LONGEST_WAIT)
            return Next(State.PLANNED, now + wait)


LOOK_AGAIN = 5 * 60.0
"""Seconds after which it is looked again for what was sent but not seen."""

_OPEN_FATE = {State.UNKNOWN, State.SENDING}


def next_due(ledger: Ledger, now: float, cloud_ahead: float = 0.0) -> float | None:
    """By our clock in epoch seconds; None: nothing waits, or a person must log in first.

    ``now``: our clock. ``cloud_ahead``: seconds by which the cloud's clock is ahead of it. While
    there is trouble the waiting grows with its age, so a restart does not shorten it.
    """
    row = ledger.row()
    if row["decision"] == LoginNeeded.decision:
        return None
    attempted: float = min(row["attempted_at"] or 0.0, now)
    moments = [ledger.first_due(now, cloud_ahead)]
    if ledger.counts().keys() & _OPEN_FATE or ledger.count_unseen():
        moments.append(attempted + LOOK_AGAIN)
    known = [moment for moment in moments if moment is not None]
    if not known:
        return None
    return served_at(row, min(known), now)


def served_at(route: Row, moment: float, now: float) -> float:
    """When a route is served for what is due at a moment: a pause and trouble put it off."""
    due = max(moment, paused_until(route, now))
    if route["trouble_at"] is None:
        return due
    attempted: float = min(route["attempted_at"] or 0.0, now)
    return max(due, attempted + patience(attempted - route["trouble_at"]))


def paused_until(route: Row, now: float) -> float:
    """Before then the target wants to be left alone; 0: it does not.

    A pause from the future does not count: the clock has been set back since.
    """
    return 0.0 if (route["attempted_at"] or 0.0) > now else float(route["pause_until"])


def patience(age: float) -> float:
    """Seconds to wait when the trouble is so old: as long again, within bounds."""
    return min(max(age, FIRST_WAIT), LONGEST_WAIT)
