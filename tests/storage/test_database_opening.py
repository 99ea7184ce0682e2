"""The file in the home folder: private, there again after closing, and of the right version."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from fixtures.database import pauses, posix, set_pause
from weighbridge.core.errors import StateProblem
from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import FILE_NAME, SCHEMA_VERSION, SqliteDatabase, migrations

# The file


@posix
def test_the_file_is_private_and_so_is_its_folder(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        with SqliteDatabase(tmp_path / "new" / "home") as database:
            set_pause(database, "a")
            modes = [stat.S_IMODE(p.stat().st_mode) for p in database.home.iterdir()]
            assert set(modes) == {0o600}
            assert len(modes) == 3, "the write-ahead log and its index are there as well"
        assert stat.S_IMODE((tmp_path / "new" / "home").stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_what_was_committed_is_there_after_opening_again(home: Path) -> None:
    with SqliteDatabase(home) as database:
        set_pause(database, "a")
    with SqliteDatabase(home) as database:
        assert pauses(database) == {"a"}


def test_commits_survive_a_power_cut(database: Database) -> None:
    assert database._connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert database._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert database._connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_closing_twice_is_harmless(database: Database) -> None:
    database.close()
    database.close()


# Schema


def test_the_schema_is_as_new_as_its_files() -> None:
    numbers = [number for number, _ in migrations(after=0)]
    assert numbers == list(range(1, SCHEMA_VERSION + 1))


def test_opening_again_applies_nothing(database: Database, home: Path) -> None:
    set_pause(database, "a")
    for _ in range(2):
        with SqliteDatabase(home) as again:
            assert again._version() == SCHEMA_VERSION
            assert pauses(again) == {"a"}


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(home: Path) -> None:
    with SqliteDatabase(home) as database:
        set_pause(database, "a")
        database._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = (home / FILE_NAME).read_bytes()
    with pytest.raises(StateProblem, match="newer Weighbridge") as caught:
        SqliteDatabase(home)
    assert "newer version" in caught.value.remedy
    assert (home / FILE_NAME).read_bytes() == before


def test_a_database_from_before_the_first_release_says_what_to_do(home: Path) -> None:
    home.mkdir()
    before = sqlite3.connect(home / FILE_NAME)
    before.executescript("CREATE TABLE measure_group (what TEXT); PRAGMA user_version = 1")
    before.close()
    with pytest.raises(StateProblem, match="before the first release") as caught:
        SqliteDatabase(home)
    assert caught.value.remedy.endswith("weighbridge init")


def test_a_migration_that_fails_leaves_the_file_as_it_was(home: Path) -> None:
    home.mkdir()
    stranger = sqlite3.connect(home / FILE_NAME)
    stranger.execute("CREATE TABLE delivery (what TEXT)")
    stranger.close()
    with pytest.raises(StateProblem):
        SqliteDatabase(home)
    stranger = sqlite3.connect(home / FILE_NAME)
    names = [row[0] for row in stranger.execute("SELECT name FROM sqlite_master")]
    stranger.close()
    assert names == ["delivery"]


OPEN = """
import sys
from pathlib import Path
from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase

print("ready", flush=True)
sys.stdin.readline()
with SqliteDatabase(Path(sys.argv[1])) as database:
    database.run("set_service_pause", name=sys.argv[2], until=1, steps=0, reason="")
"""


def test_many_processes_may_open_a_new_home_at_once(home: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started: list[Any] = [
        subprocess.Popen([sys.executable, "-c", OPEN, str(home), str(n)], text=True, **pipes)  # type: ignore[call-overload]
        for n in range(4)
    ]
    for one in started:
        one.stdout.readline()
    for one in started:
        one.stdin.write("go\n")
        one.stdin.flush()
    errors = [one.communicate(timeout=60)[1] for one in started]
    assert errors == [""] * 4
    with SqliteDatabase(home) as database:
        assert pauses(database) == {"0", "1", "2", "3"}


def test_a_new_file_that_somebody_writes_is_waited_for(home: Path) -> None:
    home.mkdir()
    writer = sqlite3.connect(home / FILE_NAME, check_same_thread=False, isolation_level=None)
    writer.executescript("CREATE TABLE something (what); BEGIN IMMEDIATE;")
    end = threading.Timer(0.1, lambda: writer.execute("ROLLBACK"))
    end.start()
    try:
        with SqliteDatabase(home) as database:
            set_pause(database, "a")
    finally:
        end.join()
        writer.close()
