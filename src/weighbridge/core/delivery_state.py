"""The states of a delivery, and the changes that planning makes to the ledger."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from weighbridge.core.reason import Reason


class State(StrEnum):
    """The state of a delivery (docs/reference/states-and-exit-codes.md#states-of-a-delivery)."""

    PLANNED = "planned"
    SENDING = "sending"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    HELD = "held"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"


class Known(msgspec.Struct, frozen=True):
    """The newest ledger row of a record."""

    id: int
    kind: str
    ordinal: int
    revision: str
    state: State
    settles_at: float


class Add(msgspec.Struct, frozen=True):
    """A delivery to write down."""

    kind: str
    reading_id: str
    taken_at: int
    ordinal: int
    revision: str
    state: State
    settles_at: float
    answer: Reason | None


class Change(msgspec.Struct, frozen=True):
    """A row that leaves one waiting state for another."""

    id: int
    was: State
    state: State
    settles_at: float
    answer: Reason | None


class Older(msgspec.Struct, frozen=True):
    """A reading from before the route's first day: not owed, but counted."""

    reading_id: str


Step = Add | Change | Older


class Transition(msgspec.Struct, frozen=True):
    """What became of a delivery: it leaves the state ``was``, unless it is in another by now."""

    id: int
    was: State
    state: State
    answer: Reason | None = None
    """What is said about it, for a person."""
    reference: str | None = None
    """Its name at the target; None leaves the one that is known."""
    look_until: float | None = None
    """It is looked for at the target until then, in epoch seconds."""
    not_before: float = 0.0
    """It is not tried again before, in epoch seconds."""
