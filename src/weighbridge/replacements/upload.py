"""The road of one person, with the sign-ins that this command makes where they are needed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from weighbridge.assembly import Workplace
from weighbridge.errors import LoginNeeded, Problem, RetryLater
from weighbridge.pipeline import bring_up_to_date, collect
from weighbridge.plan.planner import State
from weighbridge.plan.window import Window
from weighbridge.replacements.settings import Plan
from weighbridge.replacements.sign_in import SignIns
from weighbridge.road import Delivered, Outcome, Road, Route


def upload(workplace: Workplace, plan: Plan, window: Window | None, sign_ins: SignIns) -> Outcome:
    """Bring the person up to date at the targets of the plan. Trouble is in the outcome.

    One target's trouble, even its sign-in, never stops another.
    """
    unready = {target.name: sign_ins.prepare(target) for target in plan.targets}
    road = workplace.road(plan.person, only=[target.name for target in plan.targets])
    _set_aside(road, {name: problem for name, problem in unready.items() if problem})
    outcome = bring_up_to_date(road, window)
    for target in plan.targets:
        if unready[target.name] is None and _is_dead(outcome, target.name):
            _serve_again(workplace, plan, target.name, outcome, sign_ins.renew(target))
    for delivered in outcome.deliveries:
        _count_as_waiting(delivered)
    return outcome


def read_only(workplace: Workplace, plan: Plan, window: Window | None) -> Outcome:
    """Read what is new at Withings and send nothing; a later run delivers it."""
    outcome = Outcome(plan.person.name)
    nobody = msgspec.structs.replace(plan.person, targets=())
    try:
        collect(workplace.road(nobody), window, outcome)
    except Problem as problem:
        outcome.problem = problem
    return outcome


def _set_aside(road: Road, problems: Mapping[str, Problem]) -> None:
    """What is owed to them is written down all the same, and delivered after the sign-in."""

    def marked(route: Route) -> Route:
        problem = problems.get(route.name)
        if problem is None:
            return route
        if isinstance(problem, LoginNeeded):
            route.ledger.note_trouble(type(problem).__name__, str(problem), road.clock())
        return msgspec.structs.replace(route, problem=problem)

    road.routes = [marked(route) for route in road.routes]


def _is_dead(outcome: Outcome, target: str) -> bool:
    """Whether the session turned out to be dead on the way."""
    return any(
        isinstance(delivered.problem, LoginNeeded)
        for delivered in outcome.deliveries
        if delivered.target == target
    )


def _serve_again(
    workplace: Workplace, plan: Plan, target: str, outcome: Outcome, problem: Problem | None
) -> None:
    at = [delivered.target for delivered in outcome.deliveries].index(target)
    if problem is not None:
        outcome.deliveries[at].problem = problem
        return
    again = bring_up_to_date(workplace.road(plan.person, only=[target]))
    (outcome.deliveries[at],) = again.deliveries


def _count_as_waiting(delivered: Delivered) -> None:
    """What waits for a login waits for us when we are going to sign in by ourselves."""
    if isinstance(delivered.problem, RetryLater):
        blocked = delivered.open.pop(State.BLOCKED, 0)
        delivered.open[State.PLANNED] = delivered.open.get(State.PLANNED, 0) + blocked
