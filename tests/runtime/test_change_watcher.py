"""The server notices what other processes did to its home folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.jobs import World, world
from fixtures.ledger import add
from weighbridge.core.errors import RetryLater
from weighbridge.core.reason import plain
from weighbridge.runtime.due_work import ExternalChangeWatcher
from weighbridge.runtime.schedule import NEVER
from weighbridge.storage.ledger import Ledger
from weighbridge.storage.sqlite import SqliteDatabase


@pytest.fixture
def house(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "home", connected=False) as made:
        yield made


def watcher_of(house: World) -> ExternalChangeWatcher:
    directory = house.services.settings.directory
    return ExternalChangeWatcher(house.services.database, directory, house.schedule, house.clock)


def test_nothing_is_due_when_nobody_wrote(house: World) -> None:
    watcher = watcher_of(house)
    assert watcher.look() == []
    assert house.next_poll() == NEVER


def test_a_login_that_another_process_made_is_followed_at_once(house: World) -> None:
    watcher = watcher_of(house)
    with SqliteDatabase(house.home) as other:
        other.run(
            "store_credential", person="anna", service="withings", account="1", secret="{}", now=0.0
        )
    assert watcher.look() == ["anna"]
    assert house.next_poll() == house.clock()
    assert watcher.look() == []


def test_a_renewed_login_is_no_news(house: World) -> None:
    house.log_in()
    watcher = watcher_of(house)
    with SqliteDatabase(house.home) as other:
        other.run(
            "store_credential", person="anna", service="withings", account="1", secret="{}", now=1.0
        )
    assert watcher.look() == []


def test_a_login_that_works_again_is_news(house: World) -> None:
    house.log_in()
    watcher = watcher_of(house)
    with SqliteDatabase(house.home) as other:
        other.run(
            "mark_login_needed", person="anna", service="withings", reason=plain("gone").to_json()
        )
        assert watcher.look() == []
        other.run(
            "store_credential", person="anna", service="withings", account="1", secret="{}", now=2.0
        )
    assert watcher.look() == ["anna"]


def test_a_login_that_ended_and_was_replaced_between_two_looks_is_news(house: World) -> None:
    house.log_in()
    watcher = watcher_of(house)
    with SqliteDatabase(house.home) as other:
        other.run(
            "mark_login_needed", person="anna", service="withings", reason=plain("gone").to_json()
        )
        house.archive.note_trouble(RetryLater("gone"), 1.0)
        other.run(
            "store_credential", person="anna", service="withings", account="1", secret="{}", now=2.0
        )
    assert watcher.look() == ["anna"]
    assert watcher.look() == []


def test_what_another_process_planned_is_sent_when_it_is_due(house: World) -> None:
    watcher = watcher_of(house)
    with SqliteDatabase(house.home) as other:
        add(Ledger(other, "anna", "file", 0.0), settles_at=house.clock() + 40)
        add(Ledger(other, "nobody", "file", 0.0), settles_at=house.clock() + 10)
    watcher.look()
    now = house.clock()
    assert house.schedule.planned("anna").at("deliver") == pytest.approx(now + 40)


def test_a_look_that_failed_is_made_up_for(house: World, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher = watcher_of(house)
    with SqliteDatabase(house.home) as other:
        add(Ledger(other, "anna", "file", 0.0), settles_at=house.clock() + 40)

    def fail(*_: object) -> float:
        raise RetryLater("The database is in use.")

    with monkeypatch.context() as patch:
        patch.setattr(house.schedule, "deliver_at", fail)
        with pytest.raises(RetryLater):
            watcher.look()
    watcher.look()
    assert house.schedule.planned("anna").at("deliver") == pytest.approx(house.clock() + 40)
