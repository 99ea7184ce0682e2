"""What TrainerRoad's answers mean: a status becomes a decision. Pure.

Source: docs/reference/trainerroad.md#failures. Where it leaves a choice:

    401, 3xx to the login page   LoginNeeded
    403, 408, 429, 5xx           RetryLater: turned away, or out of order
    PUT 400, 409, 413, 415, 422  Refused: the rest of the profile was its own, so it is the weight
    PUT 5xx                      OutcomeUnknown: whoever wrote reads again
    everything else              the interface changed: report it and leave it alone for hours
"""

from __future__ import annotations

from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.targets.trainerroad.trainerroad_http import AGAIN, Answer

PAUSE_SECONDS = 900.0
"""How long to leave TrainerRoad alone when it turns us away and does not say."""

CHANGED_PAUSE_SECONDS = 6 * 3600.0
"""An interface that changed does not change back within minutes."""

UPDATE = "Nothing was written. Look for a newer Weighbridge: pip install --upgrade weighbridge"

_TURNED_AWAY = frozenset({403, 408, 429, 503})
_REFUSING = frozenset({400, 409, 413, 415, 422})


def changed(message: str) -> RetryLater:
    """TrainerRoad is not as we know it: stop and say so (docs/reference/trainerroad.md#changes)."""
    return RetryLater(message, remedy=UPDATE, after=CHANGED_PAUSE_SECONDS)


def trouble_of_read(answer: Answer, what: str, remedy: str) -> Problem:
    """The decision after a read without the expected answer. ``remedy`` is the way to log in."""
    status = answer.status
    if status == 401 or is_login_page(answer):
        return LoginNeeded("TrainerRoad does not accept the session any more.", remedy=remedy)
    if status in _TURNED_AWAY:
        after = PAUSE_SECONDS if answer.retry_after is None else answer.retry_after
        return RetryLater(
            f"TrainerRoad turned {what} away (status {status}).", remedy=AGAIN, after=after
        )
    if status >= 500:
        return RetryLater(f"TrainerRoad is out of order (status {status}).", remedy=AGAIN)
    return changed(f"TrainerRoad has changed: {what} gets another answer (status {status}).")


def trouble_of_write(answer: Answer, remedy: str) -> Problem | None:
    """The decision after a PUT; None when it was accepted."""
    status = answer.status
    if status in {200, 204}:
        return None
    if status in _REFUSING:
        return Refused(
            f"TrainerRoad refused the weight (status {status}).",
            remedy="See the reading with: weighbridge why READING",
        )
    if status >= 500 and status not in _TURNED_AWAY:
        return OutcomeUnknown(
            f"TrainerRoad's answer (status {status}) does not say whether it took the weight.",
            remedy="Nothing to do: it is read before anything is sent again.",
        )
    return trouble_of_read(answer, "the profile", remedy)


def is_login_page(answer: Answer) -> bool:
    """Whether the answer leads to the sign-in page."""
    return 300 <= answer.status < 400 and "/login" in answer.location.lower()
