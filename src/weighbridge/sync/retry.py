"""What follows from an error: one table, without I/O, sleep or a hidden clock."""

from __future__ import annotations

import msgspec

from weighbridge.core.backoff import backoff
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, Refused, RetryLater

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
