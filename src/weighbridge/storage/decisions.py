"""What a person decides about deliveries: send it again, never send it, it is mine."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from weighbridge.core.delivery_state import State
from weighbridge.core.reason import reason
from weighbridge.storage.database import Database, Row


class Decision(StrEnum):
    """The verbs of ``weighbridge deliveries``."""

    RETRY = "retry"
    SKIP = "skip"
    ACCEPT = "accept"


_FROM: dict[Decision, dict[State, State]] = {
    Decision.RETRY: {
        State.REJECTED: State.PLANNED,
        State.UNKNOWN: State.PLANNED,
        State.SKIPPED: State.PLANNED,
        State.DELIVERED: State.PLANNED,
        State.CONFIRMED: State.PLANNED,
        State.BLOCKED: State.PLANNED,
    },
    Decision.SKIP: {
        State.PLANNED: State.SKIPPED,
        State.HELD: State.SKIPPED,
        State.REJECTED: State.SKIPPED,
        State.UNKNOWN: State.SKIPPED,
        State.BLOCKED: State.SKIPPED,
    },
    Decision.ACCEPT: {
        State.HELD: State.PLANNED,
        State.UNKNOWN: State.DELIVERED,
        State.REJECTED: State.DELIVERED,
    },
}
"""What each decision makes of each state. States that are missing are left alone."""

ALL_OF: dict[Decision, tuple[State, ...]] = {
    Decision.RETRY: (State.REJECTED, State.UNKNOWN),
    Decision.SKIP: (State.REJECTED, State.UNKNOWN, State.HELD),
    Decision.ACCEPT: (State.HELD,),
}
"""The states that ``--all`` means."""

ANSWERS = {decision: reason(f"delivery.{decision}") for decision in Decision}
"""What the ledger says of a delivery after a decision."""

LIMIT = 1_000_000


def allowed(state: State) -> list[Decision]:
    """What a person may decide about a delivery in a state."""
    return [decision for decision in Decision if state in _FROM[decision]]


def newest_of_reading(database: Database, person: str, taken_at: int, reading_id: str) -> list[Row]:
    """The newest delivery of a reading to each target."""
    rows = database.all(
        "deliveries_of_reading", person=person, taken_at=taken_at, reading_id=reading_id
    )
    return list({row["target"]: row for row in rows}.values())


def accepted_readings(database: Database, person: str) -> frozenset[str]:
    """The doubtful readings that a person has accepted, by their ids."""
    return frozenset(row["reading_id"] for row in database.all("acceptances", person=person))


def in_states(database: Database, routes: Iterable[int], states: Collection[State]) -> list[Row]:
    """All deliveries of some routes in some states."""
    return [
        row
        for route in routes
        for state in states
        for row in database.all("deliveries_in_state", route=route, state=state, most=LIMIT)
    ]


def decide_about(database: Database, rows: Iterable[Row], decision: Decision, now: float) -> int:
    """Carry a decision out, in one transaction; the number of deliveries that it changed."""
    changed = 0
    with database.transaction():
        for row in rows:
            then = _FROM[decision].get(State(row["state"]))
            if then is None:
                continue
            if decision is Decision.ACCEPT and row["state"] == State.HELD:
                database.run(
                    "accept_reading", person=row["person"], reading_id=row["reading_id"], now=now
                )
            changed += database.run(
                "decide",
                id=row["id"],
                was=row["state"],
                state=then,
                answer=ANSWERS[decision].to_json(),
                now=now,
            )
    return changed
