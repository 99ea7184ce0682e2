"""What is due without a job before it: at the start of the server, and when another process changed
something in the home folder (a login, a decision of a person, a sync).
"""

from __future__ import annotations

from collections.abc import Callable

from weighbridge.config import Directory, everyone
from weighbridge.runtime.poll_policy import jittered
from weighbridge.runtime.schedule import Schedule
from weighbridge.storage.accounts import account_state
from weighbridge.storage.database import Database
from weighbridge.storage.ledger import Ledger, routes_with_open_deliveries
from weighbridge.storage.logins import WithingsLoginState, withings_login_states
from weighbridge.storage.notification_store import people_with_open_notifications
from weighbridge.sync.retry import next_due
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


class ExternalChangeWatcher:
    """Looks at the database after another process wrote to it, and plans what became due.

    A look costs one number when nothing happened, and otherwise what is open, not what exists.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        schedule: Schedule,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._directory = directory
        self._schedule = schedule
        self._clock = clock
        self._version = database.version_of_others()
        self._logins = withings_login_states(database)

    def look(self) -> list[str]:
        """Plan what changed since the last look. The people whose Withings login works now.

        Raises what the database raises; the next look makes up for it.
        """
        version = self._database.version_of_others()
        if version == self._version:
            return []
        logins = withings_login_states(self._database)
        back = [
            name for name, login in logins.items() if _works_again(login, self._logins.get(name))
        ]
        self._logins = logins
        for name in back:
            if self._directory.find(name):
                self._schedule.poll_at(name, self._clock())
        self._plan_open_deliveries()
        self._version = version
        return back

    def _plan_open_deliveries(self) -> None:
        for person, target in routes_with_open_deliveries(self._database):
            if self._directory.find(person) is None:
                continue
            now = self._clock()
            due = next_due(Ledger(self._database, person, target, now), now)
            if due is not None:
                self._schedule.deliver_at(person, max(due, now))


def _works_again(login: WithingsLoginState, before: WithingsLoginState | None) -> bool:
    """Whether a login works now and did not before.

    It may have ended and been replaced between two looks: what was asked meanwhile failed.
    """
    if before is None or not before.works:
        return login.works
    return login.works and login.has_problem and login.stored_at != before.stored_at
