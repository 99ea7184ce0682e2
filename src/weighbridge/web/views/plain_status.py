"""How Withings, its notifications and the targets stand, as a person wants to know it: one line
each, and where to mend it. The words are in ``catalogue/<language>/overview.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.reason import Reason
from weighbridge.storage.subscription_store import SubscriptionState
from weighbridge.sync.status import SourceState, SourceStatus, TargetState, TargetStatus

type Tone = Literal["", "good", "bad-news", "soft"]
"""A class of the style sheet."""


class Cure(msgspec.Struct, frozen=True):
    """Where something is mended or decided. Its words stand under ``overview.cure_<key>``."""

    key: str
    path: str
    query: Mapping[str, str] = {}
    is_urgent: bool = False


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. Its words stand under ``overview.<key>``."""

    key: str
    tone: Tone = ""
    count: int = 0
    at: float | None = None
    """What ``{moment}`` in its words is, in epoch seconds."""
    cure: Cure | None = None
    trouble: Reason | None = None
    """Why. It may name others: for the admin alone."""
    blocked_until: float | None = None
    """Nobody signs in there before, in epoch seconds."""


DELIVERIES = "/deliveries"
"""The page of deliveries; ``person``, ``target`` and ``state`` narrow it down."""
CONNECT = Cure("connect", "/connect", is_urgent=True)
LOG_IN = Cure("log_in", "/connect", is_urgent=True)


def say_source(standing: SourceStatus) -> Line:
    """How it stands with Withings."""
    match standing.verdict:
        case SourceState.NOT_CONNECTED:
            return Line(key="not_connected", cure=CONNECT)
        case SourceState.LOGIN_NEEDED:
            trouble = standing.trouble
            return Line(key="login_needed", tone="bad-news", cure=LOG_IN, trouble=trouble)
        case SourceState.IN_TROUBLE:
            at, trouble = standing.trouble_at, standing.trouble
            return Line(key="not_read_since", tone="bad-news", at=at, trouble=trouble)
        case SourceState.NOT_READ_YET:
            return Line(key="not_read_yet")
        case SourceState.WELL:
            return Line(key="read_at", tone="good", at=standing.checked_at)


def say_next_ask(standing: SourceStatus, next_ask: float | None, now: float) -> Line | None:
    """When Withings is asked next; None: not before somebody logs in."""
    if standing.verdict in (SourceState.NOT_CONNECTED, SourceState.LOGIN_NEEDED):
        return None
    if next_ask is None:
        return None
    return Line(key="asked_now") if next_ask <= now else Line(key="asked_at", at=next_ask)


def say_notifications(
    care: SubscriptionState | None, last_notification: float | None, *, has_address: bool
) -> Line:
    """Whether Withings tells us of readings; ``care`` is None before anybody looked."""
    if not has_address:
        return Line(key="no_address", tone="soft")
    if care is None or (care.trouble is None and care.listed_at is None):
        return Line(key="not_subscribed")
    if care.trouble is not None:
        at, trouble = care.trouble_at, care.trouble
        return Line(key="lost_since", tone="bad-news", at=at, trouble=trouble)
    if last_notification is None:
        return Line(key="subscribed", tone="good")
    return Line(key="told_at", tone="good", at=last_notification)


def say_target(
    standing: TargetStatus,
    *,
    signs_in: bool,
    due: float | None,
    now: float,
    about: Mapping[str, str],
) -> Line:
    """How it stands with a target.

    ``signs_in``: whether somebody logs in there by hand; else its login stands in the
    configuration. ``due``: when something that waits for it is tried next, in epoch seconds.
    ``about`` narrows the page of deliveries down to it.
    """
    line = _say_login(standing, signs_in) or _say_open(standing.open, about, due, now)
    if line is None:
        line = _say_rest(standing)
    trouble, until = standing.trouble, standing.sign_in_blocked_until
    return msgspec.structs.replace(line, trouble=trouble, blocked_until=until)


def _say_login(standing: TargetStatus, signs_in: bool) -> Line | None:
    """What must be done before anything else, or nothing was done yet."""
    match standing.verdict:
        case TargetState.NOT_SIGNED_IN:
            return Line(key="not_signed_in", cure=CONNECT)
        case TargetState.NOT_SERVED_YET:
            return Line(key="nothing_yet", tone="soft")
        case TargetState.LOGIN_NEEDED if signs_in:
            return Line(key="login_needed", tone="bad-news", cure=LOG_IN)
        case TargetState.LOGIN_NEEDED:
            return Line(key="login_refused", tone="bad-news")
    return None


def _say_open(
    counts: Mapping[str, int], about: Mapping[str, str], due: float | None, now: float
) -> Line | None:
    """What somebody must look at goes before what only waits."""
    for state in (State.REJECTED, State.UNKNOWN):
        if counts.get(state):
            cure = Cure("look", DELIVERIES, {**about, "state": state})
            return Line(key=str(state), tone="bad-news", count=counts[state], cure=cure)
    waiting = counts.get(State.PLANNED, 0) + counts.get(State.SENDING, 0)
    if not waiting:
        return None
    if due is not None and due > now:
        return Line(key="waiting", count=waiting, at=due)
    return Line(key="on_its_way", count=waiting)


def _say_rest(standing: TargetStatus) -> Line:
    if standing.trouble:
        return Line(key="trouble_since", tone="bad-news", at=standing.trouble_at)
    if standing.unseen:
        return Line(key="not_seen", tone="good", count=standing.unseen)
    return Line(key="up_to_date", tone="good")


def say_held(count: int, about: Mapping[str, str]) -> Line | None:
    """How many readings wait for a decision; None: none does."""
    if not count:
        return None
    cure = Cure("decide", DELIVERIES, {**about, "state": State.HELD})
    return Line(key="held", count=count, cure=cure)
