"""Readings that may be somebody else's are held until that is certain."""

from __future__ import annotations

import msgspec
import pytest

from fixtures.planner import RULE, Rows, plan
from weighbridge.core.delivery_state import Add, Change, State
from weighbridge.sync.planner import DOUBTFUL, PASSED_OVER, RELEASED
from weighbridge.testing.builders import weigh_in

DOUBT = weigh_in(ambiguous=True)


def test_a_doubtful_reading_is_held_and_says_why() -> None:
    [step] = plan(Rows(), [DOUBT])
    assert isinstance(step, Add)
    assert (step.state, step.answer) == (State.HELD, DOUBTFUL)


def test_a_held_reading_is_released_by_a_certain_group() -> None:
    rows = Rows()
    plan(rows, [DOUBT])
    [step] = plan(rows, [weigh_in()])
    assert rows.states(DOUBT.reading_id) == [State.PLANNED]
    assert isinstance(step, Change)
    assert step.answer == RELEASED


def test_a_held_reading_is_released_by_its_person() -> None:
    rows = Rows()
    plan(rows, [DOUBT])
    plan(rows, [DOUBT], accepted=[DOUBT.reading_id])
    assert rows.states(DOUBT.reading_id) == [State.PLANNED]


@pytest.mark.parametrize("state", [State.PLANNED, State.BLOCKED])
def test_a_reading_that_becomes_doubtful_before_it_left_is_held(state: State) -> None:
    rows = Rows()
    plan(rows, [weigh_in()])
    rows.set_all([State.PLANNED], state)
    [step] = plan(rows, [DOUBT])
    assert rows.states(DOUBT.reading_id) == [State.HELD]
    assert isinstance(step, Change)
    assert step.answer == DOUBTFUL


def test_doubtful_readings_are_delivered_when_the_rule_says_so() -> None:
    rows = Rows()
    plan(rows, [DOUBT], msgspec.structs.replace(RULE, ambiguous="deliver"))
    assert rows.states(DOUBT.reading_id) == [State.PLANNED]


def test_doubtful_readings_are_left_out_when_the_rule_says_so() -> None:
    skip = msgspec.structs.replace(RULE, ambiguous="skip")
    assert plan(Rows(), [DOUBT], skip) == []
    rows = Rows()
    plan(rows, [DOUBT])
    [step] = plan(rows, [DOUBT], skip)
    assert isinstance(step, Change)
    assert (step.state, step.answer) == (State.SUPERSEDED, PASSED_OVER)
