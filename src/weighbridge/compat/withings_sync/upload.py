"""The pipeline for one person, with one sign-in in a run at each target without a usable session.

Garmin and TrainerRoad count sign-ins and block accounts. So, without a terminal, credentials that
were refused are not tried again for hours. They are recognised by four bytes of a slow hash, which
is too little to recover them.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping

import msgspec

from weighbridge.cli.times import span
from weighbridge.compat.withings_sync.run_plan import RunPlan, TargetCredentials
from weighbridge.config import Person, TargetSettings
from weighbridge.core.days import Window
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.storage.accounts import route_row
from weighbridge.storage.api_pauses import SignInBreaker, breaker_name
from weighbridge.sync.collecting import collect
from weighbridge.sync.context import Delivered, Outcome, PersonSync, Route
from weighbridge.sync.pipeline import bring_up_to_date
from weighbridge.sync.services import Services

ROUNDS = 100_000
"""Of PBKDF2: a tenth of a second on a small computer."""


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


class AutomaticSignIn:
    """The sign-ins of one run: at most one for each target."""

    def __init__(
        self, services: Services, person: Person, credentials: Mapping[str, TargetCredentials]
    ) -> None:
        self._services = services
        self._person = person
        self._credentials = credentials
        self._tried: set[str] = set()

    def prepare(self, target: TargetSettings) -> Problem | None:
        """Sign in if there is no session, or one that has ended. Returns what prevented it."""
        if self._services.session(self._person.name, target).load() is None:
            return self.renew(target, LoginNeeded(f"Nobody is signed in at {target.name}."))
        if self._has_ended(target):
            return self.renew(target, LoginNeeded(f"The login at {target.name} has ended."))
        return None

    def renew(self, target: TargetSettings, reason: Problem) -> Problem | None:
        """Sign in, once in a run. Returns what prevented it; ``reason`` after the first try."""
        if target.name in self._tried:
            return reason
        self._tried.add(target.name)
        try:
            self._sign_in(target, reason)
        except Problem as problem:
            return problem
        return None

    def _has_ended(self, target: TargetSettings) -> bool:
        row = route_row(self._services.database, self._person.name, target.name)
        return row is not None and row["decision"] == LoginNeeded.decision

    def _sign_in(self, target: TargetSettings, reason: Problem) -> None:
        login = self._credentials[target.kind]
        attended = sys.stdin.isatty()
        if not attended and not (login.username and login.password):
            raise LoginNeeded(reason.message, remedy=_by_hand(target))
        refused = None if attended else self._refused(target, login)
        try:
            self._send(target, login)
        except LoginNeeded as problem:
            if refused is not None:
                refused.open(problem.reason)
            raise LoginNeeded(problem.message, remedy=_by_hand(target)) from problem

    def _send(self, target: TargetSettings, login: TargetCredentials) -> None:
        from weighbridge.cli.login_target import Given, sign_in

        variable = f"{target.kind.upper()}_PASSWORD"
        known = {variable: login.password.reveal()} if login.password else {}
        given = Given(username=login.username or None, environ=known)
        sign_in(self._services, self._person, target, given)

    def _refused(self, target: TargetSettings, login: TargetCredentials) -> SignInBreaker:
        """The breaker of these credentials. Raises LoginNeeded while it is open."""
        name = breaker_name(self._person.name, target.name, _mark(login))
        breaker = SignInBreaker(self._services.database, name, self._services.clock)
        if opened := breaker.state():
            wait = span(opened.until - self._services.clock())
            raise LoginNeeded(
                f"{opened.reason.message()} The same password is not sent again for {wait}.",
                remedy=_by_hand(target),
            )
        return breaker


def _by_hand(target: TargetSettings) -> str:
    name = target.kind.upper()
    return (
        f"Check {name}_USERNAME and {name}_PASSWORD, or run withings-sync once in a terminal: "
        "it asks for what is missing."
    )


def _mark(login: TargetCredentials) -> str:
    password = login.password.reveal() if login.password else ""
    salt = login.username.encode("utf-8", "replace")
    secret = password.encode("utf-8", "replace")
    return hashlib.pbkdf2_hmac("sha256", secret, salt, ROUNDS, dklen=4).hex()
