"""What is owed: planning twice changes nothing, and nothing is ever forgotten or repeated."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from weighbridge.measures import Measurement, MeasureType, Reading
from weighbridge.plan.planner import (
    DOUBTFUL,
    GONE,
    NEWER,
    PASSED_OVER,
    REPLACEABLE,
    WAITING,
    WITHDRAWN,
    Add,
    Change,
    Known,
    Older,
    Rule,
    State,
    Step,
    owed,
)
from weighbridge.plan.readings import revision_of
from weighbridge.plan.window import Window
from weighbridge.testing.builders import NOON, weigh_in

DAY = 86_400


def takes(reading: Reading) -> Sequence[Measurement]:
    return [one for one in reading.measurements if one.type_code == MeasureType.WEIGHT]


TODAY = datetime.date(2025, 10, 9)
MIDNIGHT = NOON - NOON % DAY
RULE = Rule(takes=takes, since=Window(TODAY, zone="UTC"))


class Rows:
    """A ledger in memory: it carries out the steps like the real one."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[str, Known]] = {}
        self.older: list[str] = []

    def newest(self, names: Iterable[str] | None = None) -> dict[str, Known]:
        wanted = None if names is None else set(names)
        found: dict[str, Known] = {}
        for name, row in self.rows.values():
            if wanted is None or name in wanted:
                found[name] = row
        return found

    def apply(self, steps: Iterable[Step]) -> list[Step]:
        done = list(steps)
        for step in done:
            match step:
                case Add():
                    self._add(step)
                case Change():
                    self.set(step.id, step.state, was=step.was, settles_at=step.settles_at)
                case Older():
                    self.older.append(step.reading_id)
        return done

    def _add(self, step: Add) -> None:
        number = len(self.rows) + 1
        row = Known(number, step.ordinal, step.revision, step.state, step.settles_at)
        self.rows[number] = (step.reading_id, row)

    def set(
        self, number: int, state: State, *, was: State | None = None, settles_at: float = 0.0
    ) -> None:
        name, row = self.rows[number]
        assert was is None or row.state == was
        self.rows[number] = (
            name,
            msgspec.structs.replace(row, state=state, settles_at=settles_at),
        )

    def set_all(self, was: Iterable[State], state: State) -> None:
        for number, (_, row) in list(self.rows.items()):
            if row.state in set(was):
                self.set(number, state, settles_at=row.settles_at)

    def states(self, name: str) -> list[State]:
        return [row.state for one, row in self.rows.values() if one == name]


def plan(
    rows: Rows, readings: Iterable[Reading], rule: Rule = RULE, accepted: Iterable[str] = ()
) -> list[Step]:
    found = list(readings)
    return rows.apply(owed(found, rule, rows.newest(), frozenset(accepted)))


