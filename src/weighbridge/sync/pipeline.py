"""The sync of one person: collect, plan, deliver. Begin to read here.

    source ──► collect ──► archive ──► plan ──► deliver ──► targets

Everything that starts work calls ``bring_up_to_date``, or ``advance`` where others wait for their
turn. Both may be stopped anywhere and run again.
"""

from __future__ import annotations

from weighbridge.core.days import Window
from weighbridge.core.errors import Problem
from weighbridge.sync.collecting import collect
from weighbridge.sync.context import Delivered, Outcome, PersonSync, Route
from weighbridge.sync.planning import plan
from weighbridge.sync.route_delivery import republish_if_changed, serve
from weighbridge.targets.base import KeepsConnection

MOST_WAITS = 3
"""The groups of one weigh-in are stored some seconds apart: each may begin a wait of its own."""


def bring_up_to_date(sync: PersonSync, window: Window | None = None) -> Outcome:
    """Collect what is new, write down what is owed, deliver it.

    Problems on the way are in the outcome. Raised is only what concerns the home folder itself:
    StateProblem, and RetryLater while another process keeps the database busy.

    With a ``window`` the records of that span are read again and owed, however old they are.
    """
    outcome = Outcome(sync.person)
    _collect_and_plan(sync, window, outcome)
    _let_settle(sync, outcome)
    outcome.deliveries = [_serve(sync, route) for route in sync.routes if route.selected]
    republish_if_changed(sync, outcome)
    return outcome


def advance(sync: PersonSync, *, asking: bool) -> Outcome:
    """One step of a server: collect, plan, and serve the targets that are connected already.

    Those take milliseconds; the others are left to ``catch_up``, what settles later is due later.
    Without ``asking`` the source is left alone. Raises like ``bring_up_to_date``.
    """
    outcome = Outcome(sync.person)
    if asking:
        _collect(sync, None, outcome)
    plan(sync, None)
    _serve_connected(sync, outcome)
    return outcome


def catch_up(sync: PersonSync) -> Outcome:
    """The other step of a server: serve the targets that may take their time."""
    outcome = Outcome(sync.person)
    outcome.deliveries = [_serve(sync, route) for route in sync.routes if not _is_connected(route)]
    return outcome


def look_again(sync: PersonSync, window: Window) -> Outcome:
    """Read some days again, to see what is gone from them: no cursor tells of that."""
    outcome = Outcome(sync.person)
    _collect(sync, window, outcome)
    plan(sync, None)
    _serve_connected(sync, outcome)
    return outcome


def _serve_connected(sync: PersonSync, outcome: Outcome) -> None:
    outcome.deliveries = [_serve(sync, route) for route in sync.routes if _is_connected(route)]
    republish_if_changed(sync, outcome)


def _is_connected(route: Route) -> bool:
    return isinstance(route.target, KeepsConnection)


def _collect_and_plan(sync: PersonSync, window: Window | None, outcome: Outcome) -> None:
    """Whatever the source says now, what is known already gets planned, and so delivered."""
    _collect(sync, window, outcome)
    plan(sync, window)


def _collect(sync: PersonSync, window: Window | None, outcome: Outcome) -> None:
    """A problem is part of the outcome, and written down."""
    try:
        collect(sync, window, outcome)
    except Problem as problem:
        outcome.problem = problem
        sync.progress.stopped(sync.person, "Withings", problem)
        if sync.archive:
            with sync.database.transaction(of=sync.archive.account):
                sync.archive.note_trouble(problem, sync.clock())


def _let_settle(sync: PersonSync, outcome: Outcome) -> None:
    """Wait for what is fresh, and read again; once more only if that brought something new."""
    for _ in range(MOST_WAITS):
        wait, before = sync.seconds_to_settle(), outcome.changed
        if wait <= 0 or outcome.problem is not None:
            return
        sync.progress.settling(sync.person, wait)
        sync.sleep(wait)
        _collect_and_plan(sync, None, outcome)
        if outcome.changed == before:
            return


def _serve(sync: PersonSync, route: Route) -> Delivered:
    """Deliver; once more if another process stored a change of what was being delivered."""
    delivered = serve(sync, route)
    if sync.archive is None or not sync.archive.anything_touched():
        return delivered
    plan(sync, None)
    again = serve(sync, route)
    again.sent += delivered.sent
    again.already_there += delivered.already_there
    return again
