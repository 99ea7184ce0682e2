"""The file in the home folder: private, all or nothing, and clear when it cannot be used."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from weighbridge.archive import database as module
from weighbridge.archive.archive import Archive, StoredGroup, connect_account
from weighbridge.archive.database import (
    FILE_NAME,
    SCHEMA_VERSION,
    Database,
    prove_writable,
)
from weighbridge.archive.migrations import migration_steps
from weighbridge.errors import Problem, RetryLater, StateProblem
from weighbridge.testing.builders import NOON, group

posix = pytest.mark.skipif(os.name == "nt", reason="rights are not bits there")
NOBODY = 65_534


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    with Database(home) as opened:
        yield opened


def brakes(database: Database) -> set[str]:
    return {row["name"] for row in database._connection.execute("SELECT name FROM brake")}


def set_brake(database: Database, name: str) -> None:
    database.run("set_brake", name=name, until=NOON, steps=0, reason="")


def store(archive: Archive, number: int, text: str = "{}") -> None:
    with archive.database.transaction():
        archive.store([(group({}, group_id=number), StoredGroup(text, None))], [], NOON)


def store_many(archive: Archive, numbers: Iterable[int], done: list[int] | None = None) -> None:
    for number in numbers:
        store(archive, number, "x" * 2000)
        if done is not None:
            done.append(number)


def number_of_groups(database: Database) -> int:
    found = database._connection.execute("SELECT count(*) FROM measure_group").fetchone()
    return int(found[0])


def is_sound(home: Path) -> bool:
    connection = sqlite3.connect(home / FILE_NAME)
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok")
    finally:
        connection.close()


# The file


@posix
def test_the_file_is_private_and_so_is_its_folder(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        with Database(tmp_path / "new" / "home") as database:
            set_brake(database, "a")
            modes = [stat.S_IMODE(p.stat().st_mode) for p in database.home.iterdir()]
            assert set(modes) == {0o600}
            assert len(modes) == 3, "the write-ahead log and its index are there as well"
        assert stat.S_IMODE((tmp_path / "new" / "home").stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_what_was_committed_is_there_after_opening_again(home: Path) -> None:
    with Database(home) as database:
        set_brake(database, "a")
    with Database(home) as database:
        assert brakes(database) == {"a"}


def test_commits_survive_a_power_cut(database: Database) -> None:
    assert database._connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert database._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert database._connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_closing_twice_is_harmless(database: Database) -> None:
    database.close()
    database.close()


# Transactions


def test_a_transaction_is_everything_or_nothing(database: Database) -> None:
    def fail() -> None:
        with database.transaction():
            set_brake(database, "a")
            set_brake(database, "b")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert brakes(database) == set()


def test_a_transaction_inside_another_is_a_part_of_it(database: Database) -> None:
    def fail() -> None:
        with database.transaction():
            with database.transaction():
                set_brake(database, "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert brakes(database) == set()
    with database.transaction(), database.transaction():
        set_brake(database, "b")
    assert brakes(database) == {"b"}


def test_others_see_a_transaction_when_it_is_over(database: Database, home: Path) -> None:
    with Database(home) as other:
        with database.transaction():
            set_brake(database, "a")
            assert brakes(other) == set()
        assert brakes(other) == {"a"}


def test_a_rehearsal_leaves_nothing_behind(database: Database, home: Path) -> None:
    with database.rehearsal():
        with database.transaction():
            set_brake(database, "a")
        assert brakes(database) == {"a"}
    assert brakes(database) == set()
    set_brake(database, "b")
    with Database(home) as other:
        assert brakes(other) == {"b"}


def test_a_rehearsal_that_fails_leaves_nothing_behind(database: Database) -> None:
    def fail() -> None:
        with database.rehearsal():
            set_brake(database, "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert brakes(database) == set()
    set_brake(database, "b")
    assert brakes(database) == {"b"}


def test_a_lock_that_lasts_too_long_is_tried_again_later(
    database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    with Database(home) as other, database.transaction():
        set_brake(database, "a")
        with pytest.raises(RetryLater, match="in use by another process") as caught:
            set_brake(other, "b")
        with pytest.raises(RetryLater), other.transaction():
            pass
    assert caught.value.remedy
    with Database(home) as other:
        assert brakes(other) == {"a"}


# Schema


def test_the_schema_is_as_new_as_its_files() -> None:
    numbers = [number for number, _ in migration_steps(after=0)]
    assert numbers == list(range(1, SCHEMA_VERSION + 1))


def test_opening_again_applies_nothing(database: Database, home: Path) -> None:
    set_brake(database, "a")
    for _ in range(2):
        with Database(home) as again:
            assert again._version() == SCHEMA_VERSION
            assert brakes(again) == {"a"}


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(home: Path) -> None:
    with Database(home) as database:
        set_brake(database, "a")
        database._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = (home / FILE_NAME).read_bytes()
    with pytest.raises(StateProblem, match="newer Weighbridge") as caught:
        Database(home)
    assert "newer version" in caught.value.remedy
    assert (home / FILE_NAME).read_bytes() == before


def test_a_migration_that_fails_leaves_the_file_as_it_was(home: Path) -> None:
    home.mkdir()
    stranger = sqlite3.connect(home / FILE_NAME)
    stranger.execute("CREATE TABLE delivery (what TEXT)")
    stranger.close()
    with pytest.raises(StateProblem):
        Database(home)
    stranger = sqlite3.connect(home / FILE_NAME)
    names = [row[0] for row in stranger.execute("SELECT name FROM sqlite_master")]
    stranger.close()
    assert names == ["delivery"]


OPEN = """
import sys
from pathlib import Path
from weighbridge.archive.database import Database

