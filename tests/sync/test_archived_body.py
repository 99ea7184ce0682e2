"""What is known of a body: the newest certain value of everything, and the one before."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.groups import group, group_as_sent
from weighbridge.core.measures import MeasureGroup, MeasureType, Reading
from weighbridge.storage.archive import Archive, StoredGroup, account_archive, connect_account
from weighbridge.storage.points import Points
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.sync.stored_readings import ArchivedBody, readings_at, touched_records
from weighbridge.targets.base import Newest
from weighbridge.testing.builders import NOON, measurement

DAY = 86_400
FOR_EVER = 2**62
WEIGHT, FAT, SEGMENT = MeasureType.WEIGHT, MeasureType.FAT_RATIO, MeasureType.SEGMENT_FAT_MASS


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with SqliteDatabase(tmp_path / "home") as database:
        yield connect_account(database, "anna", "4711", lambda: float(NOON))


def store(archive: Archive, *groups: MeasureGroup) -> None:
    page = [(one, StoredGroup(group_as_sent(one).decode(), one.timezone)) for one in groups]
    with archive.database.transaction():
        archive.store(page, [], float(NOON))
    plan(archive)


def plan(archive: Archive) -> None:
    """What planning does with the readings that were touched."""
    with archive.database.transaction():
        Points(archive).keep(0, FOR_EVER, touched_records(archive, 0, FOR_EVER))
        archive.forget_touched(0, FOR_EVER)


def body_of(archive: Archive, *, counts_doubtful: bool = False) -> ArchivedBody:
    return ArchivedBody(lambda: archive, counts_doubtful=counts_doubtful)


def newest(archive: Archive) -> dict[tuple[int, int | None], tuple[Decimal, int]]:
    return {
        (one.measurement.type_code, one.measurement.position): (one.measurement.value, one.taken_at)
        for one in body_of(archive).newest()
    }


def reading_of(archive: Archive, instant: int) -> Reading:
    (reading,) = readings_at(archive, [instant]).values()
    return reading


def value_before(archive: Archive, instant: int, code: int) -> tuple[Decimal, int] | None:
    found = body_of(archive).before(reading_of(archive, instant), code)
    return None if found is None else (found.measurement.value, found.taken_at)


def test_nobody_is_known_before_an_account_was_connected(tmp_path: Path) -> None:
    with SqliteDatabase(tmp_path) as database:
        find = lambda: account_archive(database, "anna")  # noqa: E731
        body = ArchivedBody(find, counts_doubtful=True)
        assert (body.userid(), body.newest()) == (None, [])


def test_each_type_has_its_own_newest_value(archive: Archive) -> None:
    store(archive, group({WEIGHT: "80.1", FAT: 22}, group_id=1, taken_at=NOON - DAY))
    store(archive, group({WEIGHT: "79.9"}, group_id=2, taken_at=NOON))
    assert newest(archive) == {
        (WEIGHT, None): (Decimal("79.9"), NOON),
        (FAT, None): (Decimal(22), NOON - DAY),
    }
    assert body_of(archive).userid() == "4711"


def test_values_of_body_parts_keep_their_place(archive: Archive) -> None:
    parts = [measurement(SEGMENT, "1.2", 2), measurement(SEGMENT, "1.3", 3)]
    store(archive, group([measurement(WEIGHT, 80), *parts]))
    assert newest(archive) == {
        (WEIGHT, None): (Decimal(80), NOON),
        (SEGMENT, 2): (Decimal("1.2"), NOON),
        (SEGMENT, 3): (Decimal("1.3"), NOON),
    }


def test_a_reading_of_doubtful_owner_does_not_count(archive: Archive) -> None:
    store(archive, group({WEIGHT: 80}, group_id=1, taken_at=NOON - DAY))
    store(archive, group({WEIGHT: 61}, group_id=2, taken_at=NOON, attribution=1))
    assert newest(archive) == {(WEIGHT, None): (Decimal(80), NOON - DAY)}
    (all_of_them,) = body_of(archive, counts_doubtful=True).newest()
    assert all_of_them.taken_at == NOON


def test_a_doubtful_reading_counts_from_its_acceptance_on(archive: Archive) -> None:
    store(archive, group({WEIGHT: 61}, attribution=1))
    reading = reading_of(archive, NOON)
    accept = {"person": "anna", "reading_id": reading.reading_id, "now": 0.0}
    archive.database.run("accept_reading", **accept)
    assert newest(archive) == {(WEIGHT, None): (Decimal(61), NOON)}


def test_what_was_deleted_or_taken_out_gives_way_to_the_one_before(archive: Archive) -> None:
    store(archive, group({WEIGHT: 80, FAT: 20}, group_id=1, taken_at=NOON - DAY))
    store(archive, group({WEIGHT: 81, FAT: 21}, group_id=2, taken_at=NOON))
    store(archive, group({WEIGHT: 82}, group_id=2, taken_at=NOON))
    assert newest(archive)[FAT, None] == (Decimal(20), NOON - DAY)
    with archive.database.transaction():
        archive.forget_missing({1}, 0, NOON + DAY, NOON)
    plan(archive)
    assert newest(archive)[WEIGHT, None] == (Decimal(80), NOON - DAY)


def test_the_value_before_a_reading_is_the_nearest_older_one_that_is_certain(
    archive: Archive,
) -> None:
    store(archive, group({WEIGHT: 80}, group_id=1, taken_at=NOON - 3 * DAY))
    store(archive, group({WEIGHT: 60}, group_id=2, taken_at=NOON - 2 * DAY, attribution=1))
    store(archive, group({FAT: 20}, group_id=3, taken_at=NOON - DAY))
    store(archive, group({WEIGHT: 79}, group_id=4, taken_at=NOON))
    store(archive, group({WEIGHT: 78}, group_id=5, taken_at=NOON + DAY))
    assert value_before(archive, NOON, WEIGHT) == (Decimal(80), NOON - 3 * DAY)
    assert value_before(archive, NOON - 3 * DAY, WEIGHT) is None


VALUES = st.dictionaries(st.sampled_from([1, 6, 8, 9, 11, 54, 77]), st.integers(1, 500), min_size=1)


@given(st.dictionaries(st.integers(0, 40), VALUES, min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
def test_it_is_what_a_look_through_everything_would_find(
    tmp_path_factory: pytest.TempPathFactory, history: dict[int, dict[int, int]]
) -> None:
    with SqliteDatabase(tmp_path_factory.mktemp("home")) as database:
        archive = connect_account(database, "anna", "4711", lambda: float(NOON))
        expected: dict[int, tuple[Decimal, int]] = {}
        for number, (day, values) in enumerate(sorted(history.items())):
            taken_at = NOON + day * DAY
            store(archive, group(values, group_id=number + 1, taken_at=taken_at))
            expected |= {code: (Decimal(value), taken_at) for code, value in values.items()}
        found: list[Newest] = body_of(archive).newest()
        assert {
            one.measurement.type_code: (one.measurement.value, one.taken_at) for one in found
        } == expected


def test_the_history_of_a_type_is_in_order_and_within_its_window(archive: Archive) -> None:
    for number in range(5):
        store(archive, group({WEIGHT: 80 + number}, group_id=number, taken_at=NOON + number * DAY))
    points = Points(archive).between(WEIGHT, NOON + DAY, NOON + 3 * DAY)
    assert [point.measurement.value for point in points] == [81, 82, 83]
