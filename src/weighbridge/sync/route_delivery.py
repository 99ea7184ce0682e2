"""Serve one route: nothing to do, not yet, somebody else is at it, or let the engine work."""

from __future__ import annotations

from collections.abc import Callable

from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.storage.ledger import FOR_EVER, Ledger
from weighbridge.sync.context import Delivered, PersonSync, Route
from weighbridge.sync.delivery_context import DeliveryContext
from weighbridge.sync.due import paused_until
from weighbridge.sync.engine import Engine
from weighbridge.sync.stored_readings import readings_at

LEASE_SECONDS = 15 * 60.0
LEASE_PATIENCE = 5 * 60.0
SHORT_PATIENCE = 2.0
"""Seconds: a server comes again, and what it hears of this person meanwhile must not wait."""


def serve(road: PersonSync, route: Route) -> Delivered:
    """Deliver what is owed to one target. Never raises a Problem: targets are strangers."""
    result = Delivered(route.name, route.kind)
    try:
        result.problem = route.problem or _serve(road, route, result)
    except Problem as problem:
        result.problem = problem
    if result.problem:
        road.progress.stopped(road.person, route.name, result.problem)
    _take_stock(route.ledger, result)
    return result


def _serve(road: PersonSync, route: Route, result: Delivered) -> Problem | None:
    ledger = route.ledger
    if problem := _login_needed(route):
        return problem
    if not _has_work(road, ledger):
        return None
    pause = paused_until(ledger.row(), road.clock()) - road.clock()
    if pause > 0:
        raise RetryLater(code="target.paused", after=pause, target=route.name, seconds=round(pause))
    name = f"the deliveries of {road.person} to {route.name}"
    wait = SHORT_PATIENCE if road.heeds_backoff else LEASE_PATIENCE
    with road.leases.hold(name, seconds=LEASE_SECONDS, patience=wait) as renew:
        engine = Engine(_work(road, route, renew), road.cloud_now())
        road.progress.delivering(road.person, route.name, _owed(ledger))
        problem = engine.deliver()
        result.sent = engine.counts.sent
        result.already_there = engine.counts.already_there
    return problem


def _work(road: PersonSync, route: Route, renew: Callable[[], None]) -> DeliveryContext:
    archive = road.archive
    assert route.target is not None
    return DeliveryContext(
        target=route.target,
        ledger=route.ledger,
        recall=lambda instants: readings_at(archive, instants) if archive else {},
        touch=archive.touch if archive else lambda start, end: None,
        renew=renew,
        clock=road.clock,
        told=lambda number: road.progress.delivered(road.person, route.name, number),
        heed_backoff=road.heeds_backoff,
    )


def _has_work(road: PersonSync, ledger: Ledger) -> bool:
    counts = ledger.counts()
    if counts.get(State.UNKNOWN) or counts.get(State.SENDING) or ledger.count_unseen():
        return True
    if not counts.get(State.PLANNED):
        return False
    now = road.clock() if road.heeds_backoff else FOR_EVER
    return bool(ledger.due(1, now=now, cloud_now=road.cloud_now(), start=0))


def _login_needed(route: Route) -> Problem | None:
    """A dead login is not tried again: what became owed since then waits for its person as well."""
    ledger = route.ledger
    row = ledger.row()
    if row["trouble_kind"] != LoginNeeded.__name__:
        return None
    if not route.signs_in:
        ledger.wake()
        return None
    problem = LoginNeeded(row["trouble"])
    ledger.block(problem.message)
    return problem


def _owed(ledger: Ledger) -> int:
    return ledger.counts().get(State.PLANNED, 0)


def _take_stock(ledger: Ledger, result: Delivered) -> None:
    result.open = dict(ledger.counts())
    result.unseen = ledger.count_unseen()
    result.older = ledger.row()["older"]
