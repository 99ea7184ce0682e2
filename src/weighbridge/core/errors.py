"""
Every error is a decision. The engine looks at the class, never at the text.

    Problem
      ConfigProblem        stop: a person must change the configuration or the command
      StateProblem         stop: the home folder cannot be used (read-only, full, too new)
      RetryLater           nothing is wrong for good: keep it, try again (maybe not before a time)
        SignInBlocked      sign-in: not for hours, a circuit breaker opens
      LoginNeeded          a person must log in: this account or target waits, the rest goes on
      Refused              this payload will never be accepted: reject it, go on with the rest
      OutcomeUnknown       it may have arrived: look before sending again

A problem carries a code and values, no finished sentence: ``RetryLater(code="mqtt.silent",
broker="home:1883", seconds=10)``. Its ``message`` (what happened) and its ``remedy`` (what a person
does next) are in ``i18n/<language>/problems.toml`` and are looked up when they are shown, in the
reader's language. Values are JSON-compatible, are stored and shown, and never hold a secret.

Commands, and targets of other packages, may raise a problem with a text of their own,
``Refused("Too heavy.", remedy="...")``: it is shown as it is.

In the database a problem is its ``decision`` and its ``Reason`` (``core.reason``). A decision is a
word that never changes and that subclasses inherit, so a stranger's subclass of LoginNeeded is
stored, and compared later, as the LoginNeeded that it is.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from weighbridge.core.reason import Reason, Value


class ExitCode(IntEnum):
    """The exit codes; they mean the same for every command."""

    DONE = 0
    LOOK = 1  # something was rejected or is unknown
    USAGE = 2  # wrong usage, configuration or home folder
    LOG_IN = 3  # a person must log in
    LATER = 4  # not delivered yet, will be tried again


_URGENCY = (ExitCode.USAGE, ExitCode.LOG_IN, ExitCode.LOOK, ExitCode.LATER)


def most_urgent(codes: Collection[int]) -> ExitCode:
    """The most urgent exit code: what a person has to do comes before what is tried again."""
    return next((code for code in _URGENCY if code in codes), ExitCode.DONE)


class Problem(Exception):
    """Something went wrong and the class says what follows from it.

    Give it a ``code`` and the values of its texts, or else a finished ``message`` and ``remedy``.
    """

    decision: ClassVar[str] = "problem"
    exit_code: ClassVar[ExitCode] = ExitCode.LOOK

    def __init__(
        self, message: str = "", /, *, code: str = "", remedy: str = "", **values: Value
    ) -> None:
        super().__init__(message or code)
        self.code = code
        own = {"message": message, **({"remedy": remedy} if remedy else {})}
        self.values: dict[str, Any] = values if code else own

    @classmethod
    def of(cls, why: Reason) -> Self:
        """A problem of this class for a reason that was stored."""
        problem = cls()
        problem.code, problem.values = why.code, dict(why.values)
        return problem

    @property
    def reason(self) -> Reason:
        """The code and the values: what is stored."""
        from weighbridge.core.reason import PLAIN, reason

        return reason(self.code or PLAIN, **self.values)

    @property
    def message(self) -> str:
        """What happened, in English."""
        return self.reason.message()

    @property
    def remedy(self) -> str:
        """What a person does next, in English; empty where there is nothing to do."""
        return self.reason.remedy()

    def __str__(self) -> str:
        return self.reason.sentences()


class ConfigProblem(Problem):
    """A person must change the configuration or the command line."""

    decision = "configuration"
    exit_code = ExitCode.USAGE


class StateProblem(Problem):
    """The home folder or its database cannot be used as it is."""

    decision = "home"
    exit_code = ExitCode.USAGE


class RetryLater(Problem):
    """A temporary failure. ``after``: seconds to wait, set by the other side; None: our choice."""

    decision = "later"
    exit_code = ExitCode.LATER

    def __init__(
        self,
        message: str = "",
        /,
        *,
        code: str = "",
        remedy: str = "",
        after: float | None = None,
        **values: Value,
    ) -> None:
        super().__init__(message, code=code, remedy=remedy, **values)
        self.after = after


class SignInBlocked(RetryLater):
    """A service blocks sign-ins, as too many or as automated: do not sign in for hours."""

    decision = "sign_in_blocked"


class LoginNeeded(Problem):
    """No usable login, and only a person can make a new one."""

    decision = "login"
    exit_code = ExitCode.LOG_IN


class Refused(Problem):
    """The other side understood the payload and will never take it."""

    decision = "refused"


class OutcomeUnknown(Problem):
    """The request left, the answer did not come back: it may have been carried out."""

    decision = "unknown"


_MOST_DOUBLINGS = 30


def backoff(failures: int, first: float, longest: float) -> float:
    """Seconds to wait: ``first`` after one failure, twice as long after each more."""
    return float(min(first * 2.0 ** min(max(failures - 1, 0), _MOST_DOUBLINGS), longest))
