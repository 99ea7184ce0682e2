"""When a route wants to be served again: the ledger knows, across restarts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.ledger import add, due, open_ledger, settle
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, RetryLater
from weighbridge.storage.ledger import Ledger
from weighbridge.sync.retry import (
    FIRST_WAIT,
    LOOK_AGAIN,
    next_due,
    patience,
    paused_until,
)
from weighbridge.testing.builders import NOON


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path) as opened:
        yield opened


def test_nothing_is_due_when_nothing_waits(ledger: Ledger) -> None:
    assert next_due(ledger, NOON) is None
    add(ledger, state=State.HELD)
    assert next_due(ledger, NOON) is None


def test_what_is_planned_is_due_when_it_has_settled(ledger: Ledger) -> None:
    add(ledger, NOON, settles_at=NOON + 30)
    add(ledger, NOON + 60, settles_at=NOON + 10)
    assert next_due(ledger, NOON) == NOON + 10


def test_the_clock_of_the_cloud_is_turned_into_ours(ledger: Ledger) -> None:
    add(ledger, settles_at=NOON + 10)
    assert next_due(ledger, NOON, cloud_ahead=4.0) == NOON + 6


def test_a_pause_that_the_target_asked_for_is_kept(ledger: Ledger) -> None:
    add(ledger)
    ledger.pause(NOON + 900)
    assert next_due(ledger, NOON) == NOON + 900


def test_what_was_put_off_waits_and_hurries_when_the_target_is_back(ledger: Ledger) -> None:
    number = add(ledger)
    settle(ledger, number, State.PLANNED, was=State.PLANNED, not_before=NOON + 240)
    assert next_due(ledger, NOON) == NOON + 240
    ledger.pause(NOON + 500)
    ledger.try_now()
    assert next_due(ledger, NOON) == 0


def test_a_login_that_is_needed_is_nothing_to_wait_for(ledger: Ledger) -> None:
    add(ledger)
    ledger.note_trouble(LoginNeeded("Log in."), NOON)
    assert next_due(ledger, NOON) is None


def test_what_may_have_arrived_is_looked_for_again_after_five_minutes(ledger: Ledger) -> None:
    add(ledger, state=State.UNKNOWN)
    ledger.note_attempt(NOON)
    assert next_due(ledger, NOON) == NOON + 5 * 60


@pytest.mark.parametrize(("age", "wait"), [(0, 60), (59, 60), (600, 600), (86_400, 6 * 3600)])
def test_the_wait_grows_with_the_trouble_from_a_minute_to_six_hours(
    ledger: Ledger, age: int, wait: float
) -> None:
    add(ledger)
    ledger.note_trouble(RetryLater("It is down."), NOON - age)
    ledger.note_attempt(NOON)
    assert next_due(ledger, NOON) == NOON + wait
    assert patience(age) == wait


def test_what_waits_for_an_older_revision_to_be_seen_is_due_when_that_is_looked_for(
    ledger: Ledger,
) -> None:
    number = add(ledger)
    ledger.claim(due(ledger), NOON)
    settle(ledger, number, State.DELIVERED, was=State.SENDING, look_until=NOON + 86_400.0)
    add(ledger, ordinal=1)
    ledger.note_attempt(NOON)
    assert next_due(ledger, NOON + 1) == NOON + LOOK_AGAIN, "asking again at once hammers it"
    add(ledger, NOON + 60)
    assert next_due(ledger, NOON + 1) == 0


def test_a_clock_that_was_set_back_makes_nothing_wait_for_hours(ledger: Ledger) -> None:
    future = NOON + 5 * 3600.0
    number = add(ledger)
    ledger.note_attempt(future)
    ledger.claim(due(ledger), future)
    settle(ledger, number, State.PLANNED, was=State.SENDING, not_before=future + 60)
    ledger.pause(future + 90)
    ledger.note_trouble(RetryLater("It is down."), future)
    assert next_due(ledger, future) == future + 90
    assert next_due(ledger, NOON) == NOON + FIRST_WAIT
    assert paused_until(ledger.row(), NOON) == 0
    assert [one.id for one in due(ledger)] == [number]
