"""A transaction is everything or nothing, and a rehearsal is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.database import pauses, set_pause
from weighbridge.core.errors import RetryLater
from weighbridge.storage import sqlite as module
from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase


def test_a_transaction_is_everything_or_nothing(database: Database) -> None:
    def fail() -> None:
        with database.transaction():
            set_pause(database, "a")
            set_pause(database, "b")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert pauses(database) == set()


def test_a_transaction_inside_another_is_a_part_of_it(database: Database) -> None:
    def fail() -> None:
        with database.transaction():
            with database.transaction():
                set_pause(database, "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert pauses(database) == set()
    with database.transaction(), database.transaction():
        set_pause(database, "b")
    assert pauses(database) == {"b"}


def test_others_see_a_transaction_when_it_is_over(database: Database, home: Path) -> None:
    with SqliteDatabase(home) as other:
        with database.transaction():
            set_pause(database, "a")
            assert pauses(other) == set()
        assert pauses(other) == {"a"}


def test_a_rehearsal_leaves_nothing_behind(database: Database, home: Path) -> None:
    with database.rehearsal():
        with database.transaction():
            set_pause(database, "a")
        assert pauses(database) == {"a"}
    assert pauses(database) == set()
    set_pause(database, "b")
    with SqliteDatabase(home) as other:
        assert pauses(other) == {"b"}


def waits_for_the_disk(database: Database) -> bool:
    level: int = database._connection.execute("PRAGMA synchronous").fetchone()[0]
    return level == 2


def test_only_relaxed_commits_do_not_wait_for_the_disk(database: Database) -> None:
    with database.relaxed(), database.transaction():
        set_pause(database, "a")
        assert not waits_for_the_disk(database)
    assert waits_for_the_disk(database)
    with pytest.raises(ZeroDivisionError), database.relaxed():
        raise ZeroDivisionError
    assert waits_for_the_disk(database)


def test_a_part_of_a_transaction_cannot_be_relaxed(database: Database) -> None:
    with database.transaction():
        with database.relaxed():
            set_pause(database, "a")
        assert waits_for_the_disk(database)
    assert pauses(database) == {"a"}


def test_others_see_a_relaxed_commit_at_once(database: Database, home: Path) -> None:
    with SqliteDatabase(home) as other, database.relaxed():
        set_pause(database, "a")
        assert pauses(other) == {"a"}


def test_a_rehearsal_that_fails_leaves_nothing_behind(database: Database) -> None:
    def fail() -> None:
        with database.rehearsal():
            set_pause(database, "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert pauses(database) == set()
    set_pause(database, "b")
    assert pauses(database) == {"b"}


def test_a_lock_that_lasts_too_long_is_tried_again_later(
    database: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    with SqliteDatabase(home) as other, database.transaction():
        set_pause(database, "a")
        with pytest.raises(RetryLater, match="in use by another process") as caught:
            set_pause(other, "b")
        with pytest.raises(RetryLater), other.transaction():
            pass
    assert caught.value.remedy
    with SqliteDatabase(home) as other:
        assert pauses(other) == {"a"}
