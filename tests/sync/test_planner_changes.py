"""New and changed readings: what they plan, what they supersede, and how long they settle."""

from __future__ import annotations

import msgspec
import pytest

from fixtures.planner import DAY, RULE, Rows, plan
from weighbridge.core.delivery_state import Add, Change, State
from weighbridge.core.measures import MeasureType
from weighbridge.sync.planner import NEWER, owed
from weighbridge.testing.builders import NOON, weigh_in


def test_a_new_reading_is_planned_and_settles_ten_seconds_after_it_was_stored() -> None:
    rows = Rows()
    [step] = plan(rows, [weigh_in()])
    assert isinstance(step, Add)
    assert (step.state, step.ordinal) == (State.PLANNED, 0)
    assert step.settles_at == weigh_in().stored_at + 10


def test_settle_zero_means_at_once() -> None:
    [step] = plan(Rows(), [weigh_in()], msgspec.structs.replace(RULE, settle=0.0))
    assert isinstance(step, Add)
    assert step.settles_at == weigh_in().stored_at


def test_a_late_group_makes_the_reading_wait_a_little_longer() -> None:
    rows = Rows()
    plan(rows, [weigh_in()])
    [step] = plan(rows, [weigh_in(stored_at=NOON + 9)])
    assert isinstance(step, Change)
    assert (step.was, step.state) == (State.PLANNED, State.PLANNED)
    assert step.settles_at == NOON + 19


def test_a_value_that_nobody_wanted_resends_nothing() -> None:
    rows = Rows()
    plan(rows, [weigh_in()])
    rows.set_all([State.PLANNED], State.CONFIRMED)
    grown = weigh_in(others={MeasureType.NERVE_HEALTH: 62}, stored_at=NOON + 99)
    assert plan(rows, [grown]) == []


def test_a_changed_reading_supersedes_what_waits() -> None:
    rows = Rows()
    plan(rows, [weigh_in("70")])
    change, add = plan(rows, [weigh_in("71")])
    assert isinstance(change, Change)
    assert (change.state, change.answer) == (State.SUPERSEDED, NEWER)
    assert isinstance(add, Add)
    assert (add.ordinal, add.state) == (1, State.PLANNED)


@pytest.mark.parametrize(
    "state",
    [State.DELIVERED, State.CONFIRMED, State.UNKNOWN, State.SENDING, State.SKIPPED],
)
def test_a_changed_reading_follows_what_has_left(state: State) -> None:
    rows = Rows()
    plan(rows, [weigh_in("70")])
    rows.set_all([State.PLANNED], state)
    [add] = plan(rows, [weigh_in("71")])
    assert isinstance(add, Add)
    assert rows.states(weigh_in().reading_id) == [state, State.PLANNED]


@pytest.mark.parametrize("state", [State.REJECTED, State.BLOCKED, State.HELD])
def test_a_changed_reading_takes_the_place_of_what_is_stuck(state: State) -> None:
    rows = Rows()
    plan(rows, [weigh_in("70")])
    rows.set_all([State.PLANNED], state)
    plan(rows, [weigh_in("71")])
    assert rows.states(weigh_in().reading_id) == [State.SUPERSEDED, State.PLANNED]


def test_going_back_to_an_old_value_is_delivered_again() -> None:
    rows = Rows()
    for kg in ("70", "71", "70.0"):
        plan(rows, [weigh_in(kg)])
        rows.set_all([State.PLANNED], State.CONFIRMED)
    assert rows.states(weigh_in().reading_id) == [State.CONFIRMED] * 3
    revisions = [row.revision for _, row in rows.rows.values()]
    assert revisions[0] == revisions[2] != revisions[1]


def test_going_back_before_anything_was_sent_plans_the_old_value_anew() -> None:
    rows = Rows()
    for kg in ("70", "71", "70"):
        plan(rows, [weigh_in(kg)])
    states = [State.SUPERSEDED, State.SUPERSEDED, State.PLANNED]
    assert rows.states(weigh_in().reading_id) == states


@pytest.mark.parametrize(
    "state",
    [State.CONFIRMED, State.DELIVERED, State.REJECTED, State.UNKNOWN, State.SKIPPED],
)
def test_what_did_not_change_stays_as_it_is(state: State) -> None:
    rows = Rows()
    plan(rows, [weigh_in()])
    rows.set_all([State.PLANNED], state)
    assert plan(rows, [weigh_in(stored_at=NOON + 500)]) == []


def test_what_was_skipped_stays_skipped_until_it_changes() -> None:
    rows = Rows()
    plan(rows, [weigh_in("70")])
    rows.set_all([State.PLANNED], State.SKIPPED)
    assert plan(rows, [weigh_in("70")]) == []
    plan(rows, [weigh_in("71")])
    assert rows.states(weigh_in().reading_id) == [State.SKIPPED, State.PLANNED]


def test_a_reading_stored_in_the_future_settles_from_now_on() -> None:
    late = weigh_in(stored_at=NOON + 10 * DAY)
    [step] = owed([late], msgspec.structs.replace(RULE, cloud_now=NOON + 60), {}, frozenset())
    assert isinstance(step, Add)
    assert step.settles_at == NOON + 60 + RULE.settle