print("ready", flush=True)
sys.stdin.readline()
with Database(Path(sys.argv[1])) as database:
    database.run("set_brake", name=sys.argv[2], until=1, steps=0, reason="")
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
    with Database(home) as database:
        assert brakes(database) == {"0", "1", "2", "3"}


def test_a_new_file_that_somebody_writes_is_waited_for(home: Path) -> None:
    home.mkdir()
    writer = sqlite3.connect(home / FILE_NAME, check_same_thread=False, isolation_level=None)
    writer.executescript("CREATE TABLE something (what); BEGIN IMMEDIATE;")
    end = threading.Timer(0.1, lambda: writer.execute("ROLLBACK"))
    end.start()
    try:
        with Database(home) as database:
            set_brake(database, "a")
    finally:
        end.join()
        writer.close()


# What a person must mend


def _problem_of_opening(home: Path) -> StateProblem:
    with pytest.raises(StateProblem) as caught:
        Database(home).close()
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
    with Database(home) as database:
        archive = connect_account(database, "anna", "4711", lambda: NOON)
        for number in range(200):
            store(archive, number, "x" * 500)
    path = home / FILE_NAME
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)

    def read() -> None:
        with Database(home) as damaged:
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
        with Database(disk) as database:
            archive = connect_account(database, "anna", "4711", lambda: NOON)
            with pytest.raises(StateProblem) as caught:
                store_many(archive, range(1, 2000), done)
        assert "full" in caught.value.message or "disk" in caught.value.message
        assert caught.value.remedy
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        with Database(disk) as database:
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
        set_brake(database, "a")
    assert "right to write" in caught.value.remedy


# Rights that do not bind root are tried as nobody


TRY = """
import json, os, sys
from pathlib import Path
from weighbridge.archive.database import Database, prove_writable
from weighbridge.archive.statements import statement
from weighbridge.errors import Problem
statement("set_brake")
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
answers = []
def write(home):
    with Database(home) as database:
        database.run("set_brake", name="a", until=1, steps=0, reason="")
for attempt in (write, prove_writable):
    try:
        attempt(Path(sys.argv[1]))
        answers.append(None)
    except Problem as problem:
        answers.append([type(problem).__name__, problem.message, problem.remedy])
print(json.dumps(answers))
"""


@pytest.fixture
def public() -> Iterator[Path]:
    """A home folder that nobody in particular could use."""
    folder = Path(tempfile.mkdtemp(prefix="weighbridge-"))
    folder.chmod(0o755)
    home = folder / "home"
    Database(home).close()
    if os.geteuid() == 0:
        for path in (home, home / FILE_NAME):
            os.chown(path, NOBODY, NOBODY)
    yield home
    home.chmod(0o755)
    shutil.rmtree(folder)


def as_nobody(home: Path) -> list[Any]:
    ended = subprocess.run(
        [sys.executable, "-c", TRY, str(home)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return list(json.loads(ended.stdout))


@posix
def test_a_home_of_ones_own_is_fine(public: Path) -> None:
    assert as_nobody(public) == [None, None]


@posix
def test_a_folder_that_is_read_only_is_a_clear_error(public: Path) -> None:
    public.chmod(0o500)
    opening, proving = as_nobody(public)
    assert opening[0] == proving[0] == "StateProblem"
    assert str(public) in opening[1]
    assert opening[2]
    assert proving[2]


@posix
def test_a_file_that_is_read_only_is_a_clear_error(public: Path) -> None:
    (public / FILE_NAME).chmod(0o400)
    opening, proving = as_nobody(public)
    assert opening[0] == "StateProblem"
    assert "Permission denied" in opening[1]
    assert opening[2]
    assert proving is None


@posix
def test_a_folder_of_somebody_else_is_a_clear_error(public: Path) -> None:
    public.chmod(0o000)
    opening, proving = as_nobody(public)
    assert opening[0] == proving[0] == "StateProblem"


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
