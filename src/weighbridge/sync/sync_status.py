"""The status of a person's account and targets, read from the database alone. No words here.

``status`` says it to a person, the server watches it. Nothing outside is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

import msgspec

from weighbridge.config import TargetSettings
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import ExitCode, LoginNeeded
from weighbridge.core.reason import Reason, read_reason
from weighbridge.storage.accounts import account_row, count_odd_groups, route_row
from weighbridge.storage.api_pauses import ApiPauseStore, breaker_name
from weighbridge.storage.database import Database, Row
from weighbridge.storage.delivery_log import count_open, count_unseen
from weighbridge.storage.logins import has_target_login, withings_login_row
from weighbridge.targets import load_kind


class SourceState(Enum):
    """The state of a Withings account."""

    NOT_CONNECTED = auto()
    LOGIN_NEEDED = auto()
    IN_TROUBLE = auto()
    NOT_READ_YET = auto()
    WELL = auto()


class SourceStatus(msgspec.Struct, frozen=True):
    """One person's Withings account. Instants are seconds since 1970."""

    verdict: SourceState
    exit_code: ExitCode
    connected: bool
    connected_at: float | None = None
    checked_at: float | None = None
    """When Withings last answered."""
    trouble: Reason | None = None
    trouble_at: float | None = None
    not_understood: int = 0
    account: int | None = None


class TargetState(Enum):
    """The state of a target."""

    NOT_SIGNED_IN = auto()
    NOT_SERVED_YET = auto()
    LOGIN_NEEDED = auto()
    SERVED = auto()
    """What is left, and how urgent it is, say ``open`` and ``exit_code``."""


class TargetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One target of one person. Instants are seconds since 1970."""

    verdict: TargetState
    exit_code: ExitCode
    signs_in: bool = True
    """False: its login is in the configuration."""
    route: int | None = None
    trouble: Reason | None = None
    trouble_at: float | None = None
    succeeded_at: float | None = None
    open: Mapping[str, int] = {}
    """State → deliveries, for the states that are not an end."""
    unseen: int = 0
    pause_until: float | None = None
    sign_in_blocked_until: float | None = None


def source_status(database: Database | None, person: str) -> SourceStatus:
    """The status of a person's Withings account. ``database``: None when there is none yet."""
    if database is None:
        return SourceStatus(SourceState.NOT_CONNECTED, ExitCode.LOG_IN, connected=False)
    account = account_row(database, person)
    login = withings_login_row(database, person)
    verdict, code = _account_state(account, login)
    needs_login = login is not None and verdict is SourceState.LOGIN_NEEDED
    trouble = read_reason(login["login_needed"]) if needs_login and login else None
    standing = SourceStatus(verdict, code, connected=login is not None, trouble=trouble)
    if account is None:
        return standing
    return msgspec.structs.replace(
        standing,
        connected_at=account["connected_at"],
        checked_at=account["checked_at"],
        trouble=standing.trouble or read_reason(account["trouble"]),
        trouble_at=account["trouble_at"],
        not_understood=count_odd_groups(database, account["id"]),
        account=account["id"],
    )


def _account_state(account: Row | None, login: Row | None) -> tuple[SourceState, ExitCode]:
    if login is None or account is None:
        return SourceState.NOT_CONNECTED, ExitCode.LOG_IN
    if login["login_needed"]:
        return SourceState.LOGIN_NEEDED, ExitCode.LOG_IN
    if account["trouble"]:
        return SourceState.IN_TROUBLE, ExitCode.LATER
    if account["checked_at"] is None:
        return SourceState.NOT_READ_YET, ExitCode.LATER
    return SourceState.WELL, ExitCode.DONE


def target_status(
    database: Database | None, person: str, target: TargetSettings, now: float
) -> TargetStatus:
    """The status of a target. One that was never signed in needs that before anything else."""
    signs_in = load_kind(target.kind).signs_in
    found = _route_status(database, person, target.name, now)
    found = msgspec.structs.replace(found, signs_in=signs_in)
    if not signs_in or not _may_be_new(found):
        return found
    if database and has_target_login(database, person, target.name):
        return found
    not_yet = TargetState.NOT_SIGNED_IN
    return msgspec.structs.replace(found, verdict=not_yet, exit_code=ExitCode.LOG_IN, trouble=None)


def _may_be_new(standing: TargetStatus) -> bool:
    """Whether it may never have been signed in; readings may be waiting for it all the same."""
    if standing.verdict is TargetState.LOGIN_NEEDED:
        return standing.succeeded_at is None
    return standing.verdict is TargetState.NOT_SERVED_YET


def _route_status(database: Database | None, person: str, target: str, now: float) -> TargetStatus:
    never = TargetStatus(verdict=TargetState.NOT_SERVED_YET, exit_code=ExitCode.LATER)
    if database is None:
        return never
    row = route_row(database, person, target)
    until = ApiPauseStore(database, breaker_name(person, target)).until()
    blocked = until if until > now else None
    if row is None or (not row["fingerprint"] and not row["trouble"]):
        return msgspec.structs.replace(never, sign_in_blocked_until=blocked)
    found = count_open(database, [row["id"]])
    counts = {state.value: number for state, number in found.items()}
    verdict, code = _open_state(row, counts)
    return TargetStatus(
        verdict=verdict,
        exit_code=code,
        route=row["id"],
        trouble=read_reason(row["trouble"]),
        trouble_at=row["trouble_at"],
        succeeded_at=row["succeeded_at"],
        open=counts,
        unseen=count_unseen(database, row["id"]),
        pause_until=row["pause_until"] if row["pause_until"] > now else None,
        sign_in_blocked_until=blocked,
    )


def _open_state(row: Row, counts: Mapping[str, int]) -> tuple[TargetState, ExitCode]:
    if counts.get(State.BLOCKED) or row["decision"] == LoginNeeded.decision:
        return TargetState.LOGIN_NEEDED, ExitCode.LOG_IN
    if counts.get(State.REJECTED) or counts.get(State.UNKNOWN):
        return TargetState.SERVED, ExitCode.LOOK
    if counts.get(State.PLANNED) or counts.get(State.SENDING):
        return TargetState.SERVED, ExitCode.LATER
    return TargetState.SERVED, ExitCode.DONE
