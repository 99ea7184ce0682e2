"""What is due when the server starts: who was to be looked at meanwhile, and who had notified."""

from __future__ import annotations

from collections.abc import Callable

from weighbridge.runtime.schedule import Schedule
from weighbridge.runtime.sync_job import jittered
from weighbridge.storage.notification_store import people_with_open_notifications
from weighbridge.sync.services import Services

AT_ONCE = 4
"""So many people are looked at without delay; whoever comes after them waits a little."""
SPREAD = 30.0
"""Seconds over which the others who are overdue are asked about, for a large house."""


def note_what_is_due(
    workplace: Services, scheduler: Schedule, random: Callable[[], float]
) -> float | None:
    """Fill the diaries. When Withings was last read, in epoch seconds; None: never."""
    last: float | None = None
    for number, person in enumerate(workplace.settings.people):
        row = workplace.database.one("account_of", person=person.name)
        checked_at = row["checked_at"] if row else None
        if checked_at is not None:
            last = max(last or 0.0, checked_at)
        late = SPREAD * random() if number >= AT_ONCE else 0.0
        poll = jittered(workplace.settings.server.poll, random)
        scheduler.ask(person.name, first_ask(checked_at, workplace.clock(), poll, late))
    for name in people_with_open_notifications(workplace.database):
        scheduler.notified(name)
    return last


def first_ask(checked_at: float | None, now: float, poll: float, late: float) -> float:
    """When somebody was to be looked at anyway; ``late`` seconds from now if that is over.

    Somebody who was never looked at is at once, and so is whoever was looked at in the future: the
    clock was wrong then or is wrong now.
    """
    if checked_at is None or checked_at > now:
        return now
    return max(checked_at + poll, now + late)
