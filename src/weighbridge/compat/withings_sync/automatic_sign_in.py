"""The sign-in at a target without a usable session: once in a run.

Garmin and TrainerRoad count sign-ins and block accounts. So the circuit breaker of the target is
respected, and without a terminal, credentials that were refused are not tried again for hours.
They are recognised by four bytes of a slow hash, which is too little to recover them.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping

from weighbridge.cli.times import span
from weighbridge.compat.withings_sync.target_credentials import TargetCredentials
from weighbridge.config import Person, TargetSettings
from weighbridge.core.commands import login_command
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.storage.api_pauses import SignInBreaker, breaker_name
from weighbridge.storage.routes import route_row
from weighbridge.sync.services import Services

ROUNDS = 100_000
"""Of PBKDF2: a tenth of a second on a small computer."""


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
        self._respect_breaker(target)
        refused = None if attended else self._refused(target, login)
        try:
            self._send(target, login)
        except LoginNeeded as problem:
            if refused is not None:
                refused.open(problem.reason)
            raise LoginNeeded(problem.message, remedy=_by_hand(target)) from problem

    def _send(self, target: TargetSettings, login: TargetCredentials) -> None:
        from weighbridge.cli.login_target import Given, sign_in

        known = (
            {f"{target.kind.upper()}_PASSWORD": login.password.reveal()} if login.password else {}
        )
        given = Given(
            username=login.username or None,
            password_stdin=False,
            password_file=None,
            code=None,
            ticket=None,
            environ=known,
        )
        sign_in(self._services, self._person, target, given)

    def _respect_breaker(self, target: TargetSettings) -> None:
        opened = self._services.breaker(self._person.name, target.name).state()
        if opened is not None:
            wait = opened.until - self._services.clock()
            by_browser = f"{login_command(target.name, self._person.name)} --ticket"
            raise RetryLater(
                f"{opened.reason.message()} No password is sent for another {span(wait)}: "
                "each try makes the block longer.",
                remedy=f"Wait, or sign in with a browser: {by_browser}",
                after=wait,
            )

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
