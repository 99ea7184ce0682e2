"""Several connections of one process, and other processes beside it: nobody loses their file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase

VISIT = """
import sys
from pathlib import Path
from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase
with SqliteDatabase(Path(sys.argv[1])) as database:
    print(database.one("account_of", person=sys.argv[2]) is not None)
"""


def visit(home: Path, person: str) -> bool:
    """Another process opens the database, looks for a person and closes it."""
    run = subprocess.run(
        [sys.executable, "-c", VISIT, str(home), person], capture_output=True, text=True, check=True
    )
    return run.stdout.strip() == "True"


def add(database: Database, person: str) -> None:
    with database.transaction():
        database.run("add_account", person=person, source="withings", userid=person, now=0.0)


def test_a_connection_that_is_closed_takes_no_lock_from_the_others(tmp_path: Path) -> None:
    with SqliteDatabase(tmp_path) as stays:
        add(stays, "anna")
        with SqliteDatabase(tmp_path):
            pass
        assert visit(tmp_path, "anna")
        assert (tmp_path / "weighbridge.db-shm").exists(), "the visitor thought it was alone"
        add(stays, "ben")
        assert visit(tmp_path, "ben")
        with SqliteDatabase(tmp_path) as other:
            add(other, "zoe")
        assert stays.one("account_of", person="zoe") is not None
    assert visit(tmp_path, "zoe")
    assert not (tmp_path / "weighbridge.db-wal").exists(), "the last one tidies up"
