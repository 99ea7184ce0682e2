"""The worst battery of a person's devices, for those who are told: asked for once a day."""

from __future__ import annotations

import logging

from weighbridge.core.errors import Problem, StateProblem
from weighbridge.sources.withings.devices import list_devices, worst_battery
from weighbridge.storage.archive import Archive
from weighbridge.sync.services import Services

log = logging.getLogger(__name__)

FRESH = 86_400.0
"""Seconds for which an answer is good enough."""


def known_battery(archive: Archive) -> str | None:
    """``low``, ``medium`` or ``high``; None: Withings never said."""
    row = archive.database.one("battery_of", account=archive.account)
    return row["battery"] if row else None


def refresh_battery(workplace: Services, person: str) -> None:
    """Ask Withings if the last answer is old. Without an answer it stays as it was.

    Raises StateProblem; no other trouble with a battery concerns anybody.
    """
    archive, now = workplace.archive(person), workplace.clock()
    if archive is None:
        return
    row = archive.database.one("battery_of", account=archive.account)
    if row and row["battery_at"] is not None and 0.0 <= now - row["battery_at"] < FRESH:
        return
    try:
        level = worst_battery(list_devices(workplace.source(person).ask_aside))
    except StateProblem:
        raise
    except Problem as problem:
        log.info("battery_not_told", extra={"person": person, "problem": type(problem).__name__})
    else:
        archive.database.run("keep_battery", account=archive.account, battery=level, now=now)
