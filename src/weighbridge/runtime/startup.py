"""What is due when the server starts: polls that came due meanwhile, and open notifications."""

from __future__ import annotations

from collections.abc import Callable

from weighbridge.config.directory import Directory, everyone
from weighbridge.runtime.jobs import jittered
from weighbridge.runtime.schedule import Schedule
from weighbridge.storage.accounts import account_state
from weighbridge.storage.notification_store import people_with_open_notifications
from weighbridge.sync.services import Services

POLLED_AT_ONCE = 4
"""So many people are polled without delay; those who come after them wait a little."""
SPREAD_OF_POLLS = 30.0
"""Seconds over which the polls of the others are spread, for an installation with many people."""


def schedule_initial_work(
    services: Services, schedule: Schedule, random: Callable[[], float]
) -> None:
    """Plan the polls of everybody, and the open notifications."""
    for number, person in enumerate(everyone(services.settings.directory)):
        now = services.clock()
        delay = SPREAD_OF_POLLS * random() if number >= POLLED_AT_ONCE else 0.0
        poll = jittered(services.settings.server.poll, random)
        account = account_state(services.database, person.name)
        checked_at = account.checked_at if account else None
        schedule.poll_at(person.name, first_poll(checked_at, now, poll, delay))
    for name in people_with_open_notifications(services.database):
        if services.settings.directory.find(name):
            schedule.notified(name)


def schedule_initial_deliveries(
    directory: Directory, schedule: Schedule, clock: Callable[[], float]
) -> None:
    """Have everybody's targets served once."""
    for person in everyone(directory):
        schedule.deliver_at(person.name, clock())
        schedule.deliver_deferrable_at(person.name, clock())


def first_poll(checked_at: float | None, now: float, poll: float, delay: float) -> float:
    """When a person is polled first; ``delay`` seconds from now if that time is over.

    A person who was never polled is polled at once, and so is one who was polled in the future:
    the clock was wrong then or is wrong now.
    """
    if checked_at is None or checked_at > now:
        return now
    return max(checked_at + poll, now + delay)
