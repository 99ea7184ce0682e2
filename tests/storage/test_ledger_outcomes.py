"""What became of a delivery, of the trouble of a target, and of the open ones in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.ledger import add, due, open_ledger, row_of, settle
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, RetryLater
from weighbridge.core.reason import plain
from weighbridge.storage.database import Database
from weighbridge.storage.ledger import Ledger
from weighbridge.testing.builders import NOON


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "home") as ledger:
        yield ledger


# What became of it


def test_what_is_not_as_it_was_stays_as_it_is(ledger: Ledger) -> None:
    number = add(ledger, state=State.SKIPPED)
    assert settle(ledger, number, State.PLANNED, was=State.UNKNOWN) is False
    assert row_of(ledger, number)["state"] == State.SKIPPED


def test_a_reference_is_kept_when_a_later_answer_brings_none(ledger: Ledger) -> None:
    number = add(ledger, state=State.SENDING)
    assert settle(ledger, number, State.DELIVERED, was=State.SENDING, reference="7")
    assert settle(ledger, number, State.CONFIRMED, was=State.DELIVERED)
    assert row_of(ledger, number)["reference"] == "7"


def test_what_was_being_sent_when_the_process_died_is_unknown(ledger: Ledger) -> None:
    number = add(ledger)
    add(ledger, NOON + 1)
    ledger.claim(due(ledger)[:1], NOON + 3)
    assert ledger.mark_orphans(plain("Interrupted.")) == 1
    [unknown] = ledger.in_state(State.UNKNOWN, 10)
    assert (unknown.id, unknown.since) == (number, NOON + 3)
    assert ledger.mark_orphans(plain("Interrupted.")) == 0


def test_open_deliveries_are_counted_by_their_state(ledger: Ledger) -> None:
    for n, state in enumerate(State):
        add(ledger, NOON + n, state=state)
    add(ledger, NOON + 99)
    assert ledger.counts() == {
        "planned": 2,
        "sending": 1,
        "rejected": 1,
        "unknown": 1,
        "blocked": 1,
        "held": 1,
    }


def test_a_login_wakes_what_was_blocked(ledger: Ledger) -> None:
    for n in range(3):
        add(ledger, NOON + n)
    add(ledger, NOON + 9, state=State.HELD)
    assert ledger.block(plain("Log in.")) == 3
    assert due(ledger) == []
    assert ledger.wake() == 3
    assert len(due(ledger)) == 3


def test_questions_about_what_is_open_do_not_read_what_is_done(ledger: Ledger) -> None:
    for name in (
        "count_open",
        "in_state",
        "due",
        "mark_interrupted",
        "count_unseen",
        "next_settling",
    ):
        assert "delivery_" in _plan_of(ledger.database, name), name


def _plan_of(database: Database, name: str) -> str:
    from weighbridge.storage.statements import statement

    values = dict.fromkeys(
        ("route", "state", "most", "start", "now", "cloud_now", "on_its_way_since", "answer"), 0
    )
    rows = database._connection.execute("EXPLAIN QUERY PLAN " + statement(name), values)
    return "\n".join(str(row["detail"]) for row in rows)


# Trouble and success


def test_trouble_is_dated_from_its_beginning_until_a_success(ledger: Ledger) -> None:
    ledger.note_trouble(RetryLater("no answer"), 10.0)
    ledger.note_trouble(LoginNeeded("log in"), 20.0)
    ledger.pause(99.0)
    row = ledger.row()
    assert (row["decision"], row["trouble"], row["trouble_at"]) == (
        LoginNeeded.decision,
        plain("log in").to_json(),
        10.0,
    )
    ledger.note_success(30.0)
    row = ledger.row()
    assert (row["trouble"], row["trouble_at"], row["pause_until"]) == (None, None, 0)
    assert row["succeeded_at"] == 30.0
