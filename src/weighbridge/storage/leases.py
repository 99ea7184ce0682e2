"""One holder at a time across all processes: a row with an end, and a proof of life beside it.

The row is the truth and works on any database. The proof of life is a lock that the operating
system drops when a process dies, so that a killed holder on this machine is noticed at once and
not only when its time is over. No lease outlives a power cut, as its holder does not either.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.errors import Problem, RetryLater, StateProblem
from weighbridge.storage.database import Database

if TYPE_CHECKING:
    from filelock import BaseFileLock

POLL_SECONDS = 0.1


def name_of(work: str, person: str, other: str) -> str:
    """The name of a lease. However odd the names of people and targets are, two never share one."""
    return msgspec.json.encode([work, person, other]).decode()


class LeaseHolder:
    """The proof that a process still lives: a locked file under ``run/`` in the home folder."""

    def __init__(self, home: Path) -> None:
        self.name = uuid.uuid4().hex
        self._folder = home / "run"
        self._lock: BaseFileLock | None = None
        self._guard = threading.Lock()
        self._stays = False

    def begin(self) -> None:
        """Lock the file, once. Raises StateProblem when the folder cannot be written."""
        with self._guard:
            if self._lock is None:
                try:
                    self._folder.mkdir(mode=0o700, exist_ok=True)
                    lock = self._file_lock(self.name)
                    lock.acquire(timeout=0)
                except OSError as error:
                    raise StateProblem(
                        code="home.folder", path=str(self._folder), error=error.strerror
                    ) from error
                self._lock = lock

    def stay(self) -> None:
        """Leave the file behind at the end: unlocked, it shows that this process is dead."""
        self._stays = True

    def end(self) -> None:
        """Unlock and remove it."""
        with self._guard:
            if self._lock is not None:
                self._lock.release()
                self._lock = None
                if not self._stays:
                    self.bury(self.name)

    def is_over(self, holder: str) -> bool:
        """True when ``holder`` ran on this machine and is dead."""
        if holder == self.name or not self._path(holder).exists():
            return False
        from filelock import Timeout

        lock = self._file_lock(holder)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        lock.release()
        return True

    def bury(self, holder: str) -> None:
        """Remove the file of a process that holds nothing any more."""
        self._path(holder).unlink(missing_ok=True)

    def _path(self, holder: str) -> Path:
        return self._folder / f"{holder}.lock"

    def _file_lock(self, holder: str) -> BaseFileLock:
        from filelock import FileLock

        return FileLock(self._path(holder), mode=0o600, thread_local=False)


class Leases:
    """The leases of one process."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._sleep = sleep
        self._life = LeaseHolder(database.home)

    def close(self) -> None:
        """Give the proof of life back."""
        self._life.end()

    @contextmanager
    def hold(self, name: str, *, seconds: float, patience: float) -> Iterator[Callable[[], None]]:
        """Hold a lease. Waits at most ``patience`` seconds for it, then raises RetryLater.

        Yields a function that renews it; it raises RetryLater when the lease was lost meanwhile.
        """
        self._life.begin()
        self._take(name, seconds, patience)
        try:
            yield lambda: self._renew(name, seconds)
        finally:
            self._give_back(name)

    def _give_back(self, name: str) -> None:
        try:
            with self._database.relaxed():
                self._database.run("give_lease_back", name=name, holder=self._life.name)
        except Problem:
            # A disk that is full takes no row away either. The next process is not to wait for us.
            self._life.stay()
            raise

    def _take(self, name: str, seconds: float, patience: float) -> None:
        waited = 0.0
        while not self._try(name, seconds):
            if waited >= patience:
                raise RetryLater(code="home.busy", seconds=round(waited))
            self._sleep(POLL_SECONDS)
            waited += POLL_SECONDS

    def _try(self, name: str, seconds: float) -> bool:
        row = self._database.one("lease_of", name=name)
        if row and self._life.is_over(row["holder"]):
            # It may have held several, and its file is the only proof for all of them.
            self._database.run("give_all_leases_back", holder=row["holder"])
            self._life.bury(row["holder"])
        now = self._clock()
        with self._database.relaxed():
            changed = self._database.run(
                "take_lease",
                name=name,
                holder=self._life.name,
                expires_at=now + seconds,
                now=now,
            )
        return changed == 1

    def _renew(self, name: str, seconds: float) -> None:
        with self._database.relaxed():
            changed = self._database.run(
                "renew_lease",
                name=name,
                holder=self._life.name,
                expires_at=self._clock() + seconds,
            )
        if changed != 1:
            raise RetryLater(code="home.taken_over")
