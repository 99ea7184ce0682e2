"""A sync that is stopped anywhere and run again ends with the same result."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fixtures.groups import group
from fixtures.killed import Killed
from fixtures.pipeline import World, fresh
from weighbridge.core.errors import ExitCode
from weighbridge.testing.builders import NOON


def _household(folder: Path) -> World:
    """Something was delivered before; now there are new, late, corrected and odd groups."""
    world = World(folder)
    world.weigh("70.5", at=0)
    world.weigh("70.5", at=1)
    world.sync()
    later = {"stored_at": NOON + 700}
    world.cloud.put(group({1: "71.5"}, group_id=1, taken_at=NOON, updated_at=NOON + 700))
    world.cloud.put(group({167: 60}, group_id=20, taken_at=NOON + 60, **later))
    world.cloud.put(group({4: "1.72"}, group_id=21, taken_at=NOON - 60, **later))
    world.cloud.put(group({9: 79, 10: 121}, group_id=22, taken_at=NOON + 120, **later))
    world.cloud.put(group({1: 80}, group_id=23, taken_at=NOON + 120, **later))
    world.cloud.put(fresh(24, {1: 60}, stored_at=world.now - 5))
    world.cloud.odd = [b'"not even an object"']
    return world


def _result(world: World) -> dict[str, Any]:
    return {
        "ledger": world.ledger(),
        "archive": world.archived(),
        "cursor": world.cursor(),
        "place": world.place.standing(),
        "notes": world.notes.standing(),
        "touched": world._rows("SELECT * FROM touched"),
    }


def _run_to_the_end(world: World) -> None:
    """The next runs; the first one long enough after that what was sent could be seen."""
    for _ in range(3):
        world.now += 3600
        if world.sync().exit_code is ExitCode.DONE:
            return
    raise AssertionError("it never ends")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    world = _household(tmp_path_factory.mktemp("undisturbed"))
    assert world.sync().exit_code is ExitCode.DONE
    return _result(world), len(world.fuse.steps)


def test_the_undisturbed_run_has_many_steps(undisturbed: tuple[dict[str, Any], int]) -> None:
    result, steps = undisturbed
    assert steps > 60
    assert len(result["place"]) == 5
    assert {row[4] for row in result["ledger"]} <= {"confirmed", "delivered", "superseded"}


@pytest.mark.parametrize("part", range(4))
def test_killed_between_any_two_steps_it_ends_like_the_run_that_nobody_killed(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int], part: int
) -> None:
    expected, steps = undisturbed
    for step in range(part, steps, 4):
        world = _household(tmp_path / str(step))
        with pytest.raises(Killed):
            world.sync(at=step)
        name = world.fuse.steps[step]
        _run_to_the_end(world)
        assert _result(world) == expected, f"killed at step {step}: {name}"


def test_killed_twice_it_ends_the_same_way(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int]
) -> None:
    expected, steps = undisturbed
    for step in range(5, steps, 11):
        world = _household(tmp_path / str(step))
        with pytest.raises(Killed):
            world.sync(at=step)
        world.now += 3600
        with suppress(Killed):  # it may have little left to do
            world.sync(at=step // 2)
        _run_to_the_end(world)
        assert _result(world) == expected, f"killed at step {step} and {step // 2}"
