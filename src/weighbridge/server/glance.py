"""What other processes did to the home folder: a login, a decision of a person, a sync."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from weighbridge.archive.database import Database
from weighbridge.archive.ledger import Ledger
from weighbridge.config import Settings
from weighbridge.deliver.due import next_due
from weighbridge.server.scheduler import Scheduler


class _Login(msgspec.Struct, frozen=True):
    """How the Withings login of a person stands."""

    connected: bool
    needed: bool

    @property
    def works(self) -> bool:
        return self.connected and not self.needed


class Glance:
    """Looks at the database when somebody wrote to it, and notes what became due.

    It costs one number when nothing happened, and otherwise what is open, not what exists.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        scheduler: Scheduler,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._settings = settings
        self._scheduler = scheduler
        self._clock = clock
        self._version = database.version_of_others()
        self._logins: dict[str, _Login] = dict(self._read_logins())

    def begin(self) -> None:
        """The start of the server: whoever is overdue is asked about, whatever waits is sent."""
        self._serve_who_has_something_open()
        for name in self._scheduler.people():
            self._scheduler.serve(name, self._clock())

    def look(self) -> list[str]:
        """Note what changed since the last look. The people whose login works now."""
        version = self._database.version_of_others()
        if version == self._version:
            return []
        self._version = version
        logins = dict(self._read_logins())
        back = [
            name
            for name, login in logins.items()
            if login.works and not self._logins.get(name, _Login(False, False)).works
        ]
        self._logins = logins
        for name in back:
            self._scheduler.ask(name, self._clock())
        self._serve_who_has_something_open()
        return back

    def _read_logins(self) -> Iterable[tuple[str, _Login]]:
        for row in self._database.all("withings_logins"):
            yield row["person"], _Login(True, row["login_needed"] is not None)

    def _serve_who_has_something_open(self) -> None:
        for row in self._database.all("routes_with_open_deliveries"):
            if row["person"] in self._scheduler.people():
                ledger = Ledger(self._database, row["person"], row["target"], self._clock())
                due = next_due(ledger)
                if due is not None:
                    self._scheduler.serve(row["person"], max(due, self._clock()))
