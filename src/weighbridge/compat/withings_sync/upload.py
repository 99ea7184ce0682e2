"""The pipeline for one person, with a sign-in at each target that needs one."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from weighbridge.compat.withings_sync.automatic_sign_in import AutomaticSignIn
from weighbridge.compat.withings_sync.run_plan import RunPlan
from weighbridge.config import TargetSettings
from weighbridge.core.days import Window
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.sync.collecting import collect
from weighbridge.sync.context import Delivered, Outcome, PersonSync, Route
from weighbridge.sync.pipeline import bring_up_to_date
from weighbridge.sync.services import Services


def upload(
    services: Services, plan: RunPlan, window: Window | None, sign_ins: AutomaticSignIn
) -> Outcome:
    """Bring the person up to date at the targets of the plan. Problems are in the outcome.

    A problem at one target, even with its sign-in, never stops another target.
    """
    unready = {target.name: sign_ins.prepare(target) for target in plan.targets}
    person_sync = services.person_sync(plan.person, only=[target.name for target in plan.targets])
    _set_aside(person_sync, {name: problem for name, problem in unready.items() if problem})
    outcome = bring_up_to_date(person_sync, window)
    for target in plan.targets:
        if unready[target.name] is None:
            _sign_in_and_retry(services, plan, target, outcome, sign_ins)
    for delivered in outcome.deliveries:
        _count_as_waiting(delivered)
    return outcome


def read_only(services: Services, plan: RunPlan, window: Window | None) -> Outcome:
    """Read what is new at Withings and send nothing; a later run delivers it."""
    outcome = Outcome(plan.person.name)
    without_targets = msgspec.structs.replace(plan.person, targets=())
    try:
        collect(services.person_sync(without_targets), window, outcome)
    except Problem as problem:
        outcome.problem = problem
    return outcome


def _set_aside(person_sync: PersonSync, problems: Mapping[str, Problem]) -> None:
    """Plan for these targets, but deliver only after a sign-in."""

    def marked(route: Route) -> Route:
        problem = problems.get(route.name)
        if problem is None:
            return route
        if isinstance(problem, LoginNeeded):
            route.ledger.note_trouble(problem, person_sync.clock())
        return msgspec.structs.replace(route, problem=problem)

    person_sync.routes = [marked(route) for route in person_sync.routes]


def _sign_in_and_retry(
    services: Services,
    plan: RunPlan,
    target: TargetSettings,
    outcome: Outcome,
    sign_ins: AutomaticSignIn,
) -> None:
    """When the session ended during the delivery: sign in and deliver again."""
    at = [delivered.target for delivered in outcome.deliveries].index(target.name)
    reason = outcome.deliveries[at].problem
    if not isinstance(reason, LoginNeeded):
        return
    problem = sign_ins.renew(target, reason)
    if problem is not None:
        outcome.deliveries[at].problem = problem
        return
    again = bring_up_to_date(services.person_sync(plan.person, only=[target.name]))
    (outcome.deliveries[at],) = again.deliveries


def _count_as_waiting(delivered: Delivered) -> None:
    """Readings that wait for a login count as waiting when the next run will sign in by itself."""
    if isinstance(delivered.problem, RetryLater):
        blocked = delivered.open.pop(State.BLOCKED, 0)
        delivered.open[State.PLANNED] = delivered.open.get(State.PLANNED, 0) + blocked
