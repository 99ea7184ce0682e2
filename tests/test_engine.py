"""Whatever the other side answers, each reading stands there once, and its state is true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from weighbridge.archive.archive import StoredGroup, connect_account
from weighbridge.archive.database import Database, Row
from weighbridge.archive.ledger import Ledger
from weighbridge.archive.recollection import readings_at, touched_readings
from weighbridge.deliver.engine import ALREADY_THERE, Engine
from weighbridge.deliver.looking import LOOK_SECONDS, SEEN
from weighbridge.deliver.retry import FIRST_WAIT, LONGEST_WAIT, decide
from weighbridge.deliver.sending import send_all
from weighbridge.deliver.work import Work
from weighbridge.errors import (
    ConfigProblem,
    LoginNeeded,
    OutcomeUnknown,
    Problem,
    Refused,
    RetryLater,
    SignInBlocked,
    StateProblem,
)
from weighbridge.measures import Reading
from weighbridge.plan.planner import Rule, State, owed
from weighbridge.plan.window import Window
from weighbridge.targets.base import HoldsOne, Looks, Owed, Receipt, Replaces, Target
from weighbridge.testing.builders import NOON, group, group_as_sent, owe, weigh_in
from weighbridge.testing.places import Fault, Letterbox, Notebook, Place

FOR_EVER = 2**62
READINGS = 5


class Killed(BaseException):
    """The process ends here: nothing after it is written down."""


class Fuse:
    """Ends the process at one step and for good; counts the steps until then."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.steps: list[str] = []

    def burn(self, name: str) -> None:
        self.steps.append(name)
        if self.at is not None and len(self.steps) > self.at:
            raise Killed(name)


class MortalDatabase(Database):
    """Every statement that writes is a step at which the process may end."""

    fuse: Fuse = Fuse()

    def run(self, name: str, /, **values: Any) -> int:
        self.fuse.burn(name)
        return super().run(name, **values)


