"""Targets are strangers to each other: what one of them meets, the others do not feel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from fixtures.groups import group
from fixtures.killed import weights
from fixtures.pipeline import TODAY, World, delivered
from fixtures.places import Place, PlaceFault
from weighbridge.core.days import Window
from weighbridge.core.errors import ExitCode, LoginNeeded, Problem, RetryLater, StateProblem
from weighbridge.core.measures import Measurement, Reading
from weighbridge.storage.ledger import Ledger
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.testing.builders import NOON


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home")


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (RetryLater("Busy."), ExitCode.LATER),
        (LoginNeeded("Log in."), ExitCode.LOG_IN),
        (ValueError("a defect"), ExitCode.LOOK),
    ],
)
def test_a_target_in_trouble_does_not_stop_the_other(
    world: World, problem: Exception, code: ExitCode
) -> None:
    world.weigh()
    world.place.blind.append(problem)
    outcome = world.sync()
    assert outcome.exit_code is code
    assert world.kilograms() == []
    assert world.kilograms(world.notes) == weights(0)
    assert delivered(outcome, "notes").exit_code is ExitCode.DONE


class Defective(Place):
    """Its ``takes`` has a defect for one reading."""

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        if reading.taken_at == NOON + 60:
            raise ZeroDivisionError
        return super().takes(reading)


def test_a_target_that_cannot_be_planned_does_not_stop_the_other(world: World) -> None:
    world.targets["place"] = Defective(world.clock)
    for minute in range(3):
        world.weigh(at=minute)
    outcome = world.sync()
    assert outcome.exit_code is ExitCode.LOOK
    assert isinstance(delivered(outcome).problem, Problem)
    assert world.kilograms(world.notes) == weights(0, 1, 2)
    world.targets["place"] = world.place
    assert world.sync().exit_code is ExitCode.DONE
    assert world.kilograms() == weights(0, 1, 2), "nothing was forgotten meanwhile"


def test_a_target_that_cannot_be_built_now_gets_everything_later(world: World) -> None:
    world.weigh(at=0)
    world.sync()
    world.targets["place"] = StateProblem("A part is missing.", remedy="Install it.")
    world.weigh(at=1)
    outcome = world.sync()
    assert delivered(outcome).problem is world.targets["place"]
    assert world.kilograms(world.notes) == weights(0, 1)
    world.targets["place"] = world.place
    world.sync()
    assert world.kilograms() == weights(0, 1)


def test_a_target_that_was_away_gets_what_it_missed(world: World) -> None:
    world.weigh(at=0)
    world.sync()
    away = world.targets.pop("place")
    world.weigh(at=1)
    world.sync()
    world.targets["place"] = away
    world.sync()
    assert world.kilograms() == weights(0, 1)


def test_what_waits_for_a_target_survives_that_it_cannot_be_built(world: World) -> None:
    world.weigh()
    world.place.faults.append(PlaceFault(RetryLater("Busy.")))
    world.sync()
    world.targets["place"] = StateProblem("A part is missing.", remedy="Install it.")
    world.cloud.put(group({167: 60}, group_id=2, updated_at=NOON + 900))
    world.sync()
    assert world.states() == ["planned"]


def test_a_target_that_is_not_chosen_is_planned_and_not_served(world: World) -> None:
    world.weigh()
    outcome = world.sync(only=["notes"])
    assert [one.target for one in outcome.deliveries] == ["notes"]
    assert world.kilograms() == []
    assert world.states() == ["planned"]
    world.sync()
    assert world.kilograms() == weights(0)


def test_a_new_rule_has_everything_planned_once_more(world: World) -> None:
    world.since = Window(TODAY, zone="UTC")
    world.weigh(at=-2000)
    world.weigh(at=0)
    world.sync()
    assert world.kilograms() == weights(0)
    world.since, world.fingerprint = Window(zone="UTC"), "other rules"
    world.sync()
    assert world.kilograms() == weights(-2000, 0)


def test_the_pause_that_a_target_asked_for_is_kept(world: World) -> None:
    world.weigh()
    world.place.faults.append(PlaceFault(RetryLater("Busy.", after=600)))
    world.sync()
    calls = len(world.place.calls)
    outcome = world.sync()
    problem = delivered(outcome).problem
    assert isinstance(problem, RetryLater)
    assert problem.remedy
    assert len(world.place.calls) == calls
    world.now += 600
    assert world.sync().exit_code is ExitCode.DONE
    assert world.kilograms() == weights(0)


def test_a_blocked_target_is_named_until_somebody_logs_in(world: World) -> None:
    world.weigh()
    world.place.blind.append(LoginNeeded("Log in.", remedy="Run: weighbridge login"))
    world.sync()
    calls = len(world.place.calls)
    outcome = world.sync()
    assert outcome.exit_code is ExitCode.LOG_IN
    assert len(world.place.calls) == calls
    with SqliteDatabase(world.home) as database:
        Ledger(database, "anna", "place", world.clock()).wake()
    assert world.sync().exit_code is ExitCode.DONE
    assert world.kilograms() == weights(0)
