"""What is known of a person's Withings account, apart from its readings."""

from __future__ import annotations

import msgspec

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
