"""How a delivery is said to people: its state, what was said about it, what happens next.

The words are in ``catalogue/<language>/deliveries.toml``; what a target itself said is passed on as
it is, in English.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.storage.database import Row
from weighbridge.storage.decisions import ANSWERS, Decision
from weighbridge.sync.engine import ALREADY_THERE, INTERRUPTED
from weighbridge.sync.latest_only import NEWER_CAME, TOO_OLD
from weighbridge.sync.planner import DOUBTFUL, GONE, NEWER, PASSED_OVER, RELEASED, WITHDRAWN
from weighbridge.sync.reconcile import NEVER_SHOWN, SEEN, SENT_AGAIN
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

_OURS = {
    DOUBTFUL: "doubtful",
    RELEASED: "released",
    NEWER: "newer",
    WITHDRAWN: "withdrawn",
    PASSED_OVER: "passed_over",
    GONE: "gone",
    ALREADY_THERE: "already_there",
    INTERRUPTED: "interrupted",
    SEEN: "seen",
    NEVER_SHOWN: "never_shown",
    SENT_AGAIN: "sent_again",
    NEWER_CAME: "newer_came",
    TOO_OLD: "too_old",
    ANSWERS[Decision.RETRY]: "retry",
    ANSWERS[Decision.SKIP]: "skip",
    ANSWERS[Decision.ACCEPT]: "accept",
}
"""What the ledger itself writes, and the end of its key ``deliveries.said_<...>``."""


class Said(msgspec.Struct, frozen=True):
    """What stands in the ledger beside a state: words of ours, or what the target answered."""

    key: str = ""
    text: str = ""
    """In English."""


def tone_of(row: Row) -> Tone:
    """A class of the style sheet."""
    return _TONES.get(State(row["state"]), "")


def since_of(row: Row) -> float | None:
    """Since when it is in its state, in epoch seconds; None: that was not written down."""
    state = State(row["state"])
    is_accepted = state is State.DELIVERED and row["answer"] == ANSWERS[Decision.ACCEPT]
    if is_accepted or state is State.SUPERSEDED:
        return None
    if state in _WAITING:
        waits_since: float = row["planned_at"]
        return waits_since
    # Whose end nobody saw is dated by its beginning.
    moments = [moment for moment in (row["claimed_at"], row["done_at"]) if moment is not None]
    return max(moments, default=None)


def said_of(answer: str | None, others: Collection[str]) -> Said | None:
    """None: nothing was said. An answer that names one of the others is not for this visitor."""
    if not answer:
        return None
    if answer in _OURS:
        return Said(_OURS[answer])
    return None if names_one(answer, others) else Said(text=answer)


def names_one(text: str, people: Collection[str]) -> bool:
    """Whether somebody is named in a text."""
    pattern = "|".join(re.escape(name) for name in people)
    return bool(pattern and re.search(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.IGNORECASE))
