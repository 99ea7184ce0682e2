"""What Withings sends is collected, and neither trouble nor odd answers lose any of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from fixtures.groups import group
from fixtures.killed import weights
from fixtures.pipeline import Cloud, World
from fixtures.places import PlaceFault
from weighbridge.core.errors import ExitCode, LoginNeeded, RetryLater
from weighbridge.core.measures import MeasureGroup
from weighbridge.core.reason import plain
from weighbridge.sources.withings.kind import Page
from weighbridge.testing.builders import NOON


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home")


# The cursor


def test_the_cursor_moves_with_the_last_page_only(world: World) -> None:
    for minute in range(6):
        world.weigh(at=minute)
    world.cloud.problem, world.cloud.fail_after = RetryLater("Status 503."), 2
    outcome = world.sync()
    assert isinstance(outcome.problem, RetryLater)
    assert outcome.exit_code is ExitCode.LATER
    assert world.cursor() == 0
    assert world.kilograms() == weights(0, 1, 2, 3), "what arrived is delivered"
    world.cloud.problem = None
    outcome = world.sync()
    assert outcome.changed == 2
    assert world.cursor() == NOON + 5 * 60 + 5
    assert world.kilograms() == weights(*range(6))


class ById(Cloud):
    """The order is not guaranteed: here it is that of the ids."""

    def _chosen(self, *bounds: int | None) -> list[MeasureGroup]:
        return sorted(super()._chosen(*bounds), key=lambda one: one.group_id)


def test_what_changes_while_the_pages_are_read_is_not_lost(world: World) -> None:
    cloud = ById(lambda: world.now)
    world.cloud = cloud
    for minute in range(4):
        world.weigh(at=minute)
    began = int(world.now)
    original = Cloud._page

    def page(self: Cloud, rows: Sequence[bytes], more: bool) -> Page:
        made = original(self, rows, more)
        if int(world.now) == began:  # this was the first one
            cloud.put(group({1: 60}, group_id=0, taken_at=NOON - 60, updated_at=began + 1))
            cloud.put(group({1: 71}, group_id=4, taken_at=NOON + 180, updated_at=began + 2))
            world.now += 2
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cloud, "_page", page)
        world.sync()
    assert (3, Decimal(71)) in world.kilograms()
    assert (-1, Decimal(60)) not in world.kilograms(), "it came onto a page that was read"
    world.sync()
    assert (-1, Decimal(60)) in world.kilograms()


def test_the_cursor_is_the_services_own(world: World) -> None:
    world.cloud.put(group({1: 80}, updated_at=int(world.now) + 5000))
    world.sync()
    assert world.cursor() == int(world.now)


def test_groups_without_a_time_of_change_never_move_the_cursor(world: World) -> None:
    world.cloud.put(group({1: 80}, stored_at=None, updated_at=None))
    world.sync()
    assert world.cursor() == 0
    assert world.sync().changed == 0
    assert world.kilograms() == weights(0, kg="80")


# One odd answer harms nobody else


def test_an_odd_group_is_kept_and_counted_and_the_rest_goes_on(world: World) -> None:
    world.cloud.odd = [b'"not even an object"', b'{"grpid": "?", "date": 1}']
    world.weigh()
    outcome = world.sync()
    assert outcome.odd == 2
    assert outcome.exit_code is ExitCode.DONE
    assert world.kilograms() == weights(0)
    assert ('"not even an object"',) in world.archived()


def test_without_an_account_a_person_must_log_in_and_nothing_else_fails(world: World) -> None:
    world.person = "ben"
    outcome = world.sync()
    assert isinstance(outcome.problem, LoginNeeded)
    assert "weighbridge login withings --person ben" in outcome.problem.remedy
    assert outcome.exit_code is ExitCode.LOG_IN
    assert [one.problem for one in outcome.deliveries] == [None, None]


def test_withings_in_trouble_does_not_stop_what_is_known_already(world: World) -> None:
    world.weigh()
    world.place.faults.append(PlaceFault(RetryLater("Busy.")))
    world.sync()
    assert world.states() == ["planned"]
    world.cloud.problem = LoginNeeded("The login is dead.")
    outcome = world.sync()
    assert outcome.exit_code is ExitCode.LOG_IN
    assert world.kilograms() == weights(0)
    assert world._rows("SELECT trouble FROM account") == [(plain("The login is dead.").to_json(),)]


def test_a_group_that_shows_up_late_with_an_earlier_time_is_not_lost(world: World) -> None:
    world.weigh(at=1)
    world.sync()
    late = group({1: "71.5"}, group_id=77, taken_at=NOON + 30, stored_at=NOON + 20)
    world.cloud.put(late)
    assert world.sync().changed == 1
    assert (0, Decimal("71.5")) in world.kilograms()


def test_within_an_hour_of_the_newest_change_the_last_five_minutes_are_asked_for_again(
    world: World,
) -> None:
    world.weigh()
    world.sync()
    cursor = world.cursor()
    for age, overlap in [(3599, 5 * 60), (3600, 0)]:
        world.now = float(cursor + age)
        world.sync()
        assert world.cloud.asked[-1]["lastupdate"] == cursor - overlap
