"""Connecting a Withings account to a person. For the terminal and for the pages."""

from __future__ import annotations

from typing import Literal

import msgspec

from weighbridge.config import Person
from weighbridge.core.reason import Reason, read_reason, reason
from weighbridge.sources.withings.application import WithingsApp
from weighbridge.sources.withings.oauth import exchange
from weighbridge.sources.withings.token_refresh import LEASE
from weighbridge.storage.accounts import account_row
from weighbridge.storage.archive import connect_account
from weighbridge.storage.database import Row
from weighbridge.storage.subscription_store import look_soon
from weighbridge.sync.services import Services

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


def keep_login(workplace: Services, person: Person, app: WithingsApp, code: str) -> str:
    """Exchange a code at once; account and tokens are stored together or not at all.

    Returns the user id of the Withings profile. Raises CodeExpired, ConfigProblem (another
    profile than before, one of another person, or a refused application) or RetryLater.
    """
    pair = exchange(app, code, workplace.client(app), workplace.clock)
    with workplace.database.transaction():
        connect_account(workplace.database, person.name, pair.userid, workplace.clock)
        workplace.tokens(person.name).store(pair)
        look_soon(workplace.database)
    return pair.userid


def forget_login(workplace: Services, person: Person) -> None:
    """Forget the tokens of a person. Whose profile it was and all readings stay.

    Raises RetryLater when a renewal of the tokens takes too long.
    """
    tokens = workplace.tokens(person.name)
    with tokens.lease(LEASE):
        tokens.forget()


def source_login_status(workplace: Services, person: Person) -> SourceLoginStatus:
    """How this person stands with Withings, as far as the archive knows. Nothing is asked."""
    account = account_row(workplace.database, person.name)
    if account is None:
        return SourceLoginStatus(person.name, "not connected")
    login = workplace.tokens(person.name).row()
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
