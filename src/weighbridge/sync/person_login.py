"""Connecting a person to Withings and to targets, and disconnecting: for terminal and pages.

At a target whatever the kind asks for, a circuit breaker, and no stored password. A person may need
minutes between password and code: nothing of the home folder is held open meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

import msgspec

from weighbridge.config import Person, TargetSettings
from weighbridge.core.commands import login_command
from weighbridge.core.errors import ConfigProblem, LoginNeeded, RetryLater, SignInBlocked
from weighbridge.core.reason import Reason, read_reason, reason
from weighbridge.sources.withings.oauth import WithingsApp, exchange
from weighbridge.sources.withings.token_refresh import LEASE
from weighbridge.storage.accounts import account_row, route_row
from weighbridge.storage.archive import connect_account
from weighbridge.storage.database import Row, prove_writable
from weighbridge.storage.ledger import Ledger
from weighbridge.storage.subscription_store import look_soon
from weighbridge.sync.services import Services
from weighbridge.targets import load_kind
from weighbridge.targets.base import SignedIn, SignInAnswers
from weighbridge.targets.kind import SignIn

State = Literal["connected", "needs login", "not connected"]


class SourceLoginStatus(msgspec.Struct, frozen=True):
    """How one person stands with Withings."""

    person: str
    state: State
    userid: str | None = None
    """The Withings profile; None before the first login."""
    since: float | None = None
    """When the profile was first connected, in epoch seconds."""
    reason: Reason | None = None
    """Why a login is needed."""


def keep_login(services: Services, person: Person, app: WithingsApp, code: str) -> str:
    """Exchange a code at once; account and tokens are stored together or not at all.

    Returns the user id of the Withings profile. Raises CodeExpired, ConfigProblem (another
    profile than before, one of another person, or a refused application) or RetryLater.
    """
    pair = exchange(app, code, services.shared.client(app.api_url), services.clock)
    with services.database.transaction():
        connect_account(services.database, person.name, pair.userid, services.clock)
        services.tokens(person.name).store(pair)
        look_soon(services.database)
    return pair.userid


def forget_login(services: Services, person: Person) -> None:
    """Forget the tokens of a person. Whose profile it was and all readings stay.

    Raises RetryLater when a renewal of the tokens takes too long.
    """
    tokens = services.tokens(person.name)
    with tokens.lease(LEASE):
        tokens.forget()


def source_login_status(services: Services, person: Person) -> SourceLoginStatus:
    """How this person stands with Withings, as far as the archive knows. Nothing is asked."""
    account = account_row(services.database, person.name)
    if account is None:
        return SourceLoginStatus(person.name, "not connected")
    login = services.tokens(person.name).row()
    if login is None:
        return SourceLoginStatus(
            person.name, "not connected", account["userid"], account["connected_at"]
        )
    why = _why_a_login_is_needed(login, account["userid"])
    state: State = "connected" if why is None else "needs login"
    return SourceLoginStatus(person.name, state, account["userid"], account["connected_at"], why)


def _why_a_login_is_needed(login: Row, userid: str) -> Reason | None:
    if login["account"] != userid:
        return reason("withings.wrong_profile")
    return read_reason(login["login_needed"])


class StillBlocked(RetryLater):
    """The circuit breaker is open: no password is sent before ``until`` (epoch seconds)."""

    def __init__(self, reason: Reason, until: float, now: float) -> None:
        super().__init__(code="target.still_blocked", after=until - now, cause=reason)
        self.cause = reason
        self.until = until


class TargetLoginStatus(msgspec.Struct, frozen=True):
    """How one person stands at a target that signs in. Instants are epoch seconds."""

    target: str
    state: State
    renewed_at: float | None = None
    """When the session was stored last, by a sign-in or a renewal."""
    reason: Reason | None = None
    """Why a login is needed."""
    blocked_until: float | None = None
    """No password is sent before."""


def sign_in_of(target: TargetSettings) -> SignIn:
    """How a person signs in at a target. Raises ConfigProblem when there is no need to."""
    found = load_kind(target.kind).sign_in
    if found is None:
        raise ConfigProblem(code="target.no_login", kind=target.kind)
    return found


def sign_in(
    open_home: Callable[[], AbstractContextManager[Services]],
    person: Person,
    target: TargetSettings,
    answers: SignInAnswers,
) -> SignedIn:
    """Sign in once and keep the session.

    Raises what ``sign_in`` of the kind raises, StillBlocked, TakenAccount and StateProblem.
    """
    attempt = sign_in_of(target)
    with open_home() as services:
        prove_writable(services.settings.home)
        if answers.ticket is None:
            _refuse_while_blocked(services, person, target)
    try:
        signed_in = attempt(target.options, answers)
    except SignInBlocked as problem:
        with open_home() as services:
            services.breaker(person.name, target.name).open(problem.reason)
        raise
    with open_home() as services:
        _keep(services, person, target, signed_in)
    return signed_in


def _refuse_while_blocked(services: Services, person: Person, target: TargetSettings) -> None:
    opened = services.breaker(person.name, target.name).state()
    if opened is not None:
        raise StillBlocked(opened.reason, opened.until, services.clock())


def _keep(services: Services, person: Person, target: TargetSettings, signed_in: SignedIn) -> None:
    """Store the session, and let what was blocked go on.

    Under the lease: a renewal that is under way would put the old session over the new one.
    """
    session = services.session(person.name, target)
    with session.lease(), services.database.transaction():
        session.refuse_shared(signed_in.account)
        session.store(signed_in.tokens, account=signed_in.account)
        ledger = Ledger(services.database, person.name, target.name, services.clock())
        ledger.wake()
        ledger.pause(0)
        services.breaker(person.name, target.name).close()


def forget(services: Services, person: Person, target: TargetSettings) -> None:
    """Forget the session of a target. What is owed waits for the next sign-in.

    Raises RetryLater when a renewal of the session takes too long.
    """
    session = services.session(person.name, target)
    ledger = Ledger(services.database, person.name, target.name, services.clock())
    problem = LoginNeeded(code="target.disconnected", login=login_command(target.name, person.name))
    with session.lease(), services.database.transaction():
        if session.row() is None:
            return
        session.forget()
        ledger.note_trouble(problem, services.clock())
        ledger.block(problem.reason)


def target_login_status(
    services: Services, person: Person, target: TargetSettings
) -> TargetLoginStatus:
    """How this person stands at a target, as far as the archive knows. Nothing is asked."""
    opened = services.breaker(person.name, target.name).state()
    until = opened.until if opened else None
    login = services.session(person.name, target).row()
    if login is None:
        return TargetLoginStatus(target.name, "not connected", blocked_until=until)
    route = route_row(services.database, person.name, target.name)
    refused = route is not None and route["decision"] == LoginNeeded.decision
    state: State = "needs login" if refused else "connected"
    why = read_reason(route["trouble"]) if route is not None and refused else None
    return TargetLoginStatus(target.name, state, login["stored_at"], why, until)
