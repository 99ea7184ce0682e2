"""How Withings, its notifications and the targets stand, as a person wants to know it: one line
each, and where to mend it. The words are in ``i18n/<language>/status.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.reason import Reason
from weighbridge.storage.subscription_store import SubscriptionState
from weighbridge.sync.status import SourceState, SourceStatus, TargetStatus
from weighbridge.sync.status_lines import source_line, target_lines

type Tone = Literal["", "good", "bad-news", "soft"]
"""A class of the style sheet."""


class Cure(msgspec.Struct, frozen=True):
    """Where something is mended or decided. Its words stand under ``overview.cure_<key>``."""

    key: str
    path: str
    query: Mapping[str, str] = {}
    is_urgent: bool = False


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. Its words are under ``status.<key>``."""

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
_CURES = {"not_connected": CONNECT, "not_signed_in": CONNECT, "login_needed": LOG_IN}
_BAD = ("login_needed", "login_refused", "not_read_since", "rejected", "unknown", "trouble_since")
_TONES: dict[str, Tone] = {
    **dict.fromkeys(_BAD, "bad-news"),
    **dict.fromkeys(("read_at", "not_seen", "up_to_date"), "good"),
    "nothing_yet": "soft",
}


def say_source(standing: SourceStatus) -> Line:
    """How it stands with Withings."""
    line = source_line(standing)
    return Line(
        key=line.key,
        at=line.at,
        tone=_TONES.get(line.key, ""),
        cure=_CURES.get(line.key),
        trouble=standing.trouble if line.key in ("login_needed", "not_read_since") else None,
    )


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
    standing: TargetStatus, *, due: float | None, now: float, about: Mapping[str, str]
) -> Line:
    """How it stands with a target.

    ``due``: when something that waits for it is tried next, in epoch seconds. ``about`` narrows
    the page of deliveries down to it.
    """
    line = target_lines(standing, due, now)[0]
    cure = _CURES.get(line.key)
    if line.key in (State.REJECTED, State.UNKNOWN):
        cure = Cure("look", DELIVERIES, {**about, "state": line.key})
    return Line(
        key=line.key,
        count=line.count,
        at=line.at,
        tone=_TONES.get(line.key, ""),
        cure=cure,
        trouble=standing.trouble,
        blocked_until=standing.sign_in_blocked_until,
    )


def say_held(count: int, about: Mapping[str, str]) -> Line | None:
    """How many readings wait for a decision; None: none does."""
    if not count:
        return None
    cure = Cure("decide", DELIVERIES, {**about, "state": State.HELD})
    return Line(key="held", count=count, cure=cure)
