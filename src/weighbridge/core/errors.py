"""
Every error is a decision. The engine looks at the class, never at the text.

    Problem
      ConfigProblem        stop: a person must change the configuration or the command
      StateProblem         stop: the home folder cannot be used (read-only, full, too new)
      RetryLater           nothing is wrong for good: keep it, try again (maybe not before a time)
        SignInBlocked      of a sign-in: not for hours, a circuit breaker opens
      LoginNeeded          a person must log in: this account or target waits, the rest goes on
      Refused              this payload will never be accepted: reject it, go on with the rest
      OutcomeUnknown       it may have arrived: look before sending again

A problem carries ``remedy``: one sentence that tells a person what to do next.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum


class ExitCode(IntEnum):
    """What a process says when it ends; the same for every command."""

    DONE = 0
    LOOK = 1  # something was rejected or is unknown
    USAGE = 2  # wrong usage, configuration or home folder
    LOG_IN = 3  # a person must log in
    LATER = 4  # not delivered yet, will be tried again


_URGENCY = (ExitCode.USAGE, ExitCode.LOG_IN, ExitCode.LOOK, ExitCode.LATER)


def most_urgent(codes: Collection[int]) -> ExitCode:
    """The exit code of several: a person's errand before what mends itself."""
    return next((code for code in _URGENCY if code in codes), ExitCode.DONE)


class Problem(Exception):
    """Something went wrong and the class says what follows from it."""

    exit_code = ExitCode.LOOK

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class ConfigProblem(Problem):
    """A person must change the configuration or the command line."""

    exit_code = ExitCode.USAGE


class StateProblem(Problem):
    """The home folder or its database cannot be used as it is."""

    exit_code = ExitCode.USAGE


class RetryLater(Problem):
    """A passing trouble. ``after``: seconds that the other side asked for; None: our choice."""

    exit_code = ExitCode.LATER

    def __init__(self, message: str, *, remedy: str = "", after: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.after = after


class SignInBlocked(RetryLater):
    """A sign-in was taken for a robot's, or there were too many: leave it alone for hours."""


class LoginNeeded(Problem):
    """No usable login, and only a person can make a new one."""

    exit_code = ExitCode.LOG_IN


class Refused(Problem):
    """The other side understood the payload and will never take it."""


class OutcomeUnknown(Problem):
    """The request left, the answer did not come back: it may have been carried out."""
