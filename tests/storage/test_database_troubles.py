"""A file that cannot be used is a clear error, and nothing is lost by it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.database import set_pause, store
from weighbridge.core.errors import Problem, StateProblem
from weighbridge.storage import sqlite as module
from weighbridge.storage.archive import Archive, connect_account
from weighbridge.storage.database import Database, prove_writable
from weighbridge.storage.sqlite import FILE_NAME, SqliteDatabase
from weighbridge.testing.builders import NOON


def store_many(archive: Archive, numbers: Iterable[int], done: list[int] | None = None) -> None:
    for number in numbers:
        store(archive, number, "x" * 2000)
        if done is not None:
            done.append(number)


def number_of_groups(database: Database) -> int:
    found = database._connection.execute("SELECT count(*) FROM raw_group").fetchone()
    return int(found[0])


def is_sound(home: Path) -> bool:
    connection = sqlite3.connect(home / FILE_NAME)
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")
    finally:
        connection.close()


def _problem_of_opening(home: Path) -> StateProblem:
    with pytest.raises(StateProblem) as caught:
        SqliteDatabase(home).close()
    assert caught.value.remedy
    assert str(home) in caught.value.message
    return caught.value


def test_a_file_in_the_place_of_the_folder_is_a_clear_error(home: Path) -> None:
    home.write_text("not a folder")
    _problem_of_opening(home)
    with pytest.raises(StateProblem):
        prove_writable(home)


def test_a_folder_in_the_place_of_the_file_is_a_clear_error(home: Path) -> None:
    (home / FILE_NAME).mkdir(parents=True)
    _problem_of_opening(home)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(home: Path) -> None:
    home.mkdir()
    content = b"dear diary, today I weighed 80 kg. " * 200
    (home / FILE_NAME).write_bytes(content)
    assert "not a Weighbridge database" in _problem_of_opening(home).message
    assert (home / FILE_NAME).read_bytes() == content


def test_a_damaged_database_is_a_clear_error(home: Path) -> None:
    with SqliteDatabase(home) as database:
        archive = connect_account(database, "anna", "4711", lambda: NOON)
        for number in range(200):
            store(archive, number, "x" * 500)
    path = home / FILE_NAME
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)

    def read() -> None:
        with SqliteDatabase(home) as damaged:
            number_of_groups_named(damaged)

    with pytest.raises(StateProblem, match="damaged") as caught:
        read()
    assert "Withings keeps the history" in caught.value.remedy


def number_of_groups_named(database: Database) -> int:
    return len(database.all("ids_between", account=1, start=0, end=2**62))


def test_a_full_disk_is_a_clear_error_and_loses_nothing(database: Database, home: Path) -> None:
    archive = connect_account(database, "anna", "4711", lambda: NOON)
    store(archive, 1)
    database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = database._connection.execute("PRAGMA page_count").fetchone()[0]
    database._connection.execute(f"PRAGMA max_page_count = {pages + 10}")
    with pytest.raises(StateProblem, match="disk is full") as caught:
        store_many(archive, range(2, 500))
    assert "Make room" in caught.value.remedy
    kept = number_of_groups(database)
    assert 1 <= kept < 499
    assert len(archive.next_touched(-1, 10)) == 1
    database._connection.execute(f"PRAGMA max_page_count = {pages + 10_000}")
    store_many(archive, range(2, 500))
    assert number_of_groups(database) == 499
    assert is_sound(home)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of one megabyte, for those who may mount one."""
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1m", "weighbridge-test", folder],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("this system mounts no small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_disk_that_fills_up_is_a_clear_error_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        done: list[int] = []
        with SqliteDatabase(disk) as database:
            archive = connect_account(database, "anna", "4711", lambda: NOON)
            with pytest.raises(StateProblem) as caught:
                store_many(archive, range(1, 2000), done)
        assert "full" in caught.value.message or "disk" in caught.value.message
        assert caught.value.remedy
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        with SqliteDatabase(disk) as database:
            assert number_of_groups(database) == len(done)
            archive = connect_account(database, "anna", "4711", lambda: NOON)
            store(archive, len(done) + 1)
        assert is_sound(disk)


def test_no_room_for_a_new_home_is_a_clear_error(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        with suppress_full(), (disk / "ballast").open("wb") as ballast:
            ballast.write(b"x" * 2**21)
        _problem_of_opening(disk / "home")
        with pytest.raises(StateProblem, match="cannot be written"):
            prove_writable(disk / "home")


@contextmanager
def suppress_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        assert error.strerror  # noqa: PT017  the disk is full now, as it should be


def test_a_connection_that_may_only_read_says_so(database: Database) -> None:
    database._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StateProblem, match="read-only") as caught:
        set_pause(database, "a")
    assert "write permission" in caught.value.remedy


def test_proving_that_a_folder_is_writable_leaves_nothing_there(home: Path) -> None:
    prove_writable(home)
    assert list(home.iterdir()) == []


def test_every_problem_of_the_file_is_one_that_the_road_knows() -> None:
    for code in module._STATE_PROBLEMS:
        error = sqlite3.OperationalError("secret details")
        error.sqlite_errorcode = code | (3 << 8)
        problem: Problem = module._problem(Path("x.db"), error)
        assert isinstance(problem, StateProblem)
        assert problem.remedy
