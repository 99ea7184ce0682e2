"""What is known of a person beside readings and deliveries: the account at the source, with its
goal and its battery, and the routes to targets.

Withings tells the goal for the weight when it is asked (``getgoals``), and keeps older ones among
the measure groups, in category 2. A route has a row once it was served.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from weighbridge.core.measures import Measurement, MeasureType
from weighbridge.storage.database import Database, Row


class AccountState(msgspec.Struct, frozen=True):
    """When an account was read. Instants are seconds since 1970."""

    account: int
    connected_at: float
    checked_at: float | None
    """When Withings last answered."""
    trouble_at: float | None
    """Since when it has not been readable; None: nothing is wrong."""


def account_state(database: Database, person: str) -> AccountState | None:
    """None: the person was never connected to Withings."""
    row = account_row(database, person)
    if row is None:
        return None
    return AccountState(row["id"], row["connected_at"], row["checked_at"], row["trouble_at"])


def account_row(database: Database, person: str) -> Row | None:
    """The row of a person's account; None: the person was never connected."""
    return database.one("account_of", person=person)


def count_odd_groups(database: Database, account: int) -> int:
    """How many groups of an account could not be understood so far."""
    row = database.one("count_odd_groups", account=account)
    return int(row["number"]) if row else 0


class Battery(msgspec.Struct, frozen=True):
    """The lowest battery of the devices of an account."""

    level: str | None = None
    """``low``, ``medium`` or ``high``; None: Withings never said."""
    asked_at: float | None = None


def battery_of(database: Database, account: int) -> Battery:
    """What Withings last said of it."""
    row = database.one("battery_of", account=account)
    return Battery(row["battery"], row["battery_at"]) if row else Battery()


def keep_battery(database: Database, account: int, level: str | None, now: float) -> None:
    """What Withings says of it now."""
    database.run("keep_battery", account=account, battery=level, now=now)


def stored_goal_groups(database: Database, account: int) -> list[Row]:
    """The raw text and the zone of the groups that are goals, oldest first."""
    return database.all("goal_groups", account=account)


def told_weight_goal(database: Database, account: int) -> Measurement | None:
    """The goal that Withings told when it was last asked; None: there is none."""
    told = database.one("weight_goal_of", account=account)
    if told is None or told["mantissa"] is None:
        return None
    return Measurement(int(MeasureType.WEIGHT), told["mantissa"], told["exponent"])


def goal_asked_at(database: Database, account: int) -> float | None:
    """When Withings last told the goal, or that there is none."""
    row = database.one("weight_goal_of", account=account)
    return None if row is None else float(row["asked_at"])


def keep_weight_goal(
    database: Database, account: int, goal: Measurement | None, now: float
) -> None:
    """What Withings said just now; None: there is no goal."""
    database.run(
        "keep_weight_goal",
        account=account,
        mantissa=goal and goal.mantissa,
        exponent=goal and goal.exponent,
        now=now,
    )


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
