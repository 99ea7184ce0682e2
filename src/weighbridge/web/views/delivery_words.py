"""How a delivery is shown to people: its tone, since when, and why it is in its state."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from weighbridge.core.delivery_state import State
from weighbridge.core.reason import Reason, read_reason
from weighbridge.storage.database import Row
from weighbridge.storage.decisions import ANSWERS, Decision
from weighbridge.web.views.plain_status import Tone

_TONES: Mapping[State, Tone] = {
    State.DELIVERED: "good",
    State.CONFIRMED: "good",
    State.REJECTED: "bad-news",
    State.UNKNOWN: "bad-news",
    State.BLOCKED: "bad-news",
    State.SUPERSEDED: "soft",
    State.SKIPPED: "soft",
}

_WAITING = frozenset({State.PLANNED, State.HELD, State.BLOCKED})


def tone_of(row: Row) -> Tone:
    """A class of the style sheet."""
    return _TONES.get(State(row["state"]), "")


def since_of(row: Row) -> float | None:
    """Since when it is in its state, in epoch seconds; None: that was not written down."""
    state = State(row["state"])
    is_accepted = (
        state is State.DELIVERED and read_reason(row["answer"]) == ANSWERS[Decision.ACCEPT]
    )
    if is_accepted or state is State.SUPERSEDED:
        return None
    if state in _WAITING:
        waits_since: float = row["planned_at"]
        return waits_since
    # Whose end nobody saw is dated by its beginning.
    moments = [moment for moment in (row["claimed_at"], row["done_at"]) if moment is not None]
    return max(moments, default=None)


def said_of(answer: str | None, others: Collection[str]) -> Reason | None:
    """Why a delivery is in its state; None: nothing is known.

    A reason that names one of the others is not for this visitor.
    """
    why = read_reason(answer)
    return None if why is None or names_one(why.sentences(), others) else why


def names_one(text: str, people: Collection[str]) -> bool:
    """Whether somebody is named in a text."""
    pattern = "|".join(re.escape(name) for name in people)
    return bool(pattern and re.search(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.IGNORECASE))
