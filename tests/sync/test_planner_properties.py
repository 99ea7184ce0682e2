"""Whatever happens between two plannings: nothing is forgotten, and nothing is repeated."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fixtures.planner import DAY, RULE, Rows, plan, takes
from weighbridge.core.delivery_state import State
from weighbridge.core.measures import Reading
from weighbridge.core.records import revision_of
from weighbridge.sync.planner import REPLACEABLE, WAITING, owed
from weighbridge.testing.builders import NOON, weigh_in

STEPS = [
    (State.PLANNED, State.SENDING),
    (State.SENDING, State.DELIVERED),
    (State.SENDING, State.UNKNOWN),
    (State.UNKNOWN, State.DELIVERED),
    (State.UNKNOWN, State.CONFIRMED),
    (State.DELIVERED, State.CONFIRMED),
    *((was, State.SKIPPED) for was in (State.PLANNED, State.HELD, State.BLOCKED, State.UNKNOWN)),
]
"""What the engine and people make of a delivery, whatever its reading has become."""


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

    @rule(step=st.sampled_from(STEPS))
    def deliver(self, step: tuple[State, State]) -> None:
        was, state = step
        self.ledger.set_all([was], state)

    @rule()
    def refuse(self) -> None:
        """A refusal of what has changed meanwhile, or is gone, concerns nobody."""
        present = {one.reading_id: revision_of(takes(one)) for one in self.readings.values()}
        newest = self.ledger.newest()
        for number, (name, row) in list(self.ledger.rows.items()):
            if row.state is State.SENDING:
                current = present.get(name) == row.revision and newest[name] is row
                self.ledger.set(number, State.REJECTED if current else State.SUPERSEDED)

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
