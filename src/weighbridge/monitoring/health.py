"""Readiness: does the server do its work? The answer is for ``/readyz``, which everybody may read,
so it names no person and gives no number of people.

A login that only a person can renew does not make the server unready: everybody else is served, an
alert was sent, and a monitor that stays red for weeks hides the next problem.
"""

from __future__ import annotations

import logging

import msgspec

from weighbridge.core.errors import Problem
from weighbridge.monitoring.checks import (
    MonitoredServer,
    is_overdue,
    needs_login,
    silence_bound,
)
from weighbridge.monitoring.write_probe import WriteProbe
from weighbridge.storage.database import Database
from weighbridge.sync.status import judge_source

log = logging.getLogger(__name__)

PROVE_EVERY = 60.0
"""Seconds for which a proof that the disk can be written is good, however many ask."""


class Readiness(msgspec.Struct, frozen=True):
    """The body of ``/readyz``."""

    ready: bool
    reasons: list[str]


def judge_readiness(server: MonitoredServer, proof: WriteProbe) -> Readiness:
    """Look into the database and prove that it can be written. Blocks; never raises."""
    try:
        with server.open() as workplace:
            proof.renew(workplace.database, server.clock())
            reasons = _why_not(workplace.database, server)
    except Problem as problem:  # its text names folders: for the log only
        log.info("not_ready", extra={"problem": str(problem)})
        reasons = ["The home folder or its database cannot be used. Look into the log."]
    except Exception:  # whoever asks must get an answer, and the log the reason
        log.exception("readiness_unknown")
        reasons = ["It could not be found out. Look into the log."]
    return Readiness(not reasons, reasons)


def _why_not(database: Database, server: MonitoredServer) -> list[str]:
    now = server.clock()
    for person in server.settings.people:
        source = judge_source(database, person.name)
        if needs_login(source):
            continue  # waits for a person, not for us
        if is_overdue(source, server.settings, now, server.started_at):
            minutes = f"{silence_bound(server.settings) / 60:.0f}"
            return [
                f"Withings has not been read for longer than {minutes} minutes. "
                "Run: weighbridge status"
            ]
    return []
