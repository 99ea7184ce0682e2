"""What other processes changed in the home folder: a login, a decision of a person, a sync."""

from __future__ import annotations

from collections.abc import Callable

from weighbridge.config.directory import Directory
from weighbridge.runtime.schedule import Schedule
from weighbridge.storage.database import Database
from weighbridge.storage.ledger import Ledger, routes_with_open_deliveries
from weighbridge.storage.logins import WithingsLoginState, withings_login_states
from weighbridge.sync.due import next_due


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
