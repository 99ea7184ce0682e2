"""What is wanted: not what is older, and not what is gone."""

from __future__ import annotations

import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.planner import DAY, RULE, TODAY, Rows, plan, takes
from weighbridge.core.days import Window
from weighbridge.core.delivery_state import Change, State
from weighbridge.sync.planner import GONE, WITHDRAWN, Rule
from weighbridge.testing.builders import NOON, weigh_in

MIDNIGHT = NOON - NOON % DAY


def test_older_readings_are_counted_and_not_owed() -> None:
    rows = Rows()
    old, new = weigh_in(taken_at=MIDNIGHT - 1), weigh_in(taken_at=MIDNIGHT)
    plan(rows, [old, new])
    assert rows.older == [old.reading_id]
    assert rows.states(old.reading_id) == []
    assert rows.states(new.reading_id) == [State.PLANNED]


@given(
    st.lists(st.integers(NOON - 5 * DAY, NOON + 5 * DAY), unique=True, max_size=12),
    st.integers(0, 4),
    st.integers(0, 3),
)
def test_a_window_adds_to_what_is_wanted_and_takes_nothing_away(
    instants: list[int], back: int, length: int
) -> None:
    first = TODAY - datetime.timedelta(days=back)
    window = Window(first, first + datetime.timedelta(days=length), "UTC")
    readings = [weigh_in(taken_at=instant) for instant in instants]
    plain, wider = Rows(), Rows()
    plan(plain, readings)
    plan(wider, readings, RULE.including(window))
    start = MIDNIGHT - back * DAY
    inside = {r.reading_id for r in readings if start <= r.taken_at < start + (length + 1) * DAY}
    assert set(wider.newest()) == set(plain.newest()) | inside


def test_what_was_owed_once_is_followed_up_wherever_it_lies() -> None:
    rows = Rows()
    old = weigh_in("70", taken_at=NOON - DAY)
    plan(rows, [old], RULE.including(Window(zone="UTC")))
    rows.set_all([State.PLANNED], State.CONFIRMED)
    plan(rows, [weigh_in("71", taken_at=NOON - DAY)])
    assert rows.states(old.reading_id) == [State.CONFIRMED, State.PLANNED]


@pytest.mark.parametrize(
    ("zone", "day"), [("Pacific/Auckland", 10), ("America/Los_Angeles", 9), (None, 9)]
)
def test_a_reading_counts_by_the_day_where_it_was_taken(zone: str | None, day: int) -> None:
    evening = datetime.datetime(2025, 10, 9, 22, 0, tzinfo=datetime.UTC)
    reading = weigh_in(taken_at=int(evening.timestamp()), timezone=zone)
    for since in (9, 10):
        rule = Rule(takes=takes, since=Window(datetime.date(2025, 10, since)))
        rows = Rows()
        plan(rows, [reading], rule)
        assert bool(rows.newest()) is (day >= since)


def test_a_reading_without_anything_that_the_target_takes_is_not_owed() -> None:
    nothing = msgspec.structs.replace(weigh_in(), measurements=())
    assert plan(Rows(), [nothing]) == []


@pytest.mark.parametrize("state", [State.PLANNED, State.HELD, State.BLOCKED, State.REJECTED])
def test_what_waits_for_a_reading_that_is_gone_is_withdrawn(state: State) -> None:
    rows = Rows()
    plan(rows, [weigh_in()])
    rows.set_all([State.PLANNED], state)
    [step] = plan(rows, [])
    assert isinstance(step, Change)
    assert (step.state, step.answer) == (State.SUPERSEDED, GONE)


def test_what_waits_is_withdrawn_when_the_target_finds_nothing_in_it_any_more() -> None:
    rows = Rows()
    plan(rows, [weigh_in()])
    [step] = plan(rows, [msgspec.structs.replace(weigh_in(), measurements=())])
    assert isinstance(step, Change)
    assert (step.state, step.answer) == (State.SUPERSEDED, WITHDRAWN)


def test_what_was_withdrawn_is_owed_again_when_the_reading_comes_back() -> None:
    rows = Rows()
    plan(rows, [weigh_in()])
    plan(rows, [])
    plan(rows, [weigh_in()])
    assert rows.states(weigh_in().reading_id) == [State.SUPERSEDED, State.PLANNED]


def test_what_was_delivered_is_not_touched_when_the_reading_is_gone() -> None:
    rows = Rows()
    plan(rows, [weigh_in()])
    rows.set_all([State.PLANNED], State.CONFIRMED)
    assert plan(rows, []) == []
