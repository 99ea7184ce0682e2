"""Killed at any step and started again, each reading stands there once."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from fixtures.engine import World
from fixtures.killed import Killed, weights
from fixtures.places import Notebook, Place, PlaceFault
from weighbridge.testing.builders import NOON, weigh_in


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
    world.place.faults.append(PlaceFault(Killed(), written=written))
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
    notes.place.faults.append(PlaceFault(Killed(), written=2))
    with pytest.raises(Killed):
        notes.deliver()
    notes.stop()
    notes.start()
    assert notes.deliver() is None
    assert notes.kilograms() == weights(0, 1, 2)
    assert notes.states() == ["delivered"] * 3
