"""Whether the home folder can be written: proven now and then, as each proof costs the disk a
little life, and a memory card has not much of it.
"""

from __future__ import annotations

import threading

from weighbridge.storage.database import Database, prove_writable

_PROVING = threading.Lock()
"""The small file that proves it has one name in a process."""


class WriteProbe:
    """Renewed every so many seconds; after a failure each time until it works again."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._proven_at: float | None = None

    def renew(self, database: Database, now: float) -> None:
        """Raises StateProblem or RetryLater when nothing could be written. Nothing is changed."""
        if self._proven_at is not None and 0.0 <= now - self._proven_at < self._every:
            return
        self._proven_at = None
        prove_home(database)
        self._proven_at = now


def prove_home(database: Database) -> None:
    """Prove it now. Raises like ``WriteProbe.renew``."""
    with _PROVING, database.rehearsal():
        database.run("end_service_pause", name="")
        prove_writable(database.home)