class World[P: Letterbox]:
    """One person, one target, and a clock that moves when somebody says so."""

    def __init__(self, home: Path, place: type[P]) -> None:
        self.home = home
        self.now = float(NOON)
        self.place = place(self.clock)
        self.target: Target = self.place
        self.fuse = Fuse()
        self.start()

    def clock(self) -> float:
        return self.now

    def start(self, at: int | None = None) -> None:
        """A process begins; with ``at`` it ends at that step."""
        self.fuse = Fuse(at)
        self.place.step = self.fuse.burn
        self.database = MortalDatabase(self.home)
        self.archive = connect_account(self.database, "anna", "4711", self.clock)
        self.ledger = Ledger(self.database, "anna", "place", self.now)
        self.database.fuse = self.fuse

    def stop(self) -> None:
        self.database.fuse = Fuse()
        self.place.step = lambda name: None
        self.database.close()

    def weigh(self, kg: str = "70.5", *, at: int = 0, **fields: Any) -> str:
        """Store a weigh-in ``at`` minutes after noon, and write down that it is owed."""
        one = group({1: kg}, group_id=at + 1, taken_at=NOON + 60 * at, **fields)
        self.store([(one.group_id, one.taken_at, group_as_sent(one).decode(), one)])
        [reading] = readings_at(self.archive, [one.taken_at]).values()
        return reading.reading_id

    def store(self, rows: Iterable[tuple[int, int, str, Any]]) -> None:
        with self.database.transaction():
            page = [(one, StoredGroup(raw, None)) for _, _, raw, one in rows]
            self.archive.store(page, [], self.now)
        self.plan()

    def plan(self) -> None:
        rule = Rule(takes=self.target.takes, since=Window(zone="UTC"), settle=0.0)
        with self.database.transaction():
            readings = touched_readings(self.archive, 0, FOR_EVER)
            known = self.ledger.known_at_touched(self.archive.account, 0, FOR_EVER)
            self.ledger.write_down(owed(readings, rule, known, self.ledger.accepted()), self.now)
            self.archive.forget_touched(0, FOR_EVER)

    def deliver(self, cloud_now: float | None = None, **changed: Any) -> Problem | None:
        problem, _ = self.deliver_and_count(cloud_now, **changed)
        return problem

    def deliver_and_count(
        self, cloud_now: float | None = None, **changed: Any
    ) -> tuple[Problem | None, Engine]:
        work = Work(
            target=self.target,
            ledger=self.ledger,
            recall=lambda instants: readings_at(self.archive, instants),
            touch=self.archive.touch,
            renew=lambda: None,
            clock=self.clock,
            told=lambda number: None,
            **changed,
        )
        engine = Engine(work, self.now + 3600 if cloud_now is None else cloud_now)
        return engine.deliver(), engine

    def rows(self) -> list[Row]:
        cursor = self.database._connection.execute(
            "SELECT * FROM delivery ORDER BY taken_at, reading_id, ordinal"
        )
        return list(cursor.fetchall())

    def states(self) -> list[str]:
        return [row["state"] for row in self.rows()]

    def kilograms(self) -> list[tuple[int, Decimal]]:
        """Minutes after noon and weight of everything that stands at the place."""
        return [((at - NOON) // 60, values[1]) for at, _, values in self.place.standing()]

    def calls(self, name: str) -> int:
        return sum(1 for call, _ in self.place.calls if call == name)


def weights(*minutes: int, kg: str = "70.5") -> list[tuple[int, Decimal]]:
    return [(minute, Decimal(kg)) for minute in minutes]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World[Place]]:
    made = World(tmp_path, Place)
    yield made
    made.stop()


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[World[Letterbox]]:
    """A world whose place cannot be read."""
    made = World(tmp_path, Letterbox)
    yield made
    made.stop()


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[World[Notebook]]:
    """A world whose place may be sent the same thing twice."""
    made = World(tmp_path, Notebook)
    yield made
    made.stop()


def test_places_keep_the_promise_of_a_target() -> None:
    place = Place(lambda: 0.0)
    assert isinstance(place, Target)
    assert isinstance(place, Looks)
    assert isinstance(place, Replaces)
    assert isinstance(Letterbox(lambda: 0.0), Target)
    assert not isinstance(Letterbox(lambda: 0.0), Looks)
    assert Notebook.idempotent


# The straight road


def test_everything_that_is_owed_is_delivered_in_batches_and_seen(world: World[Place]) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    problem, engine = world.deliver_and_count()
    assert problem is None
    assert world.kilograms() == weights(*range(READINGS))
    assert world.states() == ["confirmed"] * READINGS
    assert [size for call, size in world.place.calls if call == "send"] == [3, 2]
    assert (engine.counts.sent, engine.counts.already_there) == (READINGS, 0)
    assert {row["answer"] for row in world.rows()} == {SEEN}


def test_delivering_twice_sends_nothing_more(world: World[Place]) -> None:
    world.weigh()
    world.deliver()
    calls = len(world.place.calls)
    world.deliver()
    assert len(world.place.calls) == calls


def test_a_place_that_cannot_be_read_is_believed(letters: World[Letterbox]) -> None:
    letters.weigh()
    assert letters.deliver() is None
    assert letters.states() == ["delivered"]
    assert letters.ledger.count_unseen() == 0


def test_success_is_remembered(world: World[Place]) -> None:
    world.weigh()
    world.deliver()
    row = world.ledger.row()
    assert (row["attempted_at"], row["succeeded_at"], row["trouble"]) == (NOON, NOON, None)


# Every class of problem leads to its state


@pytest.mark.parametrize(
    ("problem", "state"),
    [
        (RetryLater("Busy."), State.PLANNED),
        (RetryLater("Busy.", after=60), State.PLANNED),
        (SignInBlocked("Later."), State.PLANNED),
        (LoginNeeded("Log in."), State.BLOCKED),
        (Refused("Never."), State.REJECTED),
        (OutcomeUnknown("Lost."), State.UNKNOWN),
        (ConfigProblem("Wrong."), State.PLANNED),
        (StateProblem("Full."), State.PLANNED),
        (Problem("Something."), State.PLANNED),
        (ValueError("a defect"), State.UNKNOWN),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else str(one),
)
def test_the_class_of_the_problem_decides_about_the_state(
    letters: World[Letterbox], problem: Exception, state: State
) -> None:
    letters.weigh()
    letters.place.faults.append(Fault(problem))
    found = letters.deliver()
    assert letters.states() == [state]
    [row] = letters.rows()
    assert row["answer"]
    assert row["attempts"] == 1
    if not isinstance(problem, Refused):
        assert isinstance(found, Problem)
        assert letters.ledger.row()["trouble_kind"] == type(found).__name__


@pytest.mark.parametrize(
    ("problem", "attempts", "wait"),
    [
        (RetryLater("x", after=30), 1, 30),
        (RetryLater("x", after=0), 9, 0),
        (RetryLater("x"), 1, 2 * FIRST_WAIT),
        (RetryLater("x"), 2, 4 * FIRST_WAIT),
        (RetryLater("x"), 99, LONGEST_WAIT),
    ],
)
def test_the_wait_doubles_unless_the_other_side_names_one(
    problem: Problem, attempts: int, wait: float
) -> None:
    then = decide(problem, attempts=attempts, now=1000.0)
    assert (then.state, then.not_before) == (State.PLANNED, 1000.0 + wait)


def test_trouble_ends_the_run_and_the_rest_stays_owed(letters: World[Letterbox]) -> None:
    for minute in range(READINGS):
        letters.weigh(at=minute)
    letters.place.faults.append(Fault(RetryLater("Busy.")))
    assert isinstance(letters.deliver(), RetryLater)
    assert letters.states() == ["planned"] * READINGS
    assert letters.deliver() is None
    assert letters.kilograms() == weights(*range(READINGS))


def test_a_back_off_is_heeded_by_those_who_ask_for_it(letters: World[Letterbox]) -> None:
    letters.weigh()
    letters.place.faults.append(Fault(RetryLater("Busy.", after=60)))
    letters.deliver(heed_backoff=True)
    letters.deliver(heed_backoff=True)
    assert letters.states() == ["planned"]
    letters.now += 60
    letters.deliver(heed_backoff=True)
    assert letters.states() == ["delivered"]


def test_the_target_is_left_alone_for_as_long_as_it_asked(letters: World[Letterbox]) -> None:
    letters.weigh()
    letters.place.faults.append(Fault(RetryLater("Busy.", after=90)))
    letters.deliver()
    assert letters.ledger.row()["pause_until"] == NOON + 90


def test_a_needed_login_blocks_everything_until_it_was_made(world: World[Place]) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.place.blind.append(LoginNeeded("Log in.", remedy="Run: weighbridge login"))
    assert isinstance(world.deliver(), LoginNeeded)
    assert world.states() == ["blocked"] * READINGS
    calls = len(world.place.calls)
    assert world.deliver() is None
    assert len(world.place.calls) == calls, "it is not asked again"
    world.ledger.wake()
    assert world.deliver() is None
    assert world.kilograms() == weights(*range(READINGS))


# A payload that is refused


@pytest.mark.parametrize("bad", [{0}, {2}, {4}, {0, 1}, {1, 3, 4}, set(range(READINGS))])
def test_a_payload_refused_as_a_whole_is_split_until_the_bad_one_is_found(
    world: World[Place], bad: set[int]
) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.place.refused = {NOON + 60 * minute for minute in bad}
    problem, engine = world.deliver_and_count()
    assert problem is None
    good = [minute for minute in range(READINGS) if minute not in bad]
    assert world.kilograms() == weights(*good)
    expected = ["rejected" if minute in bad else "confirmed" for minute in range(READINGS)]
    assert world.states() == expected
    assert engine.counts.rejected == len(bad)
    assert {r["answer"] for r in world.rows() if r["state"] == "rejected"} == {
        "The place refused the payload. Look at its readings."
    }


def test_readings_that_are_refused_by_name_do_not_sink_the_others(world: World[Place]) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.place.refused_alone = {NOON + 60}
    assert world.deliver() is None
    assert world.states() == ["confirmed", "rejected", "confirmed", "confirmed", "confirmed"]


def test_what_was_rejected_is_not_sent_again_until_it_changes(world: World[Place]) -> None:
    world.weigh("70.5")
    world.place.refused_alone = {NOON}
    world.deliver()
    calls = world.calls("send")
    world.deliver()
    assert world.calls("send") == calls
    world.place.refused_alone = set()
    world.weigh("71.5")
    world.deliver()
    assert world.states() == ["superseded", "confirmed"]


def test_trouble_in_the_middle_of_splitting_keeps_what_was_found_out(world: World[Place]) -> None:
    for minute in range(3):
        world.weigh(at=minute)
    world.place.refused = {NOON}
    # The halves are asked one after another; the one that could still be sent meets trouble.
    world.place.faults.append(Fault(RetryLater("Busy.")))
    assert isinstance(world.deliver(), RetryLater)
    assert world.states() == ["rejected", "planned", "planned"]
    assert world.deliver() is None
    assert world.states() == ["rejected", "confirmed", "confirmed"]


# A lost answer


def test_a_lost_answer_is_not_a_failure(world: World[Place]) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.place.faults.append(Fault(OutcomeUnknown("The connection broke."), written=None))
    problem, engine = world.deliver_and_count()
    assert problem is None
    assert world.kilograms() == weights(*range(READINGS))
    assert world.states() == ["confirmed"] * READINGS
    assert engine.counts.sent == READINGS


def test_a_lost_question_is_asked_again_when_it_cannot_have_arrived(world: World[Place]) -> None:
    world.weigh()
    world.place.faults.append(Fault(OutcomeUnknown("The connection broke.")))
    assert isinstance(world.deliver(), OutcomeUnknown)
    assert world.states() == ["unknown"]
    world.now += Place.visible_after - 1
    assert world.deliver() is None
    assert world.states() == ["unknown"]
    assert world.calls("send") == 1
    world.now += 1
    assert world.deliver() is None
    assert world.states() == ["confirmed"]
    assert world.kilograms() == weights(0)


def test_what_arrived_late_is_seen_and_not_sent_again(world: World[Place]) -> None:
    world.weigh()
    world.place.delay = 300.0
    world.place.faults.append(Fault(OutcomeUnknown("The connection broke."), written=None))
    world.deliver()
    world.now += 301
    world.deliver()
    assert world.states() == ["confirmed"]
    assert world.kilograms() == weights(0)


def test_a_part_that_arrived_is_seen_and_the_rest_is_sent_again(world: World[Place]) -> None:
    for minute in range(3):
        world.weigh(at=minute)
    world.place.faults.append(Fault(OutcomeUnknown("The connection broke."), written=1))
    world.deliver()
    assert world.states() == ["confirmed", "unknown", "unknown"]
    world.now += Place.visible_after
    world.deliver()
    assert world.states() == ["confirmed"] * 3
    assert world.kilograms() == weights(0, 1, 2)


def test_a_place_that_cannot_be_read_needs_a_person_after_a_lost_answer(
    letters: World[Letterbox],
) -> None:
    letters.weigh()
    letters.place.faults.append(Fault(OutcomeUnknown("The connection broke."), written=None))
    letters.deliver()
    letters.now += 10 * 86_400
    _, engine = letters.deliver_and_count()
    assert letters.states() == ["unknown"]
    assert engine.counts.unknown == 1
    assert letters.kilograms() == weights(0)


def test_a_place_that_may_get_it_twice_is_simply_sent_it_again(notes: World[Notebook]) -> None:
    for minute in range(READINGS):
        notes.weigh(at=minute)
    notes.place.faults.append(Fault(OutcomeUnknown("The connection broke."), written=2))
    assert isinstance(notes.deliver(), OutcomeUnknown)
    assert notes.deliver() is None
    assert notes.states() == ["delivered"] * READINGS
    assert notes.kilograms() == weights(*range(READINGS))


def test_trouble_while_looking_after_sending_changes_nothing(world: World[Place]) -> None:
    world.weigh()
    world.place.step = _fail_second_look(world)
    assert world.deliver() is None
    assert world.states() == ["delivered"]
    world.place.step = lambda name: None
    world.deliver()
    assert world.states() == ["confirmed"]


def _fail_second_look(world: World[Place]) -> Callable[[str], None]:
    def step(name: str) -> None:
        if name == "looked at" and world.calls("send"):
            raise RetryLater("It cannot be read now.")

    return step


# What is there already


def test_what_is_there_already_is_not_sent(world: World[Place]) -> None:
    for minute in range(READINGS):
        world.weigh(at=minute)
    for minute in (0, 3):
        world.place.put(weigh_in("70.5", taken_at=NOON + 60 * minute))
    problem, engine = world.deliver_and_count()
    assert problem is None
    assert world.kilograms() == weights(*range(READINGS))
    assert (engine.counts.sent, engine.counts.already_there) == (3, 2)
    answers = Counter(row["answer"] for row in world.rows())
    assert answers == {ALREADY_THERE: 2, SEEN: 3}


def test_what_stands_there_with_other_values_is_replaced(world: World[Place]) -> None:
    world.weigh("70.5")
    world.place.put(weigh_in("70.0"))
    assert world.deliver() is None
    assert world.kilograms() == weights(0)
    assert world.place.replaced == ["1"]


def test_nothing_is_sent_when_the_target_cannot_be_read(world: World[Place]) -> None:
    world.weigh()
    world.place.blind.append(RetryLater("It cannot be read now."))
    assert isinstance(world.deliver(), RetryLater)
    assert world.states() == ["planned"]
    assert world.calls("send") == 0


# Corrections


def test_a_corrected_reading_replaces_the_old_one_by_its_reference(world: World[Place]) -> None:
    world.weigh("70.5")
    world.deliver()
    reference = world.rows()[0]["reference"]
    world.weigh("71.5")
    assert world.deliver() is None
    assert world.kilograms() == weights(0, kg="71.5")
    assert world.place.replaced == [reference]
    assert world.states() == ["confirmed", "confirmed"]


def test_new_and_corrected_readings_travel_in_calls_of_their_own(world: World[Place]) -> None:
    world.weigh("70.5")
    world.deliver()
    world.place.calls.clear()
    world.weigh("71.5")
    world.weigh("80", at=1)
    world.deliver()
    assert [call for call, _ in world.place.calls if call != "look"] == ["send", "replace"]
    assert world.kilograms() == [(0, Decimal("71.5")), (1, Decimal(80))]


def test_going_back_and_forth_ends_with_the_last_value(world: World[Place]) -> None:
    for kg in ("70.5", "71.5", "70.5", "70.5"):
        world.weigh(kg)
        world.deliver()
    assert world.kilograms() == weights(0)
    assert world.states() == ["confirmed"] * 3


def test_a_correction_waits_while_the_old_one_may_be_on_its_way(world: World[Place]) -> None:
    world.weigh("70.5")
    world.place.faults.append(Fault(OutcomeUnknown("The connection broke."), written=None))
    world.place.delay = 300.0
    world.deliver()
    world.weigh("71.5")
    world.deliver()
    assert world.states() == ["unknown", "planned"]
    world.now += 301
    world.deliver()
    assert world.kilograms() == weights(0, kg="71.5")


def test_a_correction_waits_until_the_old_one_can_be_seen(world: World[Place]) -> None:
    world.place.delay = 300.0
    world.weigh("70.5")
    assert world.deliver() is None
    assert world.states() == ["delivered"]
    world.weigh("71.5")
    assert world.deliver() is None
    assert world.states() == ["delivered", "planned"]
    world.now += 301
    world.deliver()
    assert world.kilograms() == weights(0, kg="71.5")
    world.now += 301
    world.deliver()
    assert world.states() == ["delivered", "confirmed"]
    assert world.ledger.count_unseen() == 0


def test_a_correction_of_something_that_never_showed_does_not_wait_for_ever(
    world: World[Place],
) -> None:
    world.weigh("70.5")
    world.deliver()
    world.place.entries.clear()
    world.place.delay = 10.0**9
    world.weigh("71.5")
    world.deliver()
    world.weigh("72.5")
    world.now += Place.visible_after
    world.place.delay = 0.0
    world.deliver()
    assert world.states()[-1] == "confirmed"
    assert world.ledger.count_unseen() == 0


def test_an_old_value_whose_fate_was_unknown_is_not_sent_beside_the_same_new_one(
    letters: World[Letterbox],
) -> None:
    letters.weigh("70.5")
    letters.place.faults.append(Fault(OutcomeUnknown("The connection broke.")))
    letters.deliver()
    letters.weigh("71.5")
    letters.weigh("70.5")
    assert letters.states() == ["unknown", "superseded", "planned"]
    [first, *_] = letters.rows()
    letters.ledger.settle_up(first["id"], State.UNKNOWN, State.PLANNED, now=letters.now)
    letters.deliver()
    assert letters.kilograms() == weights(0)
    assert letters.states() == ["superseded", "superseded", "delivered"]


def test_a_reading_that_changed_since_it_was_planned_is_not_sent_as_it_was(
    world: World[Place],
) -> None:
    world.weigh("70.5")
    newer = group({1: "71.5"}, taken_at=NOON)
    with world.database.transaction():
        stored = StoredGroup(group_as_sent(newer).decode(), None)
        world.archive.store([(newer, stored)], [], world.now)
    assert world.deliver() is None
    assert world.states() == ["superseded"]
    assert world.kilograms() == []
    world.plan()
    world.deliver()
    assert world.kilograms() == weights(0, kg="71.5")


# Looked for again


def test_what_was_accepted_is_looked_for_until_it_shows(world: World[Place]) -> None:
    world.place.delay = 300.0
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.deliver()
    assert world.ledger.count_unseen() == READINGS
    world.now += 301
    assert world.deliver() is None
    assert world.states() == ["confirmed"] * READINGS
    assert world.ledger.count_unseen() == 0


def test_what_never_shows_is_a_persons_business_after_a_day(world: World[Place]) -> None:
    world.place.delay = 10.0**9
    world.weigh()
    world.deliver()
    world.now += LOOK_SECONDS - 1
    world.deliver()
    assert world.states() == ["delivered"]
    world.now += 1
    world.deliver()
    assert world.states() == ["rejected"]
    assert world.calls("send") == 1


# A target that holds one value


class Profile(Notebook):
    """It knows the present weight and no dates."""

    oldest = 86_400.0


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[World[Profile]]:
    made = World(tmp_path, Profile)
    yield made
    made.stop()


def test_a_target_that_holds_one_value_gets_the_newest_only(profile: World[Profile]) -> None:
    for minute in range(READINGS):
        profile.weigh(at=minute)
    assert isinstance(profile.place, HoldsOne)
    assert profile.deliver() is None
    assert profile.kilograms() == weights(READINGS - 1)
    assert profile.states() == ["skipped"] * (READINGS - 1) + ["delivered"]
    assert all(row["answer"] for row in profile.rows()[:-1])


def test_a_target_that_holds_one_value_never_goes_back_in_time(profile: World[Profile]) -> None:
    profile.weigh(at=5)
    profile.deliver()
    profile.weigh("60", at=4)
    assert profile.deliver() is None
    assert profile.kilograms() == weights(5)
    profile.weigh("71.5", at=5)
    profile.deliver()
    assert profile.kilograms() == weights(5, kg="71.5"), "a correction is not back in time"


def test_a_target_that_holds_one_value_gets_nothing_old(profile: World[Profile]) -> None:
    profile.weigh()
    profile.now += 86_400
    assert profile.deliver() is None
    assert profile.kilograms() == []
    assert profile.states() == ["skipped"]


def test_what_is_old_is_told_by_the_clock_of_the_cloud(profile: World[Profile]) -> None:
    profile.weigh()
    profile.now += 400 * 86_400  # the clock of this computer is wrong
    assert profile.deliver(cloud_now=NOON + 60.0) is None
    assert profile.kilograms() == weights(0)


# Strange targets


class Strange(Letterbox):
    """A target with a defect: ``defect`` names the method that fails."""

    defect: ClassVar[str] = "send"

    def takes(self, reading: Reading) -> Sequence[Any]:
        return self._maybe("takes", super().takes(reading))

    def render(self, owed: Sequence[Owed]) -> list[Owed]:
        bad = any(one.reading.taken_at in self.refused_alone for one in owed)
        return self._maybe("render", super().render(owed)) if bad else super().render(owed)

    def _maybe[T](self, name: str, answer: T) -> T:
        if name == self.defect:
            raise ValueError("secret-3f9a of a defect")
        return answer


class StrangePlace(Place):
    def look(self, owed: Sequence[Owed]) -> Any:
        raise ValueError("secret-3f9a of a defect")


class Unrenderable(Strange):
    defect: ClassVar[str] = "render"


def test_a_defect_in_looking_is_a_problem_of_this_target_alone(tmp_path: Path) -> None:
    world = World(tmp_path, StrangePlace)
    world.weigh()
    problem = world.deliver()
    assert isinstance(problem, Problem)
    assert "ValueError" in problem.message
    assert "secret" not in str(problem)
    assert problem.remedy
    assert world.states() == ["planned"]
    assert world.ledger.row()["trouble"] == str(problem)
    world.stop()


def test_a_defect_in_sending_may_have_sent_something(world: World[Place]) -> None:
    world.weigh()
    world.place.faults.append(Fault(ValueError("secret-3f9a of a defect"), written=None))
    assert world.deliver() is None
    assert world.states() == ["confirmed"]
    assert world.kilograms() == weights(0)


def test_a_reading_that_cannot_be_rendered_does_not_sink_the_others(tmp_path: Path) -> None:
    world = World(tmp_path, Unrenderable)
    for minute in range(READINGS):
        world.weigh(at=minute)
    world.place.refused_alone = {NOON + 60}
    assert world.deliver() is None
    assert world.states() == ["delivered", "rejected", "delivered", "delivered", "delivered"]
    assert world.kilograms() == weights(0, 2, 3, 4)
    world.stop()


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize(
    "receipt",
    [
        Receipt(),
        Receipt(delivered={"somebody else": "7"}),
        Receipt(problem=RetryLater("Busy.")),
        Receipt(problem=OutcomeUnknown("Lost.")),
        Receipt(unknown=frozenset({"somebody else"}), problem=OutcomeUnknown("Lost.")),
        Receipt(problem=Refused("No.")),
    ],
    ids=["empty", "stranger", "later", "lost", "lost stranger", "refused"],
)
def test_a_receipt_that_mentions_nobody_ends_the_run(
    tmp_path: Path, receipt: Receipt, idempotent: bool
) -> None:
    class Vague(Notebook if idempotent else Place):  # type: ignore[misc]
        asked = 0

        def send(self, payload: Any) -> Receipt:
            self.asked += 1
            assert self.asked < 5, "it is asked for ever"
            return receipt

    world = World(tmp_path, Vague)
    for minute in range(READINGS):
        world.weigh(at=minute)
    problem = world.deliver()
    assert isinstance(problem, Problem)
    assert world.place.asked == 1
    assert set(world.states()) <= {"planned", "rejected"}
    world.stop()


def test_what_a_receipt_overlooks_stays_owed(world: World[Place]) -> None:
    for minute in range(3):
        world.weigh(at=minute)
    world.place.overlooked = {NOON + 60}
    problem = world.deliver()
    assert isinstance(problem, RetryLater)
    assert problem.remedy
    assert world.states() == ["confirmed", "planned", "confirmed"]
    world.place.overlooked = set()
    assert world.deliver() is None
    assert world.kilograms() == weights(0, 1, 2)


def test_what_was_not_tried_after_a_lost_answer_stays_owed(letters: World[Letterbox]) -> None:
    class Careful(Letterbox):
        """It sends one by one and stops at the first trouble."""

        def send(self, payload: Any) -> Receipt:
            lost = OutcomeUnknown("The connection broke.")
            return Receipt(unknown=frozenset({payload[0].reading_id}), problem=lost)

    letters.target = Careful(letters.clock)
    for minute in range(3):
        letters.weigh(at=minute)
    assert isinstance(letters.deliver(), OutcomeUnknown)
    assert letters.states() == ["unknown", "planned", "planned"]


def test_corrections_that_were_not_tried_after_a_lost_answer_stay_owed(world: World[Place]) -> None:
    world.weigh("70.5")
    world.deliver()
    world.weigh("71.5")
    world.weigh("80", at=1)
    world.place.faults.append(Fault(OutcomeUnknown("The connection broke.")))
    world.deliver()
    assert world.states() == ["confirmed", "planned", "unknown"]
    world.now += Place.visible_after
    world.deliver()
    assert world.kilograms() == [(0, Decimal("71.5")), (1, Decimal(80))]


def test_sending_never_raises_a_problem() -> None:
    place = Place(lambda: 0.0)
    for problem in (RetryLater("x"), LoginNeeded("x"), OutcomeUnknown("x"), KeyError("x")):
        place.faults.append(Fault(problem))
        receipt = send_all(place, [owe(weigh_in())])
        assert isinstance(receipt.problem, Problem)
        assert receipt.delivered == {}


# Killed


def _history(world: World[Place]) -> None:
    """Something new, something corrected, something refused, something there already."""
    world.weigh("70.5", at=0)
    world.deliver()
    world.weigh("71.5", at=0)
    for minute in range(1, 6):
        world.weigh(at=minute)
    world.place.refused = {NOON + 120}
    world.place.put(weigh_in("70.5", taken_at=NOON + 60))


def _undisturbed(folder: Path) -> tuple[list[tuple[int, Decimal]], int]:
    world = World(folder, Place)
    _history(world)
    before = len(world.fuse.steps)
    world.deliver()
    steps = len(world.fuse.steps) - before
    found = world.kilograms()
    world.stop()
    return found, steps


def test_killed_at_any_step_each_reading_stands_there_once(tmp_path: Path) -> None:
    expected, steps = _undisturbed(tmp_path / "undisturbed")
    assert steps > 30
    for step in range(steps):
        world = World(tmp_path / str(step), Place)
        _history(world)
        world.stop()
        world.start(at=step)
        with pytest.raises(Killed):
            world.deliver()
        world.stop()
        _carry_on(world)
        assert world.kilograms() == expected, f"killed at step {step}: {world.fuse.steps}"
        assert set(world.states()) == {"confirmed", "rejected"}
        world.stop()


def _carry_on(world: World[Place]) -> None:
    """Run on until everything that may still be invisible could be seen."""
    world.start()
    for _ in range(3):
        assert world.deliver() is None
        world.now += Place.visible_after


@pytest.mark.parametrize("written", [0, 1, 2, 3])
def test_killed_while_sending_it_is_looked_before_anything_is_sent_again(
    world: World[Place], written: int
) -> None:
    for minute in range(3):
        world.weigh(at=minute)
    world.place.faults.append(Fault(Killed(), written=written))
    with pytest.raises(Killed):
        world.deliver()
    assert world.states() == ["sending"] * 3
    world.stop()
    world.start()
    world.place.calls.clear()
    world.deliver()
    assert world.place.calls[0][0] == "look"
    assert Counter(world.states()) == Counter(confirmed=written, unknown=3 - written)
    assert world.calls("send") == 0
    world.now += Place.visible_after
    world.deliver()
    assert world.states() == ["confirmed"] * 3
    assert world.kilograms() == weights(0, 1, 2)


def test_killed_while_sending_a_place_that_may_get_it_twice_gets_it_again(
    notes: World[Notebook],
) -> None:
    for minute in range(3):
        notes.weigh(at=minute)
    notes.place.faults.append(Fault(Killed(), written=2))
    with pytest.raises(Killed):
        notes.deliver()
    notes.stop()
    notes.start()
    assert notes.deliver() is None
    assert notes.kilograms() == weights(0, 1, 2)
    assert notes.states() == ["delivered"] * 3
