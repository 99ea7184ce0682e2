"""The road, for one person: collect, plan, deliver. Begin to read here.

    Withings ──► collect ──► archive ──► plan ──► deliver ──► targets

Everything that starts work calls ``bring_up_to_date``, or ``advance`` where others wait for their
turn. Both may be stopped anywhere and run again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import msgspec

from weighbridge.core.commands import login_command
from weighbridge.core.days import Window
from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.core.measures import MeasureGroup, Reading
from weighbridge.sources.withings.parse import OddGroup as NotUnderstood
from weighbridge.sources.withings.parse import Page, parse_group
from weighbridge.storage.archive import Archive, OddGroup, StoredGroup
from weighbridge.storage.points import Points
from weighbridge.sync.context import Delivered, Outcome, PersonSync, Route
from weighbridge.sync.planner import owed
from weighbridge.sync.republish import keep_current
from weighbridge.sync.route_delivery import serve
from weighbridge.sync.stored_readings import touched_readings
from weighbridge.targets.base import KeepsConnection

log = logging.getLogger(__name__)

INSTANTS_AT_ONCE = 300
"""How many instants are planned in one transaction: memory is bounded by their groups."""

OVERLAP = 300
"""Seconds before the cursor from which on Withings is asked while the cursor is ``YOUNG``: a group
may become visible after another one with a later ``modified`` (two devices, two machines there),
and would never be asked for again. What we hold already changes nothing."""

YOUNG = 3600
"""Seconds. After that nothing late is expected, and a cloud where thousands of groups were changed
in one minute is not read again and again."""

MOST_WAITS = 3
"""The groups of one weigh-in are stored some seconds apart: each may begin a wait of its own."""


def bring_up_to_date(road: PersonSync, window: Window | None = None) -> Outcome:
    """Collect what is new, write down what is owed, deliver it.

    Trouble on the way is in the outcome. Raised is only what concerns the home folder itself:
    StateProblem, and RetryLater while another process keeps the database busy.

    With a ``window`` the readings of that span are read again and owed, however old they are.
    """
    outcome = Outcome(road.person)
    _collect_and_plan(road, window, outcome)
    _let_settle(road, outcome)
    outcome.deliveries = [_serve(road, route) for route in road.routes if route.selected]
    keep_current(road, outcome)
    return outcome


def advance(road: PersonSync, *, asking: bool) -> Outcome:
    """One step of a server: collect, plan, and tell the targets that are connected already.

    They are told in milliseconds; the others are left to ``catch_up``, what settles later is due
    later. Without ``asking`` Withings is left alone. Raises like ``bring_up_to_date``.
    """
    outcome = Outcome(road.person)
    if asking:
        _collect_and_plan(road, None, outcome)
    else:
        plan(road, None)
    outcome.deliveries = [_serve(road, route) for route in road.routes if _stays(route)]
    keep_current(road, outcome)
    return outcome


def catch_up(road: PersonSync) -> Outcome:
    """The other step of a server: serve the targets that may take their time."""
    outcome = Outcome(road.person)
    outcome.deliveries = [_serve(road, route) for route in road.routes if not _stays(route)]
    return outcome


def look_again(road: PersonSync, window: Window) -> Outcome:
    """Read some days anew, to see what is gone from them: a change that no cursor tells of."""
    outcome = Outcome(road.person)
    _collect(road, window, outcome)
    plan(road, None)
    outcome.deliveries = [_serve(road, route) for route in road.routes if _stays(route)]
    keep_current(road, outcome)
    return outcome


def _stays(route: Route) -> bool:
    return isinstance(route.target, KeepsConnection)


def _serve(road: PersonSync, route: Route) -> Delivered:
    """Deliver; once more if another process stored a change of what was being delivered."""
    delivered = serve(road, route)
    if road.archive is None or not road.archive.next_touched(after=-1, most=1):
        return delivered
    plan(road, None)
    again = serve(road, route)
    again.sent += delivered.sent
    again.already_there += delivered.already_there
    return again


def _let_settle(road: PersonSync, outcome: Outcome) -> None:
    """Wait for what is fresh, and read again; once more only if that brought something new."""
    for _ in range(MOST_WAITS):
        wait, before = road.seconds_to_settle(), outcome.changed
        if wait <= 0 or outcome.problem is not None:
            return
        road.progress.settling(road.person, wait)
        road.sleep(wait)
        _collect_and_plan(road, None, outcome)
        if outcome.changed == before:
            return


def _collect_and_plan(road: PersonSync, window: Window | None, outcome: Outcome) -> None:
    """Whatever Withings says now, what is known already gets planned, and so delivered."""
    _collect(road, window, outcome)
    plan(road, window)


def _collect(road: PersonSync, window: Window | None, outcome: Outcome) -> None:
    """Trouble is part of the outcome, and written down."""
    try:
        collect(road, window, outcome)
    except Problem as problem:
        outcome.problem = problem
        road.progress.stopped(road.person, "Withings", problem)
        if road.archive:
            with road.database.transaction():
                road.archive.note_trouble(str(problem), road.clock())


def collect(road: PersonSync, window: Window | None, outcome: Outcome) -> None:
    """Bring the archive up to date. The cursor moves with the last page, never before it."""
    archive = road.archive
    if archive is None:
        raise LoginNeeded(
            code="withings.not_connected",
            person=road.person,
            login=login_command("withings", road.person),
        )
    newest, seen = archive.cursor, set[int]()
    began = 0
    for page in _pages(road, archive, window):
        road.set_cloud_time(page.updatetime)
        began = began or page.updatetime
        groups, odd = _understand(page)
        newest = max([newest, *(group.updated_at or 0 for group, _ in groups)])
        if window:
            seen.update(group.group_id for group, _ in groups)
        with road.database.relaxed(), road.database.transaction():
            changed = archive.store(groups, odd, road.clock())
            if page.last:
                archive.note_checked(road.clock())
            if page.last and window and not (odd or outcome.odd):
                outcome.gone = _forget_missing(road, archive, seen, window)
            elif page.last and not window:
                # What changed while we were reading may have come onto a page that we had already.
                archive.advance_cursor(min(newest, began))
        outcome.changed += changed
        outcome.odd += len(odd)
        outcome.groups += len(page.groups)
        road.progress.collected(road.person, outcome.groups)


def _forget_missing(road: PersonSync, archive: Archive, seen: set[int], window: Window) -> int:
    """Mark what the cloud no longer has; counted readings may be among it, so count again."""
    gone = archive.forget_missing(seen, window.start, _end_of(road, window), road.clock())
    if gone:
        for route in road.routes:
            route.ledger.keep_fingerprint("")
    return gone


def _pages(road: PersonSync, archive: Archive, window: Window | None) -> Iterator[Page]:
    if window:
        return road.source().pages(start=window.start, end=_end_of(road, window))
    young = road.cloud_now() - archive.cursor < YOUNG
    begin = archive.cursor - (OVERLAP if young else 0) - road.earlier
    return road.source().pages(lastupdate=max(begin, 0))


def _end_of(road: PersonSync, window: Window) -> int:
    """What is asked for and what is compared: a date beyond all calendars might be refused."""
    return min(window.end, int(road.clock()) + 86_400)


def _understand(page: Page) -> tuple[list[tuple[MeasureGroup, StoredGroup]], list[OddGroup]]:
    """Every group alone: one that cannot be understood is kept raw, the rest goes on."""
    groups, odd = [], []
    for raw in page.groups:
        text = bytes(raw).decode("utf-8", "replace")
        try:
            group = parse_group(raw, zone=page.timezone)
        except NotUnderstood as error:
            odd.append(OddGroup(text, error.reason))
        else:
            groups.append((group, StoredGroup(text, page.timezone)))
    return groups, odd


def plan(road: PersonSync, window: Window | None) -> None:
    """Write down what is owed, for the instants that were touched. Planning twice adds nothing."""
    archive = road.archive
    if archive is None:
        return
    _touch(road, archive, window)
    after, planned = -1, 0
    while instants := archive.next_touched(after, INSTANTS_AT_ONCE):
        first, after = instants[0], instants[-1]
        with road.database.relaxed(), road.database.transaction():
            readings = touched_readings(archive, first, after)
            Points(archive).keep(first, after, readings)
            for route in list(road.routes):
                if route.target is not None:
                    _plan_route(road, route, readings, (first, after), window)
            archive.forget_touched(first, after)
        planned += len(instants)
        road.progress.planned(road.person, planned)


def _plan_route(
    road: PersonSync,
    route: Route,
    readings: Sequence[Reading],
    span: tuple[int, int],
    window: Window | None,
) -> None:
    assert road.archive is not None
    rule = route.rule.including(window) if route.selected else route.rule
    rule = msgspec.structs.replace(rule, cloud_now=road.cloud_now())
    known = route.ledger.known_at_touched(road.archive.account, *span)
    try:
        steps = list(owed(readings, rule, known, route.ledger.accepted()))
    except Exception as error:  # a defect of one target must not stop the others
        log.exception("planning_failed", extra={"target": route.name})
        _set_aside(road, route, error)
    else:
        route.ledger.write_down(steps, road.clock())


def _set_aside(road: PersonSync, route: Route, error: Exception) -> None:
    """It is not served now, and everything is planned for it again once it works."""
    route.ledger.keep_fingerprint("")
    problem = Problem(code="target.failed", error=type(error).__name__)
    broken = msgspec.structs.replace(route, target=None, problem=problem)
    road.routes[road.routes.index(route)] = broken


def _touch(road: PersonSync, archive: Archive, window: Window | None) -> None:
    """Everything once when a target, its options or the rules changed, or a target came back.

    A target that is away now (not configured, or it cannot be built) misses what is planned
    meanwhile, so the fingerprint under which it was planned is forgotten.
    """
    present = [route for route in road.routes if route.target is not None]
    names = {route.name for route in present}
    rows = road.database.all("planned_routes", person=road.person)
    away = [row["id"] for row in rows if row["target"] not in names]
    changed = [r for r in present if r.ledger.row()["fingerprint"] != r.fingerprint]
    if not changed and not away and not window:
        return
    with road.database.transaction():
        if window:
            archive.touch(window.start, window.end)
        if changed:
            archive.touch_everything()
        for route in changed:
            route.ledger.keep_fingerprint(route.fingerprint)
        for identity in away:
            road.database.run("keep_fingerprint", route=identity, fingerprint="")
