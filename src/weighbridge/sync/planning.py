"""Write down what is owed, for the instants that were touched. Planning twice adds nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from weighbridge.core.days import Window
from weighbridge.core.delivery_state import Known
from weighbridge.core.errors import Problem
from weighbridge.core.records import Record
from weighbridge.sources.base import Feed
from weighbridge.storage.accounts import forget_fingerprint, planned_routes
from weighbridge.storage.archive import Archive
from weighbridge.storage.points import Points
from weighbridge.sync.context import PersonSync, Route
from weighbridge.sync.planner import owed
from weighbridge.sync.stored_readings import feeds_of, touched_records

log = logging.getLogger(__name__)

INSTANTS_AT_ONCE = 300
"""How many instants are planned in one transaction: memory is bounded by their groups."""


def plan(sync: PersonSync, window: Window | None) -> None:
    """Plan every feed. With a ``window``, the records of that span are owed, however old."""
    if sync.archive is None:
        return
    _touch(sync, sync.archive, window)
    planned = 0
    for feed in feeds_of(sync.archive):
        planned = _plan_feed(sync, sync.archive.of(feed.name), feed, window, planned)


def _plan_feed(
    sync: PersonSync, archive: Archive, feed: Feed, window: Window | None, planned: int
) -> int:
    """The number of instants that are planned so far."""
    after = -1
    while instants := archive.next_touched(after, INSTANTS_AT_ONCE):
        first, after = instants[0], instants[-1]
        with sync.database.relaxed(), sync.database.transaction(of=archive.account):
            records = touched_records(archive, first, after)
            sync.planned.keep(feed.name, instants, records)
            if feed.keeps_points:
                Points(archive).keep(first, after, records)
            for route in list(sync.routes):
                if route.target is not None:
                    known = _known(route, archive, feed, (first, after))
                    _plan_route(sync, route, records, known, window)
            archive.forget_touched(first, after)
        planned += len(instants)
        sync.progress.planned(sync.person, planned)
    return planned


def _known(route: Route, archive: Archive, feed: Feed, span: tuple[int, int]) -> dict[str, Known]:
    """What the ledger holds of this feed at the touched instants of a span."""
    known = route.ledger.known_at_touched(archive.account, archive.feed, *span)
    return {record_id: row for record_id, row in known.items() if row.kind in feed.kinds}


def _plan_route(
    sync: PersonSync,
    route: Route,
    records: Sequence[Record],
    known: dict[str, Known],
    window: Window | None,
) -> None:
    rule = route.rule.including(window) if route.selected else route.rule
    rule = msgspec.structs.replace(rule, cloud_now=sync.cloud_now())
    try:
        steps = list(owed(records, rule, known, route.ledger.accepted()))
    except Exception as error:  # a defect of one target must not stop the others
        log.exception("planning_failed", extra={"target": route.name})
        _set_aside(sync, route, error)
    else:
        route.ledger.write_down(steps, sync.clock())


def _set_aside(sync: PersonSync, route: Route, error: Exception) -> None:
    """It is not served now, and everything is planned for it again once it works."""
    route.ledger.keep_fingerprint("")
    problem = Problem(code="target.failed", error=type(error).__name__)
    broken = msgspec.structs.replace(route, target=None, problem=problem)
    sync.routes[sync.routes.index(route)] = broken


def _touch(sync: PersonSync, archive: Archive, window: Window | None) -> None:
    """Plan everything once when a target, its options or the rules changed, or a target came back.

    A target that is away now (not configured, or it cannot be built) misses what is planned
    meanwhile, so the fingerprint under which it was planned is forgotten.
    """
    present = [route for route in sync.routes if route.target is not None]
    changed = [r for r in present if r.ledger.row()["fingerprint"] != r.fingerprint]
    names = {route.name for route in present}
    away = [
        row["id"]
        for row in planned_routes(sync.database, sync.person)
        if row["target"] not in names
    ]
    if not (changed or away or window):
        return
    with sync.database.transaction(of=archive.account):
        if window:
            for feed in feeds_of(archive):
                archive.of(feed.name).touch(window.start, window.end)
        if changed:
            archive.touch_everything()
        for route in changed:
            route.ledger.keep_fingerprint(route.fingerprint)
        for identity in away:
            forget_fingerprint(sync.database, identity)
