"""Readiness: does the server do its work? The answer is for ``/readyz``, which everybody may read,
so it names no person and gives no number of people.

A login that only a person can renew does not make the server unready: everybody else is served, an
alert was sent, and a monitor that stays red for weeks hides the next problem.
"""

from __future__ import annotations

import logging
import threading

import msgspec

from weighbridge.config import everyone
from weighbridge.core.errors import Problem
from weighbridge.monitoring.checks import (
    MonitoredServer,
    is_overdue,
    needs_login,
    silence_bound,
)
from weighbridge.storage.api_pauses import rehearse_write
from weighbridge.storage.database import Database, prove_writable
from weighbridge.sync.sync_status import source_status

log = logging.getLogger(__name__)

PROVE_EVERY = 60.0
"""Seconds for which a proof that the disk can be written is good, however many ask."""


class Readiness(msgspec.Struct, frozen=True):
    """The body of ``/readyz``."""

    ready: bool
    reasons: list[str]


_PROVING = threading.Lock()
"""The small file that proves it has one name in a process."""


class WriteProbe:
    """Whether the home folder can be written: proven every ``every`` seconds only, because each
    proof costs the disk a little life, and a memory card has not much of it. After a failure it is
    proven each time until it works again.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._proven_at: float | None = None

    def renew(self, database: Database, now: float) -> None:
        """Raises StateProblem or RetryLater when nothing could be written. Nothing is changed."""
        if self._proven_at is not None and 0.0 <= now - self._proven_at < self._every:
            return
        self._proven_at = None
        with _PROVING:
            rehearse_write(database)
            prove_writable(database.home)
        self._proven_at = now


def judge_readiness(server: MonitoredServer, probe: WriteProbe) -> Readiness:
    """Look into the database and prove that it can be written. Blocks; never raises."""
    try:
        with server.open() as services:
            probe.renew(services.database, server.clock())
            reasons = _why_not(services.database, server)
    except Problem as problem:  # its text names folders: for the log only
        log.info("not_ready", extra={"problem": str(problem)})
        reasons = ["The home folder or its database cannot be used. Look into the log."]
    except Exception:  # the answer is given all the same, and the log has the reason
        log.exception("readiness_unknown")
        reasons = ["It could not be found out. Look into the log."]
    return Readiness(not reasons, reasons)


def _why_not(database: Database, server: MonitoredServer) -> list[str]:
    now = server.clock()
    for person in everyone(server.settings.directory):
        source = source_status(database, person.name)
        if needs_login(source):
            continue  # waits for a person, not for us
        if is_overdue(source, server.settings, now, server.started_at):
            minutes = f"{silence_bound(server.settings) / 60:.0f}"
            return [
                f"Withings has not been read for longer than {minutes} minutes. "
                "Run: weighbridge status"
            ]
    return []
