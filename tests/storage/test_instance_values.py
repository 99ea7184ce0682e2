"""What we made ourselves is made once, whoever comes first."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

from weighbridge.storage.database import get_or_create
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.testing.builders import NOON


def test_a_keepsake_stays_the_same(tmp_path: Path) -> None:
    with SqliteDatabase(tmp_path) as database:
        first = get_or_create(database, "installation", lambda: uuid.uuid4().hex)
    with SqliteDatabase(tmp_path) as database:
        assert get_or_create(database, "installation", lambda: "another") == first


def test_keepsakes_have_names_and_a_date(tmp_path: Path) -> None:
    with SqliteDatabase(tmp_path) as database:
        assert get_or_create(database, "a", lambda: "1", lambda: NOON) == "1"
        assert get_or_create(database, "b", lambda: "2") == "2"
        rows = database._connection.execute(
            "SELECT name, value, made_at FROM instance_value"
        ).fetchall()
    assert (rows[0]["name"], rows[0]["value"], rows[0]["made_at"]) == ("a", "1", NOON)
    assert len(rows) == 2


def test_it_may_be_asked_for_inside_a_transaction(tmp_path: Path) -> None:
    with SqliteDatabase(tmp_path) as database, database.transaction():
        assert get_or_create(database, "a", lambda: "1") == "1"


def test_of_several_that_are_first_all_get_the_same(tmp_path: Path) -> None:
    SqliteDatabase(tmp_path).close()
    barrier, values = threading.Barrier(4), []

    def come() -> None:
        with SqliteDatabase(tmp_path) as database:
            barrier.wait()
            values.append(get_or_create(database, "installation", lambda: uuid.uuid4().hex))

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(values) == 4
    assert len(set(values)) == 1
