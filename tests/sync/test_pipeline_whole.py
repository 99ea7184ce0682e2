"""The whole sync of one person: run again, it does nothing twice and loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.groups import group
from fixtures.killed import weights
from fixtures.pipeline import World, delivered
from weighbridge.core.errors import ExitCode, StateProblem
from weighbridge.storage.archive import account_archive
from weighbridge.storage.leases import Leases
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.sync.collecting import OVERLAP
from weighbridge.sync.context import Delivered, Outcome
from weighbridge.sync.planning import plan
from weighbridge.testing.builders import NOON


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home")


# Without interruption


def test_everything_is_collected_planned_and_delivered(world: World) -> None:
    for minute in range(5):
        world.weigh(at=minute)
    outcome = world.sync()
    assert outcome.problem is None
    assert outcome.exit_code is ExitCode.DONE
    assert (outcome.groups, outcome.changed, outcome.odd) == (5, 5, 0)
    assert world.kilograms() == world.kilograms(world.notes) == weights(*range(5))
    assert delivered(outcome).sent == 5
    assert world.naps == []


def test_a_second_run_asks_once_and_does_nothing(world: World) -> None:
    world.weigh()
    world.sync()
    world.cloud.asked.clear()
    calls = [len(world.place.calls), len(world.notes.calls)]
    outcome = world.sync()
    assert outcome.exit_code is ExitCode.DONE
    assert world.cloud.asked == [{"lastupdate": NOON + 5 - OVERLAP, "start": None, "end": None}]
    assert [len(world.place.calls), len(world.notes.calls)] == calls


def test_an_edited_group_corrects_what_was_delivered(world: World) -> None:
    world.weigh("70.5")
    world.sync()
    world.cloud.put(group({1: "71.5"}, taken_at=NOON, updated_at=NOON + 500))
    world.sync()
    assert world.kilograms() == world.kilograms(world.notes) == weights(0, kg="71.5")


def test_weight_and_blood_pressure_in_the_same_second_are_both_delivered(world: World) -> None:
    world.cloud.put(group({1: 80}, group_id=1), group({9: 79, 10: 121}, group_id=2))
    world.sync()
    assert [kind for _, kind, _ in world.place.standing()] == ["blood_pressure", "body"]


def test_a_road_knows_its_errands_by_their_urgency() -> None:
    assert Outcome("anna").exit_code is ExitCode.DONE
    one = Delivered("a", "memory", open={"rejected": 1})
    other = Delivered("b", "memory", open={"blocked": 1})
    assert Outcome("anna", deliveries=[one]).exit_code is ExitCode.LOOK
    assert Outcome("anna", deliveries=[one, other]).exit_code is ExitCode.LOG_IN
    held = msgspec.structs.replace(one, open={"held": 3})
    assert Outcome("anna", deliveries=[held]).exit_code is ExitCode.DONE


# The home folder


def test_a_disk_that_fills_up_loses_nothing(world: World) -> None:
    for minute in range(400):
        world.weigh(at=minute - 400)
    world.cloud.page_size = 50
    with SqliteDatabase(world.home) as database:
        pages = database._connection.execute("PRAGMA page_count").fetchone()[0]

    def small(self: SqliteDatabase, *args: Any) -> None:
        original(self, *args)
        self._connection.execute(f"PRAGMA max_page_count = {pages + 8}")

    original = SqliteDatabase.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteDatabase, "__init__", small)
        with pytest.raises(StateProblem, match="full"):
            world.sync()
    assert world.cursor() == 0
    assert world.sync().exit_code is ExitCode.DONE
    assert world.kilograms() == weights(*range(-400, 0))


def test_planning_twice_changes_nothing(world: World) -> None:
    for minute in range(3):
        world.weigh(at=minute)
    world.sync()
    before = world.ledger()
    with SqliteDatabase(world.home) as database:
        leases = Leases(database, world.clock, world.sleep)
        archive = account_archive(database, "anna")
        assert archive is not None
        archive.touch_everything()
        plan(world.person_sync(database, leases), None)
        assert archive.next_touched(-1, 10) == []
    assert world.ledger() == before


def test_many_instants_are_planned_in_several_transactions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weighbridge.sync.planning.INSTANTS_AT_ONCE", 2)
    for minute in range(7):
        world.weigh(at=minute)
    world.sync()
    assert world.kilograms() == weights(*range(7))
