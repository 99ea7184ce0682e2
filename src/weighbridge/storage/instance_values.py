"""What we made ourselves and must stay the same: for instance the name of this installation."""

from __future__ import annotations

import time
from collections.abc import Callable

from weighbridge.storage.database import Database


def get_or_create(
    database: Database,
    name: str,
    make: Callable[[], str],
    clock: Callable[[], float] = time.time,
) -> str:
    """The value under ``name``, made once and then always the same.

    When several processes are first at once, one of them makes it and all of them get it.
    """
    known = _read(database, name)
    if known is not None:
        return known
    with database.transaction():  # it begins with the lock, so nobody comes in between
        known = _read(database, name)
        if known is None:
            known = make()
            database.run("add_instance_value", name=name, value=known, now=clock())
        return known


def _read(database: Database, name: str) -> str | None:
    row = database.one("instance_value", name=name)
    return str(row["value"]) if row else None
