"""A fresh reading waits a little for the groups that belong to it, by the clock of the cloud."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from fixtures.groups import group
from fixtures.killed import weights
from fixtures.pipeline import SETTLE, World, fresh
from weighbridge.core.errors import ExitCode, RetryLater
from weighbridge.testing.builders import NOON

DAY = 86_400


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home")


@pytest.mark.parametrize("host_ahead", [0.0, 5 * 3600.0, -5 * 3600.0])
def test_a_fresh_reading_settles_by_the_clock_of_the_cloud(
    tmp_path: Path, host_ahead: float
) -> None:
    world = World(tmp_path, host_ahead=host_ahead)
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now - 3))
    outcome = world.sync()
    assert world.naps == [SETTLE - 3]
    assert outcome.exit_code is ExitCode.DONE
    assert world.kilograms() == weights(0)


@pytest.mark.parametrize("host_ahead", [0.0, 5 * 3600.0, -5 * 3600.0])
def test_a_reading_that_has_settled_is_not_waited_for(tmp_path: Path, host_ahead: float) -> None:
    world = World(tmp_path, host_ahead=host_ahead)
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now - SETTLE))
    world.sync()
    assert world.naps == []
    assert world.kilograms() == weights(0)


def test_a_group_that_comes_while_we_wait_goes_out_with_the_others(world: World) -> None:
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now - 3))

    late = fresh(2, {6: "20.5"}, stored_at=world.now + 1)
    world.while_asleep = lambda: world.cloud.put(late)
    world.sync()
    assert world.naps == [7, 4], "it grew, so it settles anew"
    [(_, _, values)] = world.place.standing()
    assert values == {1: Decimal("70.5"), 6: Decimal("20.5")}
    assert [call for call, _ in world.place.calls if call in ("send", "replace")] == ["send"]
    assert world.states() == ["superseded", "confirmed"]


def test_a_late_group_grows_what_was_delivered(world: World) -> None:
    world.cloud.put(group({1: "70.5"}, group_id=1))
    world.sync()
    world.cloud.put(group({6: "20.5"}, group_id=2, stored_at=NOON + 600))
    world.sync()
    [(_, _, values)] = world.place.standing()
    assert values == {1: Decimal("70.5"), 6: Decimal("20.5")}


def test_settle_zero_sends_at_once_and_again_when_it_grows(world: World) -> None:
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now))
    world.sync(settle=0.0)
    assert world.naps == []
    assert world.kilograms() == weights(0)
    world.cloud.put(fresh(2, {6: "20.5"}, stored_at=world.now + 5))
    world.now += 5
    world.sync(settle=0.0)
    assert len(world.place.standing()) == 1


def test_one_never_waits_for_longer_than_a_reading_settles(world: World) -> None:
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now + 10 * DAY))
    outcome = world.sync()
    assert world.naps == [SETTLE]
    assert outcome.exit_code is ExitCode.DONE
    assert len(world.place.standing()) == 1


def test_without_an_answer_nobody_waits(world: World) -> None:
    world.cloud.put(fresh(1, {1: "70.5"}, stored_at=world.now))
    world.cloud.page_size = 1
    world.weigh(at=5)
    world.cloud.problem, world.cloud.fail_after = RetryLater("Status 503."), 1
    world.sync()
    assert world.naps == []
