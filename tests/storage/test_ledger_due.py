"""What is due can be trusted: it settled, it waited, and nothing older is on its way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.ledger import add, due, open_ledger, settle
from weighbridge.core.delivery_state import State
from weighbridge.storage.ledger import FOR_EVER, Ledger
from weighbridge.testing.builders import NOON


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "home") as ledger:
        yield ledger


def test_the_oldest_is_due_first(ledger: Ledger) -> None:
    for instant in (NOON + 2, NOON, NOON + 1):
        add(ledger, instant)
    assert [one.taken_at for one in due(ledger)] == [NOON, NOON + 1, NOON + 2]
    assert [one.taken_at for one in ledger.due(2, now=NOON, cloud_now=NOON, start=NOON + 1)] == [
        NOON + 1,
        NOON + 2,
    ]


@pytest.mark.parametrize("state", [state for state in State if state is not State.PLANNED])
def test_only_what_is_planned_is_due(ledger: Ledger, state: State) -> None:
    add(ledger, state=state)
    assert due(ledger) == []


def test_a_reading_that_settles_is_not_due_yet(ledger: Ledger) -> None:
    add(ledger, settles_at=NOON + 10.0)
    assert due(ledger, cloud_now=NOON + 9.9) == []
    assert len(due(ledger, cloud_now=NOON + 10.0)) == 1
    assert ledger.settles_at(NOON) == NOON + 10
    assert ledger.settles_at(NOON + 10) is None


def test_a_delivery_that_was_put_off_waits_for_its_time(ledger: Ledger) -> None:
    number = add(ledger)
    ledger.claim(due(ledger), NOON)
    settle(ledger, number, State.PLANNED, was=State.SENDING, not_before=NOON + 60.0)
    assert due(ledger, now=NOON + 59) == []
    assert len(due(ledger, now=NOON + 60)) == 1
    assert len(due(ledger, now=FOR_EVER)) == 1


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN])
def test_a_reading_whose_older_revision_may_be_on_its_way_is_not_due(
    ledger: Ledger, state: State
) -> None:
    number = add(ledger, state=state)
    add(ledger, ordinal=1)
    add(ledger, NOON + 1)
    assert [one.taken_at for one in due(ledger)] == [NOON + 1]
    settle(ledger, number, State.DELIVERED, was=state, reference="7")
    assert [one.previous for one in due(ledger)] == ["7", None]


def test_a_reading_whose_older_revision_was_not_seen_yet_waits_a_while(ledger: Ledger) -> None:
    number = add(ledger)
    ledger.claim(due(ledger), NOON)
    settle(ledger, number, State.DELIVERED, was=State.SENDING, look_until=NOON + 86_400.0)
    add(ledger, ordinal=1)
    assert due(ledger, on_its_way_since=NOON - 1) == []
    assert len(due(ledger, on_its_way_since=NOON)) == 1


@pytest.mark.parametrize("state", [State.DELIVERED, State.CONFIRMED])
def test_the_reference_of_the_newest_delivered_revision_comes_along(
    ledger: Ledger, state: State
) -> None:
    for ordinal, reference in enumerate(("a", "b")):
        number = add(ledger, ordinal=ordinal, state=State.SENDING)
        settle(ledger, number, state, was=State.SENDING, reference=reference)
    add(ledger, ordinal=2, state=State.SUPERSEDED)
    add(ledger, ordinal=3)
    assert [one.previous for one in due(ledger)] == ["b"]


def test_what_was_delivered_without_a_reference_is_no_first_time(ledger: Ledger) -> None:
    add(ledger, state=State.DELIVERED)
    add(ledger, ordinal=1)
    assert [one.previous for one in due(ledger)] == [""]


def test_what_has_a_newer_revision_says_so(ledger: Ledger) -> None:
    add(ledger)
    add(ledger, ordinal=1, state=State.CONFIRMED)
    assert [one.outdated for one in due(ledger)] == [True]


def test_routes_are_strangers(ledger: Ledger) -> None:
    database = ledger.database
    other = Ledger(database, "anna", "file", NOON)
    third = Ledger(database, "ben", "garmin", NOON)
    add(ledger)
    assert due(other) == due(third) == []
    assert len({ledger.route, other.route, third.route}) == 3
    assert Ledger(database, "anna", "garmin", NOON + 1).route == ledger.route
