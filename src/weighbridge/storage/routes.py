"""The table ``route``: one row for each target of each person that was ever served."""

from __future__ import annotations

from collections.abc import Collection

from weighbridge.storage.database import Database, Row


def route_row(database: Database, person: str, target: str) -> Row | None:
    """The row of one route; None before it is served for the first time."""
    return database.one("route_of", person=person, target=target)


def add_route(database: Database, person: str, target: str, connected_at: float) -> None:
    """Add the row of a route, unless there is one already."""
    database.run("add_route", person=person, target=target, now=connected_at)


def all_routes(database: Database) -> list[Row]:
    """All rows, sorted by person and target."""
    return database.all("routes")


def connected_targets(database: Database, person: str) -> frozenset[str]:
    """The names of the targets of a person that have a route."""
    return frozenset(row["target"] for row in all_routes(database) if row["person"] == person)


def route_ids(
    database: Database, people: Collection[str], targets: Collection[str] = ()
) -> list[int]:
    """The ids of the routes of some people to some targets; no targets means all of them."""
    return [
        int(row["id"])
        for row in all_routes(database)
        if row["person"] in people and (not targets or row["target"] in targets)
    ]


def planned_routes(database: Database, person: str) -> list[Row]:
    """Id and target of the routes of a person for which everything was planned."""
    return database.all("planned_routes", person=person)


def forget_fingerprint(database: Database, route: int) -> None:
    """Everything is planned for this route again when it is served next."""
    database.run("keep_fingerprint", route=route, fingerprint="")
