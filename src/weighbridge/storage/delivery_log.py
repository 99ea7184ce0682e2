"""Deliveries for people to look at: of several routes, newest first, a page at a time.

A page begins where another one ended, never at a number of rows to leave out: the last page costs
what the first one costs, and what comes in meanwhile moves nothing.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.measures import END_OF_TIME
from weighbridge.storage.database import Database, Row
from weighbridge.storage.routes import route_row

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
    """A place as it stands in an address."""
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
