"""Deliveries for people: to look at, and to decide about (send it again, never send it, accept).

They are of several routes, newest first, a page at a time. A page begins where another one ended,
never at a number of rows to leave out: the last page costs what the first one costs, and what comes
in meanwhile moves nothing.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import Any

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.measures import END_OF_TIME
from weighbridge.core.reason import reason
from weighbridge.storage.accounts import route_row
from weighbridge.storage.database import Database, Row

ARRIVED = frozenset({State.DELIVERED, State.CONFIRMED})
SET_ASIDE = frozenset({State.SUPERSEDED, State.SKIPPED})


class RouteRef(msgspec.Struct, frozen=True, order=True):
    """Where a delivery stands among all of them."""

    taken_at: int
    reading_id: str
    route: int
    ordinal: int


END = RouteRef(END_OF_TIME, "", 0, 0)
"""Behind the newest one."""


def place_of(row: Row) -> RouteRef:
    """The place of a delivery."""
    return RouteRef(row["taken_at"], row["reading_id"], row["route"], row["ordinal"])


def deliveries_before(
    database: Database,
    routes: Collection[int],
    states: Collection[State],
    *,
    place: RouteRef = END,
    most: int,
) -> list[Row]:
    """Newest first, what stands before a place. No states: all of them."""
    ways = [
        database.each(name, route=route, most=most, **_bounds(place, route), **values)
        for route in routes
        for name, values in _statements(states)
    ]
    return list(islice(heapq.merge(*ways, key=place_of, reverse=True), most))


def _statements(states: Collection[State]) -> Iterator[tuple[str, dict[str, Any]]]:
    if not states:
        yield "deliveries_before", {}
        return
    if ARRIVED & set(states):
        yield "arrived_before", {}
    for state in states:
        if state in SET_ASIDE:
            yield "set_aside_before", {"state": state}
        elif state not in ARRIVED:
            yield "open_before", {"state": state}


def _bounds(place: RouteRef, route: int) -> dict[str, Any]:
    """The place as one route sees it: of one reading, routes with a larger number come first."""
    ordinal = place.ordinal
    if route != place.route:
        ordinal = END_OF_TIME if route < place.route else -1
    return {"taken_at": place.taken_at, "reading_id": place.reading_id, "ordinal": ordinal}


def write_place(place: RouteRef) -> str:
    """A place as it is written in an address."""
    return f"{place.taken_at}.{place.reading_id}.{place.route}.{place.ordinal}"


def read_place(written: str) -> RouteRef:
    """Raises ValueError for what is no place."""
    taken_at, reading_id, route, ordinal = written.split(".")
    numbers = [_number(one) for one in (taken_at, route, ordinal)]
    return RouteRef(numbers[0], reading_id, *numbers[1:])


def _number(written: str) -> int:
    """Within what the database can hold."""
    number = int(written) if len(written) <= 20 else END_OF_TIME + 1
    if not -END_OF_TIME <= number <= END_OF_TIME:
        raise ValueError(written)
    return number


def count_unseen(database: Database, route: int) -> int:
    """How many deliveries of a route wait to be seen at their target."""
    row = database.one("count_unseen", route=route)
    return int(row["number"]) if row else 0


def count_open(database: Database, routes: Collection[int]) -> Mapping[State, int]:
    """How many deliveries there are in each of the states that are not an end."""
    counts: Counter[State] = Counter()
    for route in routes:
        for row in database.all("count_open", route=route):
            counts[State(row["state"])] += row["number"]
    return counts


def count_held_readings(database: Database, person: str, targets: Iterable[str]) -> int:
    """How many readings wait for a decision, each counted once for all targets."""
    held: set[str] = set()
    for target in targets:
        route = route_row(database, person, target)
        if route is not None:
            rows = database.all("held_readings", route=route["id"])
            held.update(row["reading_id"] for row in rows)
    return len(held)


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
    return frozenset([row["reading_id"] for row in database.all("acceptances", person=person)])


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
