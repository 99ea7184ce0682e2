"""What is due when the server starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.monitoring import DAY, HOUR, POLL, START, World
from weighbridge.runtime.due_work import (
    POLLED_AT_ONCE,
    SPREAD_OF_POLLS,
    first_poll,
    schedule_initial_deliveries,
    schedule_initial_work,
)
from weighbridge.runtime.schedule import Job, MemorySchedule
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
    assert first_poll(checked_at, START, POLL, delay=5) == due


def test_four_people_are_polled_at_once_and_the_others_within_half_a_minute(
    tmp_path: Path,
) -> None:
    assert (POLLED_AT_ONCE, SPREAD_OF_POLLS) == (4, 30.0)
    people = [f"p{number}" for number in range(6)]
    world = World(tmp_path / "home", *people)
    world.now += DAY
    schedule = MemorySchedule(lambda: world.now)
    with world.open() as services:
        schedule_initial_work(services, schedule, lambda: 0.5)
    moments = [schedule.planned(name).at("poll") - world.now for name in people]
    assert moments == [0.0] * 4 + [15.0] * 2


def test_a_notification_from_before_the_start_is_followed_first(tmp_path: Path) -> None:
    world = World(tmp_path / "home", "anna", "ben")
    schedule = MemorySchedule(lambda: world.now)
    with world.open() as services:
        store_notifications(services.database, [(Notification("user of ben", 1), world.now)])
        schedule_initial_work(services, schedule, lambda: 0.5)
    job = schedule.take(wait=False)
    assert job is not None
    assert (job.person, job.notified) == ("ben", True)


def test_at_the_start_the_targets_of_everybody_are_served_once(tmp_path: Path) -> None:
    world = World(tmp_path / "home", "anna", "ben")
    schedule = MemorySchedule(lambda: world.now)
    schedule_initial_deliveries(world.parts.settings.directory, schedule, lambda: world.now)
    jobs = []
    while job := schedule.take(wait=False):
        jobs.append(job)
        schedule.done(job)
    urgent = [Job("anna"), Job("ben")]
    assert jobs == [*urgent, Job("anna", deferrable=True), Job("ben", deferrable=True)]
