"""``/healthz`` and ``/readyz``: is the process alive, and does it do its work?

Both are open to everybody, so they name nobody and tell no numbers of people.

``/healthz`` touches nothing: whoever restarts a container by it must not do so because Withings
or a disk is in trouble. ``/readyz`` says whether readings flow, for a monitor that calls a person.
A login that only a person can make does not make it unready: the rest of the house works, an alert
was sent, and a monitor that stays red for weeks hides the next trouble.
"""

from __future__ import annotations

import logging

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from weighbridge.core.errors import Problem
from weighbridge.monitoring.cached_answer import CachedAnswer
from weighbridge.monitoring.checks import is_overdue, needs_login, silence_bound
from weighbridge.monitoring.write_probe import WriteProbe
from weighbridge.runtime.app_context import AppContext
from weighbridge.storage.database import Database
from weighbridge.sync.status import judge_source

log = logging.getLogger(__name__)

NO_STORE = {"Cache-Control": "no-store"}
PROVE_EVERY = 60.0
"""Seconds for which a proof that the disk can be written is good, however many ask."""


class Readiness(msgspec.Struct, frozen=True):
    """The body of ``/readyz``."""

    ready: bool
    reasons: list[str]


def routes(parts: AppContext) -> list[BaseRoute]:
    """The two paths; GET and HEAD."""
    proof = WriteProbe(PROVE_EVERY)
    readiness = CachedAnswer(lambda: judge_readiness(parts, proof))

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n", headers=NO_STORE)

    async def readyz(request: Request) -> Response:
        found = await readiness.get()
        return JSONResponse(
            msgspec.structs.asdict(found), 200 if found.ready else 503, headers=NO_STORE
        )

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def judge_readiness(parts: AppContext, proof: WriteProbe) -> Readiness:
    """Look into the database and prove that it can be written. Blocks; never raises."""
    try:
        with parts.open() as workplace:
            proof.renew(workplace.database, parts.clock())
            reasons = _why_not(workplace.database, parts)
    except Problem as problem:  # its text names folders: for the log only
        log.info("not_ready", extra={"problem": str(problem)})
        reasons = ["The home folder or its database cannot be used. Look into the log."]
    except Exception:  # whoever asks must get an answer, and the log the reason
        log.exception("readiness_unknown")
        reasons = ["It could not be found out. Look into the log."]
    return Readiness(not reasons, reasons)


def _why_not(database: Database, parts: AppContext) -> list[str]:
    now = parts.clock()
    for person in parts.settings.people:
        source = judge_source(database, person.name)
        if needs_login(source):
            continue  # waits for a person, not for us
        if is_overdue(source, parts.settings, now, parts.started_at):
            minutes = f"{silence_bound(parts.settings) / 60:.0f}"
            return [
                f"Withings has not been read for longer than {minutes} minutes. "
                "Run: weighbridge status"
            ]
    return []
