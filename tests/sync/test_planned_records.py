"""What was planned is delivered without being read again, unless it may have changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.groups import group, group_as_sent
from weighbridge.core.measures import MeasureGroup
from weighbridge.storage.archive import Archive, StoredGroup, account_archive, connect_account
from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.sync import planned_records
from weighbridge.sync.planned_records import PlannedRecords
from weighbridge.sync.stored_readings import touched_records
from weighbridge.testing.builders import NOON

INSTANTS = [NOON, NOON + 60, NOON + 120]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase(tmp_path / "home") as database:
        yield database


@pytest.fixture
def archive(database: Database) -> Archive:
    archive = connect_account(database, "anna", "4711", lambda: float(NOON))
    store(archive, *(weight(number, "70.5") for number in range(3)))
    return archive


def weight(number: int, kg: str) -> MeasureGroup:
    return group({1: kg}, group_id=number + 1, taken_at=NOON + 60 * number)


def store(archive: Archive, *groups: MeasureGroup) -> None:
    with archive.database.transaction():
        page = [(one, StoredGroup(group_as_sent(one).decode(), None)) for one in groups]
        archive.store(page, [], float(NOON))


def planned(archive: Archive) -> PlannedRecords:
    found = PlannedRecords(archive.database)
    with archive.database.transaction():
        found.keep(archive.feed, INSTANTS, touched_records(archive, NOON, NOON + 120))
    return found


def kilograms(records: PlannedRecords, archive: Archive) -> list[str]:
    found = records.at(archive, INSTANTS).values()
    return [str(one.values[0].value) for one in sorted(found, key=lambda one: one.start)]


def test_they_are_the_same_objects(archive: Archive) -> None:
    records = planned(archive)
    once, twice = records.at(archive, INSTANTS), records.at(archive, INSTANTS)
    assert len(once) == 3
    assert all(once[name] is twice[name] for name in once)


def test_what_another_process_stored_since_is_read(archive: Archive) -> None:
    records = planned(archive)
    with SqliteDatabase(archive.database.path.parent) as other:
        theirs = account_archive(other, "anna")
        assert theirs is not None
        store(theirs, weight(1, "71.5"))
    assert kilograms(records, archive) == ["70.5", "71.5", "70.5"]


def test_what_is_stored_after_forgetting_is_read(archive: Archive) -> None:
    records = planned(archive)
    records.forget()
    store(archive, weight(2, "71.5"))
    assert kilograms(records, archive) == ["70.5", "70.5", "71.5"]


def test_only_so_many_are_kept_and_the_others_are_read(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned_records, "MOST_INSTANTS", 2)
    records = planned(archive)
    once, twice = records.at(archive, INSTANTS), records.at(archive, INSTANTS)
    assert kilograms(records, archive) == ["70.5"] * 3
    assert sum(once[name] is twice[name] for name in once) == 2
