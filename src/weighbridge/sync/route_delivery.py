"""Serve one route: nothing to do, not yet due, served elsewhere, or delivered by the engine.

What a target keeps for good, like the newest values at a broker, is published again when it changed
without anything to send, as after a login with its history, or a deletion.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.core.reason import read_reason
from weighbridge.storage.archive import Archive
from weighbridge.storage.leases import name_of
from weighbridge.storage.ledger import FOR_EVER, Ledger
from weighbridge.sync.context import Delivered, DeliveryContext, Outcome, PersonSync, Route
from weighbridge.sync.engine import Engine
from weighbridge.sync.retry import paused_until
from weighbridge.sync.stored_readings import feeds_of
from weighbridge.targets.base import KeepsConnection

LEASE_SECONDS = 15 * 60.0
LEASE_PATIENCE = 5 * 60.0
SHORT_PATIENCE = 2.0
"""Seconds: a server comes again, and what it hears of this person meanwhile must not wait."""


def serve(sync: PersonSync, route: Route) -> Delivered:
    """Deliver what is owed to one target. Never raises a Problem: targets are strangers."""
    result = Delivered(route.name, route.kind)
    try:
        result.problem = route.problem or _serve(sync, route, result)
    except Problem as problem:
        result.problem = problem
    if result.problem:
        sync.progress.stopped(sync.person, route.name, result.problem)
    _take_stock(route.ledger, result)
    return result


def _serve(sync: PersonSync, route: Route, result: Delivered) -> Problem | None:
    ledger = route.ledger
    if problem := _login_needed(route):
        return problem
    if not _has_work(sync, ledger):
        return None
    pause = paused_until(ledger.row(), sync.clock()) - sync.clock()
    if pause > 0:
        raise RetryLater(code="target.paused", after=pause, target=route.name, seconds=round(pause))
    name = name_of("deliveries", sync.person, route.name)
    wait = SHORT_PATIENCE if sync.heeds_backoff else LEASE_PATIENCE
    with sync.leases.hold(name, seconds=LEASE_SECONDS, patience=wait) as renew:
        engine = Engine(_work(sync, route, renew), sync.cloud_now())
        sync.progress.delivering(sync.person, route.name, _owed(ledger))
        problem = engine.deliver()
        result.sent = engine.counts.sent
        result.already_there = engine.counts.already_there
    return problem


def _work(sync: PersonSync, route: Route, renew: Callable[[], None]) -> DeliveryContext:
    archive = sync.archive
    assert route.target is not None
    return DeliveryContext(
        target=route.target,
        ledger=route.ledger,
        recall=lambda instants: sync.planned.at(archive, instants) if archive else {},
        touch=lambda instant: _touch(archive, instant),
        renew=renew,
        clock=sync.clock,
        told=lambda number: sync.progress.delivered(sync.person, route.name, number),
        heed_backoff=sync.heeds_backoff,
    )


def _touch(archive: Archive | None, instant: int) -> None:
    """Have the records of an instant planned again, of whatever feed they are."""
    if archive is not None:
        for feed in feeds_of(archive):
            archive.of(feed.name).touch(instant, instant)


def _has_work(sync: PersonSync, ledger: Ledger) -> bool:
    counts = ledger.counts()
    if counts.get(State.UNKNOWN) or counts.get(State.SENDING) or ledger.count_unseen():
        return True
    if not counts.get(State.PLANNED):
        return False
    now = sync.clock() if sync.heeds_backoff else FOR_EVER
    return bool(ledger.due(1, now=now, cloud_now=sync.cloud_now(), start=0))


def _login_needed(route: Route) -> Problem | None:
    """A dead login is not tried again: what became owed since then waits for its person as well."""
    ledger = route.ledger
    row = ledger.row()
    if row["decision"] != LoginNeeded.decision:
        return None
    if not route.signs_in:
        ledger.wake()
        return None
    why = read_reason(row["trouble"])
    assert why is not None, "a decision is stored with its reason"
    ledger.block(why)
    return LoginNeeded.of(why)


def _owed(ledger: Ledger) -> int:
    return ledger.counts().get(State.PLANNED, 0)


def _take_stock(ledger: Ledger, result: Delivered) -> None:
    result.open = dict(ledger.counts())
    result.unseen = ledger.count_unseen()
    result.older = ledger.row()["older"]


log = logging.getLogger(__name__)


def republish_if_changed(sync: PersonSync, outcome: Outcome) -> None:
    """After what was due has been sent: those who were sent something know it all already."""
    has_changed = outcome.changed or outcome.gone
    told = {one.target for one in outcome.deliveries if one.sent or one.problem}
    for route in sync.routes:
        is_new = route.ledger.row()["attempted_at"] is None
        if route.selected and route.name not in told and (has_changed or is_new):
            republish(route, sync.clock())


def republish(route: Route, now: float) -> None:
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
