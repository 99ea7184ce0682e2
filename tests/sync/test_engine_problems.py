"""Every class of problem leads to its state, and the rest stays owed."""

from __future__ import annotations

import pytest

from fixtures.engine import READINGS, World
from fixtures.killed import weights
from fixtures.places import Letterbox, Place, PlaceFault
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import (
    ConfigProblem,
    LoginNeeded,
    OutcomeUnknown,
    Problem,
    Refused,
    RetryLater,
    SignInBlocked,
    StateProblem,
)
from weighbridge.sync.retry import FIRST_WAIT, LONGEST_WAIT, decide
from weighbridge.sync.sending import send_all
from weighbridge.testing.builders import NOON, owe, weigh_in


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
    letters.place.faults.append(PlaceFault(problem))
    found = letters.deliver()
    assert letters.states() == [state]
    [row] = letters.rows()
    assert row["answer"]
    assert row["attempts"] == 1
    if not isinstance(problem, Refused):
        assert isinstance(found, Problem)
        assert letters.ledger.row()["decision"] == found.decision


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
    letters.place.faults.append(PlaceFault(RetryLater("Busy.")))
    assert isinstance(letters.deliver(), RetryLater)
    assert letters.states() == ["planned"] * READINGS
    assert letters.deliver() is None
    assert letters.kilograms() == weights(*range(READINGS))


def test_a_back_off_is_heeded_by_those_who_ask_for_it(letters: World[Letterbox]) -> None:
    letters.weigh()
    letters.place.faults.append(PlaceFault(RetryLater("Busy.", after=60)))
    letters.deliver(heed_backoff=True)
    letters.deliver(heed_backoff=True)
    assert letters.states() == ["planned"]
    letters.now += 60
    letters.deliver(heed_backoff=True)
    assert letters.states() == ["delivered"]


def test_the_target_is_left_alone_for_as_long_as_it_asked(letters: World[Letterbox]) -> None:
    letters.weigh()
    letters.place.faults.append(PlaceFault(RetryLater("Busy.", after=90)))
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


def test_sending_never_raises_a_problem() -> None:
    place = Place(lambda: 0.0)
    for problem in (RetryLater("x"), LoginNeeded("x"), OutcomeUnknown("x"), KeyError("x")):
        place.faults.append(PlaceFault(problem))
        receipt = send_all(place, [owe(weigh_in())])
        assert isinstance(receipt.problem, Problem)
        assert receipt.delivered == {}


def test_a_delivery_is_tried_again_after_a_minute_and_at_least_every_six_hours() -> None:
    assert (FIRST_WAIT, LONGEST_WAIT) == (60.0, 6 * 3600.0)
