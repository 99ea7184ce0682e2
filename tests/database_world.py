"""Words for the tests of the file in the home folder."""

from __future__ import annotations

import os

import pytest

from weighbridge.archive.archive import Archive, StoredGroup
from weighbridge.archive.database import Database
from weighbridge.testing.builders import NOON, group

posix = pytest.mark.skipif(os.name == "nt", reason="rights are not bits there")


def brakes(database: Database) -> set[str]:
    return {row["name"] for row in database._connection.execute("SELECT name FROM brake")}


def set_brake(database: Database, name: str) -> None:
    database.run("set_brake", name=name, until=NOON, steps=0, reason="")


def store(archive: Archive, number: int, text: str = "{}") -> None:
    with archive.database.transaction():
        archive.store([(group({}, group_id=number), StoredGroup(text, None))], [], NOON)
