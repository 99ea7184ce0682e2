"""The archive keeps what was received, exactly and for ever, and knows what must be planned."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.groups import group, group_as_sent
from weighbridge.core.errors import ConfigProblem, LoginNeeded, RetryLater
from weighbridge.core.measures import MeasureGroup
from weighbridge.core.reason import plain
from weighbridge.sources.withings.readings import readings
from weighbridge.storage.accounts import count_odd_groups
from weighbridge.storage.archive import (
    Archive,
    StoredGroup,
    UnreadableGroup,
    account_archive,
    connect_account,
)
from weighbridge.storage.database import Database
from weighbridge.storage.points import Points
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.sync.stored_readings import (
    last_readings,
    readings_at,
    readings_between,
    touched_records,
)
from weighbridge.testing.builders import NOON

DAY = 86_400
FOR_EVER = 2**62


def clock() -> float:
    return float(NOON + 100)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def archive(database: Database) -> Archive:
    return connect_account(database, "anna", "4711", clock)


def store(archive: Archive, *groups: MeasureGroup, odd: tuple[UnreadableGroup, ...] = ()) -> int:
    page = [(one, StoredGroup(group_as_sent(one).decode(), one.timezone)) for one in groups]
    with archive.database.transaction():
        return archive.store(page, odd, clock())


def touched(archive: Archive) -> list[int]:
    return archive.next_touched(-1, 1000)


def planned(archive: Archive) -> None:
    archive.forget_touched(0, FOR_EVER)


def past(archive: Archive, group_id: int) -> list[str]:
    rows = archive.database._connection.execute(
        "SELECT raw FROM raw_group_past WHERE account = ? AND group_id = ? ORDER BY replaced_at",
        (archive.account, group_id),
    )
    return [row["raw"] for row in rows]


def height_of(archive: Archive) -> Decimal | None:
    """The height after what was touched has been planned."""
    points = Points(archive)
    points.keep(0, FOR_EVER, touched_records(archive, 0, FOR_EVER))
    return points.height()


def raws(archive: Archive) -> list[str]:
    return [row["raw"] for row in archive.groups(0, FOR_EVER)]


# Storing


def test_a_new_group_touches_its_instant(archive: Archive) -> None:
    assert store(archive, group({1: 80})) == 1
    assert touched(archive) == [NOON]


def test_storing_a_page_twice_changes_nothing(archive: Archive) -> None:
    page = [group({1: 80}), group({4: "1.72"}, group_id=2, taken_at=NOON + 60)]
    store(archive, *page)
    planned(archive)
    before = raws(archive)
    assert store(archive, *page) == 0
    assert touched(archive) == []
    assert raws(archive) == before
    assert past(archive, 1) == past(archive, 2) == []


def test_an_empty_page_is_harmless(archive: Archive) -> None:
    assert store(archive) == 0


def test_only_what_is_new_or_changed_is_counted(archive: Archive) -> None:
    store(archive, group({1: 80}), group({1: 81}, group_id=2))
    changed = store(archive, group({1: 80}), group({1: 82}, group_id=2), group({1: 83}, group_id=3))
    assert changed == 2


def test_the_text_of_a_group_is_kept_to_the_letter(archive: Archive) -> None:
    text = '{"grpid": 1,\n "date":1760000000, "strange": "é \\u00e9", "measures" :[ ] }'
    with archive.database.transaction():
        archive.store([(group({}), StoredGroup(text, None))], [], clock())
    assert raws(archive) == [text]


def test_an_edited_group_keeps_its_past_for_ever(archive: Archive) -> None:
    versions = [group({1: kg}) for kg in ("80", "80.5", "79.9")]
    for version in versions:
        store(archive, version)
    assert past(archive, 1) == [group_as_sent(one).decode() for one in versions[:2]]
    assert raws(archive) == [group_as_sent(versions[2]).decode()]


def test_a_group_may_be_edited_before_it_was_planned(archive: Archive) -> None:
    store(archive, group({1: 80}))
    assert store(archive, group({1: 81})) == 1
    assert touched(archive) == [NOON]


def test_a_group_whose_date_was_edited_touches_both_instants(archive: Archive) -> None:
    store(archive, group({1: 80}))
    planned(archive)
    store(archive, group({1: 80}, taken_at=NOON - DAY))
    assert touched(archive) == [NOON - DAY, NOON]
    assert [r.taken_at for r in touched_records(archive, 0, FOR_EVER)] == [NOON - DAY]


def test_nothing_is_stored_when_the_transaction_fails(archive: Archive) -> None:
    def fail() -> None:
        with archive.database.transaction():
            store(archive, group({1: 80}))
            archive.advance_cursor(NOON)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert raws(archive) == []
    assert touched(archive) == []
    assert archive.cursor == 0


# What is gone


def test_groups_that_the_cloud_no_longer_has_are_marked_and_kept(archive: Archive) -> None:
    store(archive, group({1: 80}), group({1: 81}, group_id=2, taken_at=NOON + 60))
    planned(archive)
    assert archive.forget_missing({1}, NOON, NOON + DAY, clock()) == 1
    assert [one.group_ids for one in readings_between(archive, 0, FOR_EVER)] == [(1,)]
    assert touched(archive) == [NOON + 60]
    rows = archive.database._connection.execute("SELECT count(*) FROM raw_group")
    assert rows.fetchone()[0] == 2


def test_groups_outside_of_the_window_are_not_gone(archive: Archive) -> None:
    store(archive, group({1: 80}, taken_at=NOON - 1), group({1: 81}, group_id=2, taken_at=NOON + 1))
    assert archive.forget_missing(set(), NOON, NOON, clock()) == 0


def test_what_was_gone_is_gone_once(archive: Archive) -> None:
    store(archive, group({1: 80}))
    assert archive.forget_missing(set(), 0, FOR_EVER, clock()) == 1
    planned(archive)
    assert archive.forget_missing(set(), 0, FOR_EVER, clock()) == 0
    assert touched(archive) == []


def test_what_was_gone_may_come_back(archive: Archive) -> None:
    store(archive, group({1: 80, 4: "1.72"}))
    archive.forget_missing(set(), 0, FOR_EVER, clock())
    assert height_of(archive) is None
    planned(archive)
    assert store(archive, group({1: 80, 4: "1.72"})) == 1
    assert touched(archive) == [NOON]
    assert height_of(archive) == Decimal("1.72")


# Odd groups


def test_an_odd_group_is_kept_and_counted_once(archive: Archive) -> None:
    odd = (
        UnreadableGroup('"not even an object"', "Expected `object`"),
        UnreadableGroup("17", "Expected"),
    )
    store(archive, group({1: 80}), odd=odd)
    store(archive, odd=odd)
    assert count_odd_groups(archive.database, archive.account) == 2
    rows = archive.database._connection.execute(
        "SELECT reason, raw, seen_at FROM odd_group WHERE account = ?", [archive.account]
    ).fetchall()
    assert {row["raw"] for row in rows} == {'"not even an object"', "17"}


# Heights


def test_the_newest_height_of_all_time_counts(archive: Archive) -> None:
    assert height_of(archive) is None
    store(archive, group({4: "1.73"}, group_id=1, taken_at=NOON))
    store(archive, group({4: "1.71"}, group_id=2, taken_at=NOON - DAY))
    store(archive, group({1: 80}, group_id=3, taken_at=NOON + DAY))
    assert height_of(archive) == Decimal("1.73")


def test_a_corrected_height_counts(archive: Archive) -> None:
    store(archive, group({4: "1.37"}))
    store(archive, group({4: "1.73"}))
    assert height_of(archive) == Decimal("1.73")


def test_a_height_that_was_taken_out_again_no_longer_counts(archive: Archive) -> None:
    store(archive, group({4: "1.73"}, taken_at=NOON - DAY), group({4: "2.73"}, group_id=2))
    store(archive, group({1: 80}, group_id=2))
    assert height_of(archive) == Decimal("1.73")


@pytest.mark.parametrize("height", [group({4: 0}), group({4: "1.73"}, category=2)])
def test_no_height_and_a_goal_are_no_height(archive: Archive, height: MeasureGroup) -> None:
    store(archive, height)
    assert height_of(archive) is None


# The cursor


def test_the_cursor_never_goes_back(archive: Archive) -> None:
    for cursor in (NOON, NOON - 1, NOON + 1, 0):
        archive.advance_cursor(cursor)
    assert archive.cursor == NOON + 1


# Windows and touched instants


def test_touching_a_window_touches_the_instants_that_it_holds(archive: Archive) -> None:
    store(archive, *(group({1: 80}, group_id=n, taken_at=NOON + n * DAY) for n in range(5)))
    planned(archive)
    archive.touch(NOON + DAY, NOON + 3 * DAY)
    archive.touch(NOON + 2 * DAY, NOON + 2 * DAY)
    assert touched(archive) == [NOON + n * DAY for n in (1, 2, 3)]
    archive.touch_everything()
    assert len(touched(archive)) == 5


@settings(max_examples=25)
@given(st.sets(st.integers(0, 40)), st.integers(1, 7), st.integers(0, 20), st.integers(0, 20))
def test_spans_hold_every_instant_of_a_window_once(
    tmp_path_factory: pytest.TempPathFactory, days: set[int], most: int, start: int, length: int
) -> None:
    with SqliteDatabase(tmp_path_factory.mktemp("home")) as database:
        archive = connect_account(database, "anna", "4711", clock)
        store(archive, *(group({1: 80}, group_id=day + 1, taken_at=day) for day in days))
        spans = list(archive.instant_spans(start, start + length, most))
        found = [row["taken_at"] for span in spans for row in archive.groups(*span)]
        assert found == sorted(day for day in days if start <= day <= start + length)
        assert all(len(archive.groups(*span)) <= most for span in spans)


def test_the_last_readings_are_the_newest_ones_in_order(archive: Archive) -> None:
    store(archive, *(group({1: 80}, group_id=n + 1, taken_at=NOON + n) for n in range(6)))
    assert [one.taken_at for one in last_readings(archive, 3)] == [NOON + 3, NOON + 4, NOON + 5]


def test_readings_come_out_as_the_groups_make_them(archive: Archive) -> None:
    groups = [group({1: 80}), group({167: 60}, group_id=2), group({9: 79, 10: 121}, group_id=3)]
    store(archive, *groups)
    expected = list(readings(groups, account="4711"))
    assert list(readings_between(archive, 0, FOR_EVER)) == expected
    assert list(readings_at(archive, [NOON, NOON, NOON + 1]).values()) == expected


# People


def test_an_account_is_bound_to_its_person(database: Database, archive: Archive) -> None:
    again = connect_account(database, "anna", "4711", clock)
    assert again.account == archive.account
    with pytest.raises(ConfigProblem, match="another Withings profile"):
        connect_account(database, "anna", "4712", clock)
    with pytest.raises(ConfigProblem, match="already belongs to anna"):
        connect_account(database, "ben", "4711", clock)
    assert account_archive(database, "ben") is None


def test_two_people_may_have_the_same_group_ids(database: Database, archive: Archive) -> None:
    ben = connect_account(database, "ben", "4712", clock)
    store(archive, group({1: 60}))
    store(ben, group({1: 90}))
    [hers] = readings_between(archive, 0, FOR_EVER)
    [his] = readings_between(ben, 0, FOR_EVER)
    assert hers.get(1) == 60
    assert his.get(1) == 90
    assert ben.forget_missing(set(), 0, FOR_EVER, clock()) == 1
    assert len(raws(archive)) == 1


# Trouble


def test_trouble_is_dated_from_its_beginning_and_forgotten_when_withings_answers(
    database: Database, archive: Archive
) -> None:
    archive.note_trouble(RetryLater("no answer"), 10.0)
    archive.note_trouble(LoginNeeded("no login"), 20.0)
    row = database.one("account_of", person="anna")
    assert row is not None
    assert (row["trouble"], row["trouble_at"]) == (plain("no login").to_json(), 10.0)
    archive.note_checked(30.0)
    row = database.one("account_of", person="anna")
    assert row is not None
    assert (row["trouble"], row["trouble_at"], row["checked_at"]) == (None, None, 30.0)
