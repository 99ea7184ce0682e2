"""The plan is written down, and what is older is counted once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.ledger import add, open_ledger, row_of
from weighbridge.core.delivery_state import Add, Change, Older, State, Step
from weighbridge.core.measures import END_OF_TIME
from weighbridge.core.reason import plain
from weighbridge.storage.archive import connect_account
from weighbridge.storage.ledger import Ledger
from weighbridge.testing.builders import NOON


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "home") as ledger:
        yield ledger


def test_a_change_of_what_is_no_longer_as_it_was_does_nothing(ledger: Ledger) -> None:
    number = add(ledger, state=State.SENDING)
    change = Change(number, State.PLANNED, State.SUPERSEDED, 0.0, plain("Newer."))
    ledger.write_down([change], NOON)
    assert row_of(ledger, number)["state"] == State.SENDING


def test_the_number_of_what_became_owed_is_told(ledger: Ledger) -> None:
    steps: list[Step] = [
        Add("body", "a", NOON, 0, "r", State.PLANNED, 0.0, None),
        Add("body", "b", NOON, 0, "r", State.HELD, 0.0, plain("Doubtful.")),
        Older("c"),
    ]
    assert ledger.write_down(steps, NOON) == 1


def test_an_older_reading_is_counted_once_however_often_it_is_planned(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.write_down([Older("a"), Older("b")], NOON)
    assert ledger.row()["older"] == 2


def test_an_older_reading_that_becomes_owed_is_not_counted_any_more(ledger: Ledger) -> None:
    ledger.write_down([Older("a"), Older("b")], NOON)
    ledger.write_down([Add("body", "a", NOON, 0, "r", State.PLANNED, 0.0, None)], NOON)
    ledger.write_down([Add("body", "c", NOON, 0, "r", State.PLANNED, 0.0, None)], NOON)
    assert ledger.row()["older"] == 1


def test_when_the_rules_change_older_readings_are_counted_anew(ledger: Ledger) -> None:
    ledger.write_down([Older("a"), Older("b")], NOON)
    ledger.keep_fingerprint("other rules")
    ledger.write_down([Older("b")], NOON)
    assert ledger.row()["older"] == 1


def test_only_the_touched_instants_are_known(ledger: Ledger) -> None:
    database = ledger.database
    archive = connect_account(database, "anna", "4711", lambda: NOON)
    for n in range(4):
        add(ledger, NOON + n)
    database._connection.execute(
        "INSERT INTO touched VALUES (?, ?, ?), (?, ?, ?)",
        [archive.account, "measures", NOON + 1, archive.account, "measures", NOON + 3],
    )
    known = ledger.known_at_touched(archive.account, "measures", NOON, NOON + 2)
    assert set(known) == {f"reading-{NOON + 1}"}
    assert ledger.known_at_touched(archive.account, "nights", NOON, NOON + 2) == {}
    assert len(ledger.known(0, END_OF_TIME)) == 4
