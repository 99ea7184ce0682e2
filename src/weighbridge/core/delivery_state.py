"""Where a delivery stands. Alone here: who only asks for that loads nothing of the planning."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a delivery stands (docs/reference/states-and-exit-codes.md#states-of-a-delivery)."""

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
