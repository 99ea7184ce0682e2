"""Where a delivery stands. Alone here: who only asks for that loads nothing of the planning."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a delivery stands (design, section 4)."""

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
