"""What a person decides changes what it may, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fixtures.ledger import add, open_ledger, row_of
from weighbridge.core.delivery_state import State
from weighbridge.storage.database import Row
from weighbridge.storage.delivery_log import (
    ALL_OF,
    Decision,
    decide_about,
    in_states,
    newest_of_reading,
)
from weighbridge.storage.ledger import Ledger
from weighbridge.testing.builders import NOON


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "home") as ledger:
        yield ledger


@pytest.mark.parametrize(
    ("decision", "was", "then"),
    [
        (Decision.RETRY, State.REJECTED, State.PLANNED),
        (Decision.RETRY, State.UNKNOWN, State.PLANNED),
        (Decision.RETRY, State.SENDING, State.SENDING),
        (Decision.RETRY, State.SUPERSEDED, State.SUPERSEDED),
        (Decision.RETRY, State.HELD, State.HELD),
        (Decision.SKIP, State.HELD, State.SKIPPED),
        (Decision.SKIP, State.SENDING, State.SENDING),
        (Decision.SKIP, State.CONFIRMED, State.CONFIRMED),
        (Decision.ACCEPT, State.HELD, State.PLANNED),
        (Decision.ACCEPT, State.UNKNOWN, State.DELIVERED),
        (Decision.ACCEPT, State.PLANNED, State.PLANNED),
    ],
)
def test_a_decision_changes_what_it_may(
    ledger: Ledger, decision: Decision, was: State, then: State
) -> None:
    number = add(ledger, state=was)
    rows = newest_of_reading(ledger.database, "anna", NOON, f"reading-{NOON}")
    assert decide_about(ledger.database, rows, decision, NOON) == (was is not then)
    assert row_of(ledger, number)["state"] == then


def test_accepting_a_held_reading_is_remembered_for_its_person(ledger: Ledger) -> None:
    add(ledger, state=State.HELD)
    rows = in_states(ledger.database, [ledger.route], ALL_OF[Decision.ACCEPT])
    decide_about(ledger.database, rows, Decision.ACCEPT, NOON)
    assert ledger.accepted() == {f"reading-{NOON}"}
    assert Ledger(ledger.database, "anna", "file", NOON).accepted() == ledger.accepted()
    assert Ledger(ledger.database, "ben", "garmin", NOON).accepted() == frozenset()


def test_a_decision_is_about_the_newest_delivery(ledger: Ledger) -> None:
    add(ledger, state=State.CONFIRMED)
    newest = add(ledger, ordinal=1, state=State.REJECTED)
    rows: Sequence[Row] = newest_of_reading(ledger.database, "anna", NOON, f"reading-{NOON}")
    assert [row["id"] for row in rows] == [newest]
