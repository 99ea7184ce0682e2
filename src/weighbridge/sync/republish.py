"""What a target keeps for good, like the newest values at a broker: published again when it changed
without anything to send, as after a login with its history, or a deletion.
"""

from __future__ import annotations

import logging

from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.sync.context import Outcome, PersonSync, Route
from weighbridge.targets.base import KeepsConnection

log = logging.getLogger(__name__)


def keep_current(sync: PersonSync, outcome: Outcome) -> None:
    """After what was due has been sent: those who were sent something know it all already."""
    has_changed = outcome.changed or outcome.gone
    told = {one.target for one in outcome.deliveries if one.sent or one.problem}
    for route in sync.routes:
        is_new = route.ledger.row()["attempted_at"] is None
        if route.selected and route.name not in told and (has_changed or is_new):
            say_anew(route, sync.clock())


def say_anew(route: Route, now: float) -> None:
    """Have a target say what it keeps, if it keeps anything. Never raises."""
    if not isinstance(route.target, KeepsConnection):
        return
    route.ledger.note_attempt(now)
    try:
        route.target.republish()
    except LoginNeeded as problem:  # nothing may be owed, and a person must learn of it
        route.ledger.note_trouble(problem, now)
        log.warning("not_announced", extra={"target": route.name, "problem": str(problem)})
    except Problem as problem:  # it went away, and says everything when it comes back
        log.info("not_announced", extra={"target": route.name, "problem": str(problem)})
    except Exception:  # a defect of one target must not stop the others
        log.exception("target_failed")
