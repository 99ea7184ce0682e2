"""Days that are named: read again, sent when asked for, and compared with what is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.groups import group
from fixtures.killed import weights
from fixtures.pipeline import TODAY, World, delivered
from fixtures.places import PlaceFault
from weighbridge.core.days import Window
from weighbridge.core.errors import RetryLater
from weighbridge.storage.archive import account_archive
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.sync.stored_readings import readings_between
from weighbridge.testing.builders import NOON

FOR_EVER = 2**62


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home")


def test_older_readings_are_counted_once_and_sent_when_asked_for(world: World) -> None:
    world.since = Window(TODAY, zone="UTC")
    world.weigh(at=-2000)
    world.weigh(at=0)
    outcome = world.sync()
    assert delivered(outcome).older == 1
    world.cloud.put(group({167: 60}, group_id=9, taken_at=NOON - 60 * 2000, updated_at=NOON + 99))
    assert delivered(world.sync()).older == 1
    outcome = world.sync(Window(zone="UTC"), only=["place"])
    assert delivered(outcome).older == 0
    assert len(world.place.standing()) == 2
    assert world.older() == [1, 0]


def test_a_window_is_read_again_and_marks_what_is_gone(world: World) -> None:
    for minute in range(4):
        world.weigh(at=minute)
    world.place.faults.append(PlaceFault(RetryLater("Busy.")))
    world.sync()
    del world.cloud.groups[3]
    assert world.sync(only=["notes"]).gone == 0, "a deleted group is not told"
    outcome = world.sync(Window(TODAY, TODAY, "UTC"))
    assert outcome.gone == 1
    assert world.cloud.asked[-1]["lastupdate"] is None
    assert world.kilograms() == weights(0, 1, 3)
    assert "superseded" in world.states()
    with SqliteDatabase(world.home) as database:
        archive = account_archive(database, "anna")
        assert archive is not None
        assert len(list(readings_between(archive, 0, FOR_EVER))) == 3


def test_a_window_with_an_odd_group_marks_nothing_as_gone(world: World) -> None:
    world.weigh(at=0)
    world.weigh(at=1)
    world.sync()
    del world.cloud.groups[2]
    world.cloud.odd = [b'{"grpid": 2, "date": "?"}']
    assert world.sync(Window(TODAY, TODAY, "UTC")).gone == 0


def test_a_window_does_not_move_the_cursor(world: World) -> None:
    world.weigh()
    world.sync(Window(TODAY, TODAY, "UTC"))
    assert world.cursor() == 0
    assert world.kilograms() == weights(0)


def test_a_window_that_breaks_off_marks_nothing_as_gone(world: World) -> None:
    for minute in range(4):
        world.weigh(at=minute)
    world.sync()
    world.cloud.problem, world.cloud.fail_after = RetryLater("Status 503."), 1
    outcome = world.sync(Window(TODAY, TODAY, "UTC"))
    assert isinstance(outcome.problem, RetryLater)
    assert outcome.gone == 0
