"""How an account and a target stand, as codes and values: what pages, commands, alerts and Home
Assistant say. The sentences are in ``i18n/<language>/status.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from weighbridge.core.commands import command_line, login_command
from weighbridge.core.delivery_state import State
from weighbridge.core.reason import Reason, reason
from weighbridge.sync.sync_status import SourceState, SourceStatus, TargetState, TargetStatus


class StatusLine(msgspec.Struct, frozen=True):
    """One sentence: ``status.<key>``, its ``{count}`` and its ``{moment}`` in epoch seconds."""

    key: str
    count: int = 0
    at: float | None = None


def source_line(source: SourceStatus) -> StatusLine:
    """How a person's Withings account stands."""
    match source.verdict:
        case SourceState.NOT_CONNECTED:
            return StatusLine("not_connected")
        case SourceState.LOGIN_NEEDED:
            return StatusLine("login_needed")
        case SourceState.IN_TROUBLE:
            return StatusLine("not_read_since", at=source.trouble_at)
        case SourceState.NOT_READ_YET:
            return StatusLine("not_read_yet")
        case SourceState.WELL:
            return StatusLine("read_at", at=source.checked_at)


def target_lines(standing: TargetStatus, due: float | None, now: float) -> list[StatusLine]:
    """How a target stands, what is most urgent first; what is held is not among it.

    ``due``: when something that waits for it is tried next, in epoch seconds; None: unknown.
    """
    login = _login_line(standing)
    if login is not None and standing.verdict is not TargetState.LOGIN_NEEDED:
        return [login]
    lines = [*([login] if login else []), *_open_lines(standing.open, due, now)]
    return lines or [_rest(standing)]


def _login_line(standing: TargetStatus) -> StatusLine | None:
    """What must be done before anything else, or nothing was done yet."""
    match standing.verdict:
        case TargetState.NOT_SIGNED_IN:
            return StatusLine("not_signed_in")
        case TargetState.NOT_SERVED_YET:
            return StatusLine("nothing_yet")
        case TargetState.LOGIN_NEEDED:
            return StatusLine("login_needed" if standing.signs_in else "login_refused")
    return None


def _open_lines(counts: Mapping[str, int], due: float | None, now: float) -> list[StatusLine]:
    """What a person must look at goes before what only waits."""
    states = (State.BLOCKED, State.REJECTED, State.UNKNOWN)
    lines = [StatusLine(str(state), counts[state]) for state in states if counts.get(state)]
    waiting = counts.get(State.PLANNED, 0) + counts.get(State.SENDING, 0)
    if waiting and due is not None and due > now:
        lines.append(StatusLine("waiting", waiting, due))
    elif waiting:
        lines.append(StatusLine("on_its_way", waiting))
    return lines


def _rest(standing: TargetStatus) -> StatusLine:
    if standing.trouble:
        return StatusLine("trouble_since", at=standing.trouble_at)
    if standing.unseen:
        return StatusLine("not_seen", standing.unseen)
    return StatusLine("up_to_date")


def source_login_reason(person: str, source: SourceStatus) -> Reason | None:
    """What keeps a person's account from being read until they log in; None: nothing."""
    if source.verdict not in (SourceState.NOT_CONNECTED, SourceState.LOGIN_NEEDED):
        return None
    cause = source.trouble if source.verdict is SourceState.LOGIN_NEEDED else None
    log_in = login_command("withings", person)
    return reason(f"status.{source_line(source).key}", cause=cause, command=log_in)


def target_login_reason(person: str, target: str, standing: TargetStatus) -> Reason | None:
    """What keeps a target from being served until a person signs in; None: nothing."""
    if standing.verdict not in (TargetState.NOT_SIGNED_IN, TargetState.LOGIN_NEEDED):
        return None
    command = login_command(target, person)
    if not standing.signs_in:
        command = command_line("status", "--person", person)
    line = target_lines(standing, None, 0.0)[0]
    return reason(f"status.{line.key}", cause=standing.trouble, command=command)
