"""Readings put straight into the archive of a person, as if they had been read and planned."""

from __future__ import annotations

from collections.abc import Iterable

from weighbridge.archive.archive import Archive, StoredGroup, account_archive, connect_account
from weighbridge.archive.database import Database
from weighbridge.archive.points import Points
from weighbridge.archive.recollection import touched_readings
from weighbridge.measures import MeasureGroup
from weighbridge.testing.builders import NOON, group_as_sent

DAY = 86_400
FOR_EVER = 2**62
GOAL = 2
"""The category of a goal."""


def fill(database: Database, person: str, groups: Iterable[MeasureGroup]) -> Archive:
    """Store and plan the groups of a person, who gets an account if there is none."""
    if account_archive(database, person) is None:
        connect_account(database, person, f"userid-of-{person}", lambda: float(NOON))
    archive = account_archive(database, person)
    assert archive is not None
    page = [(one, StoredGroup(group_as_sent(one).decode(), one.timezone)) for one in groups]
    with database.transaction():
        archive.store(page, [], float(NOON))
        Points(archive).keep(0, FOR_EVER, touched_readings(archive, 0, FOR_EVER))
        archive.forget_touched(0, FOR_EVER)
    return archive
