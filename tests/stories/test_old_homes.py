"""A home of each released version: the newest program opens it, loses nothing and goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.house import House, weight
from fixtures.old_homes import FIRST, HOMES, furnish, restore, versions
from weighbridge.storage.sqlite import SCHEMA_VERSION, SqliteDatabase

pytestmark = pytest.mark.story

SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"


def schema_of(home: Path) -> set[tuple[str, ...]]:
    """Tables, indexes and triggers; how their text is laid out does not matter."""
    with SqliteDatabase(home) as database:
        rows = database._connection.execute(SCHEMA).fetchall()
    return {(*tuple(row)[:3], " ".join(row["sql"].split())) for row in rows}


@pytest.mark.parametrize("version", versions())
def test_it_is_opened_and_synced_on(house: House, version: str) -> None:
    furnish(house)
    house.write_configuration()
    restore(version, house.home)
    before = house.database("SELECT reading_id, state FROM delivery ORDER BY 1")
    assert len(before) == 6
    house.log_in("anna")

    house.sync()
    assert not (house.home / "anna.json").exists(), "everything was delivered in the old version"
    assert house.database("SELECT reading_id, state FROM delivery ORDER BY 1") == before

    house.admin.add_groups("anna", [weight(20, FIRST + 86_400 * 9, "69.5")])
    house.sync()
    [line] = [json.loads(text) for text in house.file_lines("anna.json")]
    assert line["weight_kg"] == 69.5
    assert house.database("SELECT count(*) FROM delivery") == [(7,)]
    assert house.database("SELECT count(*) FROM raw_group") == [(7,)]


@pytest.mark.parametrize("version", versions())
def test_its_database_becomes_what_a_new_one_is(tmp_path: Path, version: str) -> None:
    """The schema that is made at once equals the old one with all later migrations."""
    (tmp_path / "old").mkdir()
    restore(version, tmp_path / "old")
    assert schema_of(tmp_path / "old") == schema_of(tmp_path / "new")


def test_there_is_a_home_of_every_schema_that_was_released() -> None:
    kept = {
        (HOMES / version / "weighbridge.sql").read_text("utf-8").split(";")[0]
        for version in versions()
    }
    assert kept == {f"PRAGMA user_version = {n}" for n in range(1, SCHEMA_VERSION + 1)}
