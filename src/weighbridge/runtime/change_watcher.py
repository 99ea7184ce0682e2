"""What other processes did to the home folder: a login, a decision of a person, a sync."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from weighbridge.runtime.schedule import Schedule
from weighbridge.storage.database import Database
from weighbridge.storage.ledger import Ledger
from weighbridge.sync.due import next_due


class _Login(msgspec.Struct, frozen=True):
    """How the Withings login of a person stands."""

    works: bool
    stored_at: float
    in_trouble: bool
    """The last time that Withings was asked, something was wrong."""

    def is_news(self, before: _Login | None) -> bool:
        """Whether it works now and did not before.

        It may have ended and been replaced between two looks: what was asked meanwhile failed.
        """
        if before is None or not before.works:
            return self.works
        return self.works and self.in_trouble and self.stored_at != before.stored_at


class ExternalChangeWatcher:
    """Looks at the database when somebody wrote to it, and notes what became due.

    It costs one number when nothing happened, and otherwise what is open, not what exists.
    """

    def __init__(self, database: Database, scheduler: Schedule, clock: Callable[[], float]) -> None:
        self._database = database
        self._scheduler = scheduler
        self._clock = clock
        self._version = database.version_of_others()
        self._logins: dict[str, _Login] = dict(self._read_logins())

    def begin(self) -> None:
        """The start: whatever waits is sent, and everybody's targets are looked at once."""
        self._serve_who_has_something_open()
        for name in self._scheduler.people():
            self._scheduler.serve(name, self._clock())
            self._scheduler.serve_slow(name, self._clock())

    def look(self) -> list[str]:
        """Note what changed since the last look. The people whose login works now.

        Raises what the database raises; the next look makes up for it.
        """
        version = self._database.version_of_others()
        if version == self._version:
            return []
        logins = dict(self._read_logins())
        back = [name for name, login in logins.items() if login.is_news(self._logins.get(name))]
        self._logins = logins
        for name in back:
            self._scheduler.ask(name, self._clock())
        self._serve_who_has_something_open()
        self._version = version
        return back

    def _read_logins(self) -> Iterable[tuple[str, _Login]]:
        for row in self._database.all("withings_logins"):
            login = _Login(bool(row["works"]), row["stored_at"], bool(row["in_trouble"]))
            yield row["person"], login

    def _serve_who_has_something_open(self) -> None:
        for row in self._database.all("routes_with_open_deliveries"):
            if row["person"] in self._scheduler.people():
                now = self._clock()
                due = next_due(Ledger(self._database, row["person"], row["target"], now), now)
                if due is not None:
                    self._scheduler.serve(row["person"], max(due, now))
