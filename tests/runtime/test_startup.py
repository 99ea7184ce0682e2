"""What is due when the server starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.monitoring import DAY, HOUR, POLL, START, World
from weighbridge.runtime.schedule import Schedule
from weighbridge.runtime.startup import AT_ONCE, SPREAD, first_ask, note_what_is_due
from weighbridge.sources.withings.notification import Notification
from weighbridge.storage.notification_store import store_notifications


@pytest.mark.parametrize(
    ("checked_at", "due"),
    [
        (None, START),
        (START - HOUR, START + POLL - HOUR),
        (START - POLL, START + 5),
        (START - 99 * DAY, START + 5),
        (START + 2 * HOUR, START),
        (START + 400 * DAY, START),
    ],
)
def test_the_poll_goes_on_where_it_was_and_a_wrong_clock_stops_nobody(
    checked_at: float | None, due: float
) -> None:
    assert first_ask(checked_at, START, POLL, late=5) == due


def test_a_large_house_is_not_looked_at_in_one_go(tmp_path: Path) -> None:
    people = [f"p{number}" for number in range(AT_ONCE + 2)]
    world = World(tmp_path / "home", *people)
    world.now += DAY
    scheduler = Schedule(people, lambda: world.now)
    with world.open() as workplace:
        last = note_what_is_due(workplace, scheduler, lambda: 0.5)
    assert last == START
    moments = [scheduler.next_ask(name) for name in people]
    assert moments == [world.now] * AT_ONCE + [world.now + SPREAD / 2] * 2


def test_who_notified_before_the_server_stopped_is_next(tmp_path: Path) -> None:
    world = World(tmp_path / "home", "anna", "ben")
    scheduler = Schedule(["anna", "ben"], lambda: world.now)
    with world.open() as workplace:
        store_notifications(workplace.database, [(Notification("user of ben", 1), world.now)])
        note_what_is_due(workplace, scheduler, lambda: 0.5)
    errand = scheduler.take()
    assert errand is not None
    assert (errand.person, errand.notified) == ("ben", True)