class Planning(RuleBasedStateMachine):
    """Anything may happen to the readings and to the deliveries between two plannings."""

    instants = st.sampled_from([NOON, NOON + 60, NOON + DAY])

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Rows()
        self.readings: dict[int, Reading] = {}
        self.accepted: set[str] = set()
        self.planned = True

    @rule(
        instant=instants, kg=st.sampled_from(["70.0", "70", "71.5", "72"]), doubtful=st.booleans()
    )
    def measure(self, instant: int, kg: str, doubtful: bool) -> None:
        self.readings[instant] = weigh_in(kg, taken_at=instant, ambiguous=doubtful)
        self.planned = False

    @rule(instant=instants)
    def withdraw(self, instant: int) -> None:
        self.readings.pop(instant, None)
        self.planned = False

    @rule(instant=instants)
    def accept(self, instant: int) -> None:
        self.accepted.add(weigh_in(taken_at=instant).reading_id)
        self.planned = False

    @rule(
        was=st.sampled_from([State.PLANNED, State.HELD, State.BLOCKED, State.UNKNOWN]),
        state=st.sampled_from(
            [State.DELIVERED, State.CONFIRMED, State.UNKNOWN, State.REJECTED, State.SKIPPED]
        ),
    )
    def deliver(self, was: State, state: State) -> None:
        self.ledger.set_all([was], state)

    @rule(login=st.booleans())
    def block_or_wake(self, login: bool) -> None:
        was, state = State.PLANNED, State.BLOCKED
        if login:
            was, state = state, was
        self.ledger.set_all([was], state)

    @rule()
    def plan_everything(self) -> None:
        plan(self.ledger, self.readings.values(), accepted=self.accepted)
        self.planned = True

    @rule(some=st.sets(instants))
    def plan_some(self, some: set[int]) -> None:
        names = {weigh_in(taken_at=instant).reading_id for instant in some}
        others = {n: r for n, r in self.ledger.newest().items() if n not in names}
        readings = [self.readings[instant] for instant in some if instant in self.readings]
        steps = owed(readings, RULE, self.ledger.newest(names), frozenset(self.accepted))
        self.ledger.apply(steps)
        assert {n: r for n, r in self.ledger.newest().items() if n not in names} == others

    @invariant()
    def one_delivery_of_a_reading_waits_at_most(self) -> None:
        for instant in (NOON, NOON + 60, NOON + DAY):
            states = self.ledger.states(weigh_in(taken_at=instant).reading_id)
            assert sum(state in WAITING for state in states) <= 1
            assert all(state not in REPLACEABLE for state in states[:-1])

    @precondition(lambda self: self.planned)
    @invariant()
    def planning_twice_changes_nothing(self) -> None:
        readings = self.readings.values()
        again = owed(readings, RULE, self.ledger.newest(), frozenset(self.accepted))
        assert list(again) == []

    @precondition(lambda self: self.planned)
    @invariant()
    def the_newest_delivery_is_of_the_present_revision(self) -> None:
        newest = self.ledger.newest()
        for reading in self.readings.values():
            row = newest[reading.reading_id]
            assert row.revision == revision_of(takes(reading))
            assert row.state != State.SUPERSEDED

    @precondition(lambda self: self.planned)
    @invariant()
    def nothing_doubtful_is_planned_or_blocked(self) -> None:
        newest = self.ledger.newest()
        for reading in self.readings.values():
            held = reading.ambiguous and reading.reading_id not in self.accepted
            state = newest[reading.reading_id].state
            assert not held or state not in (State.PLANNED, State.BLOCKED)
            assert held or state != State.HELD

    @precondition(lambda self: self.planned)
    @invariant()
    def nothing_waits_for_a_reading_that_is_gone(self) -> None:
        there = {reading.reading_id for reading in self.readings.values()}
        for name, row in self.ledger.newest().items():
            assert name in there or row.state not in REPLACEABLE


TestPlanning = Planning.TestCase
TestPlanning.settings = settings(max_examples=150, stateful_step_count=25)


# The rules, one by one


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


# Doubt


DOUBT = weigh_in(ambiguous=True)


def test_a_doubtful_reading_is_held_and_says_why() -> None:
    [step] = plan(Rows(), [DOUBT])
    assert isinstance(step, Add)
    assert (step.state, step.answer) == (State.HELD, DOUBTFUL)


def test_a_held_reading_is_released_by_a_certain_group() -> None:
    rows = Rows()
    plan(rows, [DOUBT])
    plan(rows, [weigh_in()])
    assert rows.states(DOUBT.reading_id) == [State.PLANNED]


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
    plan(rows, [DOUBT])
    assert rows.states(DOUBT.reading_id) == [State.HELD]


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


# What is wanted


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


def test_a_reading_stored_in_the_future_settles_from_now_on() -> None:
    late = weigh_in(stored_at=NOON + 10 * DAY)
    [step] = owed([late], msgspec.structs.replace(RULE, cloud_now=NOON + 60), {}, frozenset())
    assert isinstance(step, Add)
    assert step.settles_at == NOON + 60 + RULE.settle
