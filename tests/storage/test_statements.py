"""The statements: one file for each table, each name once, each understood by the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.paths import ROOT
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.storage.statements import ROWS_AT_ONCE, all_statements, positional, statement

SOURCE = ROOT / "src" / "weighbridge"
QUERIES = SOURCE / "storage" / "queries"

ONLY_SQLITE = {
    "max() or min() of several values": r"\b(?:max|min)\((?:[^()]|\([^()]*\))*,",
    "NOT before a number": r"\bNOT (?!NULL|EXISTS|IN\b|NOTHING)[a-z_.]+",
    "a plus sign before text": r"\+[a-z]+\.(?:reading_id|state|raw|person)",
    "a function of its own": r"\b(?:julianday|unixepoch|strftime|ifnull|rowid|datetime)\b",
    "OR IGNORE and its like": r"\bINSERT OR\b|\bREPLACE INTO\b",
}


def _used() -> Iterator[str]:
    for file in SOURCE.rglob("*.py"):
        yield from re.findall(r'"([a-z_]+)"', file.read_text("utf-8"))


@pytest.mark.parametrize("name", all_statements())
def test_every_statement_is_understood_by_a_new_database(name: str, tmp_path: Path) -> None:
    sql = statement(name)
    values = dict.fromkeys(re.findall(r":([a-z_]+)", sql), 0)
    with SqliteDatabase(tmp_path / "home") as database:
        database._connection.execute(f"EXPLAIN {sql}", values)


@pytest.mark.parametrize("name", all_statements())
def test_every_statement_takes_its_values_by_position_as_well(name: str, tmp_path: Path) -> None:
    values = dict.fromkeys(re.findall(r":([a-z_]+)", statement(name)), 0)
    if not values:
        return
    plain = positional(name)
    with SqliteDatabase(tmp_path / "home") as database:
        database._connection.execute(f"EXPLAIN {plain.one}", plain.pick(values))
        if plain.many:
            many = plain.pick(values) * ROWS_AT_ONCE
            database._connection.execute(f"EXPLAIN {plain.many}", many)


@pytest.mark.parametrize("number", [0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 3])
def test_as_many_rows_as_were_given_are_stored_and_counted(number: int, tmp_path: Path) -> None:
    rows = [{"person": "anna", "reading_id": f"r{one}", "now": one} for one in range(number)]
    with SqliteDatabase(tmp_path / "home") as database:
        assert database.run_many("accept_reading", rows) == number
        assert database.run_many("accept_reading", rows) == 0, "they stand there already"
        found = database._connection.execute("SELECT * FROM acceptance").fetchall()
    assert {tuple(row) for row in found} == {("anna", f"r{one}", one) for one in range(number)}


@pytest.mark.parametrize("what", ONLY_SQLITE)
def test_no_statement_needs_what_only_sqlite_understands(what: str) -> None:
    assert [
        name for name, sql in all_statements().items() if re.search(ONLY_SQLITE[what], sql)
    ] == []


def test_every_statement_is_used() -> None:
    assert all_statements().keys() - set(_used()) == set()


def test_no_statement_is_named_outside_of_storage() -> None:
    asked = re.compile(r"\.(?:run|run_many|one|all|each)\(\s*\"[a-z_]+\"")
    others = (file for file in SOURCE.rglob("*.py") if file.parent != SOURCE / "storage")
    assert [file.name for file in others if asked.search(file.read_text("utf-8"))] == []


def test_one_module_knows_which_database_it_is() -> None:
    own = {"sqlite.py", "database.py"}
    named = re.compile(r"\bsqlite3\b|\bSqliteDatabase\b|storage\.sqlite\b")
    files = (file for file in SOURCE.rglob("*.py") if named.search(file.read_text("utf-8")))
    assert {file.name for file in files} == own


def test_the_file_of_a_statement_is_that_of_a_table_in_it() -> None:
    for file in QUERIES.glob("*.sql"):
        for block in ("\n" + file.read_text("utf-8")).split("\n-- name: ")[1:]:
            assert re.search(rf"\b{file.stem}\b", block.partition("\n")[2]), (file.stem, block)


def test_a_name_that_is_not_there_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        statement("no_such_statement")


@pytest.mark.parametrize(
    "name", ["touched_groups", "latest_at_touched", "groups_at", "groups_between"]
)
def test_what_belongs_to_some_instants_is_found_instant_by_instant(
    name: str, tmp_path: Path
) -> None:
    """A huge archive costs no more than a small one."""
    sql = statement(name)
    values = dict.fromkeys(re.findall(r":([a-z_]+)", sql), 0)
    with SqliteDatabase(tmp_path / "home") as database:
        steps = [
            tuple(row)[3]
            for row in database._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        ]
    assert any(re.search(r"taken_at(=|>)\?", step) for step in steps)
