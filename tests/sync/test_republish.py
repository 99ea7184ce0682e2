"""What a target keeps for good is right even when there was nothing to send."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.groups import group
from fixtures.pipeline import TODAY, World
from fixtures.places import Notebook, PlaceFault
from weighbridge.core.days import Window
from weighbridge.core.errors import ExitCode, RetryLater
from weighbridge.targets.base import ServerHandle, ServerStatus
from weighbridge.testing.builders import NOON


class Board(Notebook):
    """A place with a notice board that shows the newest values."""

    announced = 0
    trouble: Exception | None = None

    def start(self, server: ServerHandle) -> None:
        raise AssertionError("nobody stays here")

    def republish(self) -> None:
        self.announced += 1
        if self.trouble is not None:
            raise self.trouble

    def publish_status(self, status: ServerStatus) -> None:
        raise AssertionError("nobody reports here")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home")


@pytest.fixture
def board(world: World) -> Board:
    board = Board(world.clock)
    world.targets["board"] = board
    return board


def test_history_that_is_not_sent_is_shown_all_the_same(world: World, board: Board) -> None:
    world.since = Window(TODAY, zone="UTC")
    world.weigh(at=-2000)
    world.sync()
    assert (board.standing(), board.announced) == ([], 1)
    world.sync()
    assert board.announced == 1, "nothing changed"


def test_what_was_sent_need_not_be_said_again(world: World, board: Board) -> None:
    world.weigh()
    world.sync()
    assert (len(board.standing()), board.announced) == (1, 0)


def test_a_deletion_is_shown(world: World, board: Board) -> None:
    for minute in range(2):
        world.weigh(at=minute)
    world.sync()
    del world.cloud.groups[2]
    world.sync(Window(TODAY, TODAY, "UTC"))
    assert board.announced == 1


def test_a_reading_whose_owner_came_into_doubt_is_taken_back(world: World, board: Board) -> None:
    world.weigh()
    world.sync()
    doubtful = group({1: "70.5"}, group_id=1, taken_at=NOON, updated_at=NOON + 900, attribution=1)
    world.cloud.put(doubtful)
    world.sync()
    assert (len(board.standing()), board.announced) == (1, 1)


def test_a_target_that_is_not_chosen_says_nothing(world: World, board: Board) -> None:
    world.since = Window(TODAY, zone="UTC")
    world.weigh(at=-2000)
    world.sync(only=["place"])
    assert board.announced == 0


def test_a_target_that_is_away_says_everything_when_it_is_back(world: World, board: Board) -> None:
    board.faults.append(PlaceFault(RetryLater("The broker is away.")))
    world.weigh()
    world.sync()
    assert board.announced == 0


@pytest.mark.parametrize("trouble", [RetryLater("The broker is away."), ValueError("a defect")])
def test_trouble_with_saying_it_stops_nobody(
    world: World, board: Board, trouble: Exception
) -> None:
    board.trouble = trouble
    world.since = Window(TODAY, zone="UTC")
    world.weigh(at=-2000)
    assert world.sync().exit_code is ExitCode.DONE
    assert board.announced == 1
