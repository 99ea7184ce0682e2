"""What TrainerRoad's answers mean: a status becomes a decision. Pure.

Source: docs/reference/trainerroad.md#failures. Where it leaves a choice:

    401, 3xx to the login page   LoginNeeded
    403, 408, 429, 5xx           RetryLater: turned away, or out of order
    PUT 400, 409, 413, 415, 422  Refused: the rest of the profile was its own, so it is the weight
    PUT 5xx                      OutcomeUnknown: the writer reads again
    everything else              the interface changed: report it and leave it alone for hours
"""

from __future__ import annotations

from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.core.reason import Reason, reason
from weighbridge.targets.trainerroad.trainerroad_http import TrainerRoadAnswer

PAUSE_SECONDS = 900.0
"""How long to leave TrainerRoad alone when it turns us away and does not say."""

CHANGED_PAUSE_SECONDS = 6 * 3600.0
"""An interface that changed does not change back within minutes."""

_TURNED_AWAY = frozenset({403, 408, 429, 503})
_REFUSING = frozenset({400, 409, 413, 415, 422})


def changed(how: str, *, what: Reason | None = None, status: int = 0) -> RetryLater:
    """TrainerRoad is not as we know it: stop and say so (docs/reference/trainerroad.md#changes)."""
    return RetryLater(
        code=f"trainerroad.{how}", after=CHANGED_PAUSE_SECONDS, what=what, status=status
    )


def trouble_of_read(answer: TrainerRoadAnswer, what: str, login: str) -> Problem:
    """The decision after a read without the expected answer. ``login``: the command for it."""
    status, named = answer.status, reason(f"trainerroad.{what}")
    if status == 401 or is_login_page(answer):
        return LoginNeeded(code="trainerroad.session_refused", login=login)
    if status in _TURNED_AWAY:
        after = PAUSE_SECONDS if answer.retry_after is None else answer.retry_after
        return RetryLater(code="trainerroad.turned_away", after=after, what=named, status=status)
    if status >= 500:
        return RetryLater(code="trainerroad.out_of_order", status=status)
    return changed("other_answer", what=named, status=status)


def trouble_of_write(answer: TrainerRoadAnswer, login: str) -> Problem | None:
    """The decision after a PUT; None when it was accepted."""
    status = answer.status
    if status in {200, 204}:
        return None
    if status in _REFUSING:
        return Refused(code="trainerroad.refused", status=status)
    if status >= 500 and status not in _TURNED_AWAY:
        return OutcomeUnknown(code="trainerroad.doubtful", status=status)
    return trouble_of_read(answer, "profile", login)


def is_login_page(answer: TrainerRoadAnswer) -> bool:
    """Whether the answer leads to the sign-in page."""
    return 300 <= answer.status < 400 and "/login" in answer.location.lower()
