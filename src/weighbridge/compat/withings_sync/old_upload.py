"""The road of one person, with the sign-ins that this command makes where they are needed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from weighbridge.compat.withings_sync.old_settings import Plan
from weighbridge.compat.withings_sync.old_sign_in import SignIns
from weighbridge.config import TargetSettings
from weighbridge.core.days import Window
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.sync.context import Delivered, Outcome, PersonSync, Route
from weighbridge.sync.pipeline import bring_up_to_date, collect
from weighbridge.sync.services import Services


def upload(workplace: Services, plan: Plan, window: Window | None, sign_ins: SignIns) -> Outcome:
    """Bring the person up to date at the targets of the plan. Trouble is in the outcome.

    One target's trouble, even its sign-in, never stops another.
    """
    unready = {target.name: sign_ins.prepare(target) for target in plan.targets}
    road = workplace.road(plan.person, only=[target.name for target in plan.targets])
    _set_aside(road, {name: problem for name, problem in unready.items() if problem})
    outcome = bring_up_to_date(road, window)
    for target in plan.targets:
        if unready[target.name] is None:
            _revive(workplace, plan, target, outcome, sign_ins)
    for delivered in outcome.deliveries:
        _count_as_waiting(delivered)
    return outcome


def read_only(workplace: Services, plan: Plan, window: Window | None) -> Outcome:
    """Read what is new at Withings and send nothing; a later run delivers it."""
    outcome = Outcome(plan.person.name)
    nobody = msgspec.structs.replace(plan.person, targets=())
    try:
        collect(workplace.road(nobody), window, outcome)
    except Problem as problem:
        outcome.problem = problem
    return outcome


def _set_aside(road: PersonSync, problems: Mapping[str, Problem]) -> None:
    """What is owed to them is written down all the same, and delivered after the sign-in."""

    def marked(route: Route) -> Route:
        problem = problems.get(route.name)
        if problem is None:
            return route
        if isinstance(problem, LoginNeeded):
            route.ledger.note_trouble(type(problem).__name__, str(problem), road.clock())
        return msgspec.structs.replace(route, problem=problem)

    road.routes = [marked(route) for route in road.routes]


def _revive(
    workplace: Services,
    plan: Plan,
    target: TargetSettings,
    outcome: Outcome,
    sign_ins: SignIns,
) -> None:
    """If the session turned out to be dead on the way: sign in, and serve the target again."""
    at = [delivered.target for delivered in outcome.deliveries].index(target.name)
    reason = outcome.deliveries[at].problem
    if not isinstance(reason, LoginNeeded):
        return
    problem = sign_ins.renew(target, reason)
    if problem is not None:
        outcome.deliveries[at].problem = problem
        return
    again = bring_up_to_date(workplace.road(plan.person, only=[target.name]))
    (outcome.deliveries[at],) = again.deliveries


def _count_as_waiting(delivered: Delivered) -> None:
    """What waits for a login waits for us when we are going to sign in by ourselves."""
    if isinstance(delivered.problem, RetryLater):
        blocked = delivered.open.pop(State.BLOCKED, 0)
        delivered.open[State.PLANNED] = delivered.open.get(State.PLANNED, 0) + blocked
