"""How work that was begun on a page ends when it does not end well: which page, which status.

The class of the problem decides, never its text.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater, SignInBlocked
from weighbridge.storage.logins import TakenAccount
from weighbridge.sync.target_login import StillBlocked
from weighbridge.targets.base import WrongCode, WrongPassword, WrongTicket
from weighbridge.web.auth import retry_after
from weighbridge.web.tasks import InputTimeout, TaskRunning


class Trouble(msgspec.Struct, frozen=True):
    """What a page says. Its texts stand under ``connections.<reason>_title`` and ``_next``."""

    reason: str
    status: int
    said: Problem | None = None
    """What the problem itself says. It may name others: for the admin alone."""
    owner: str = ""
    """Whose account it is; for the admin alone."""
    headers: Mapping[str, str] = {}


_REASONS: tuple[tuple[type[Problem], str, int], ...] = (
    (InputTimeout, "late", 410),
    (TaskRunning, "busy", 503),
    (WrongPassword, "wrong_password", 403),
    (WrongCode, "wrong_code", 403),
    (WrongTicket, "wrong_ticket", 403),
    (TakenAccount, "taken", 409),
    (StillBlocked, "blocked", 429),
    (SignInBlocked, "blocked", 429),
    (RetryLater, "no_answer", 503),
    (LoginNeeded, "not_let_in", 403),
    (ConfigProblem, "misfit", 409),
    (Problem, "accident", 500),
)
"""The first that fits counts."""

_SPEAKS_FOR_ITSELF = frozenset({"not_let_in", "misfit", "accident"})

MISSING = Trouble("missing", 400)
NOT_UNDER_WAY = Trouble("late", 410)


def trouble_of(problem: Problem) -> Trouble:
    """What to say about a problem."""
    reason, status = next(
        (name, code) for kind, name, code in _REASONS if isinstance(problem, kind)
    )
    return Trouble(
        reason,
        status,
        said=problem if reason in _SPEAKS_FOR_ITSELF else None,
        owner=problem.owner if isinstance(problem, TakenAccount) else "",
        headers=retry_after(problem) if isinstance(problem, RetryLater) else {},
    )
