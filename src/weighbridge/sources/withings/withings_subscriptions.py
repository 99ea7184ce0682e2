"""What Withings notifies us about: one subscription for each account, subject and callback.

A subject is called ``appli`` by Withings. The calls come first, below them what follows from a list
of subscriptions, pure. Only callbacks that are known as ours are touched.
Source: docs/reference/withings-api.md#subscriptions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import Enum
from typing import Any, Protocol

import msgspec

from weighbridge.core.errors import RetryLater
from weighbridge.sources.withings.wire import CallbackRefused, NotUnderstood

PATH = "/notify"
_CALLBACK_REFUSED = frozenset({293, 343})
_NOTHING_TO_REVOKE = frozenset({286, 294, 343})
"""343 is "no such notification" as well (docs/reference/withings-api.md#status-codes)."""


class Need(Enum):
    """Who is to be subscribed to a subject."""

    ALWAYS = "always"
    IF_WANTED = "if a target takes one of its measure types"
    ON_REQUEST = "when a person asks for it"


class Appli(msgspec.Struct, frozen=True):
    """One subject of notifications."""

    name: str
    scope: str
    need: Need
    types: frozenset[int] = frozenset()
    """The measure types that it announces. What else was measured comes along with them."""


_METRICS, _ACTIVITY, _INFO = "user.metrics", "user.activity", "user.info"
_BED = "user.sleepevents"

APPLIS: Mapping[int, Appli] = {
    # The archive keeps everything, whatever the targets take: these are always told of.
    1: Appli(
        "weight and body composition",
        _METRICS,
        Need.ALWAYS,
        frozenset({1, 5, 6, 8, 71, 73, 76, 77, 88, 91}),
    ),
    2: Appli("temperature", _METRICS, Need.ALWAYS, frozenset({12, 71, 73})),
    4: Appli("blood pressure and pulse", _METRICS, Need.ALWAYS, frozenset({9, 10, 11, 54})),
    # A watch brings what it measured in the night (SpO2, skin temperature) together with the sleep.
    44: Appli("sleep", _ACTIVITY, Need.ALWAYS),
    # The only sign that we get when a person removes the application or the account.
    46: Appli("changes of the profile", _INFO, Need.ALWAYS),
    # Each subject costs a call and five seconds, so these only for those who have a use for them.
    54: Appli("ECG", _METRICS, Need.IF_WANTED, frozenset({130, 135, 136, 137, 138})),
    63: Appli(
        "urine analysis",
        _METRICS,
        Need.IF_WANTED,
        frozenset({147, 148, 151, 204, 205, 248, 249, 251}),
    ),
    # Nobody has seen which measure types these announce. The poll brings whatever it is.
    58: Appli("glucose", _METRICS, Need.ON_REQUEST),
    62: Appli("heart rate variability", _METRICS, Need.ON_REQUEST),
    # Nothing that we read: named because others subscribe to them and a list shows them.
    16: Appli("steps and workouts", _ACTIVITY, Need.ON_REQUEST),
    50: Appli("getting into bed", _BED, Need.ON_REQUEST),
    51: Appli("getting out of bed", _BED, Need.ON_REQUEST),
    52: Appli("the sleep mat was inflated", _BED, Need.ON_REQUEST),
    55: Appli("an ECG that failed", _METRICS, Need.ON_REQUEST),
    61: Appli("stethoscope", _METRICS, Need.ON_REQUEST),
}
"""What can be had without a contract (docs/reference/withings-api.md#subjects)."""


def name_of(appli: int) -> str:
    """What a subject is about, for people."""
    known = APPLIS.get(appli)
    return known.name if known else f"subject {appli}"


class Subscription(msgspec.Struct, frozen=True):
    """One callback that is notified about one subject."""

    appli: int
    callback: str
    comment: str | None = None


class Calls(Protocol):
    """One account of the service (``weighbridge.sources.withings.client.Withings``)."""

    def call(self, path: str, form: Mapping[str, str]) -> msgspec.Raw:
        """The body of the answer. Raises RetryLater, LoginNeeded, ConfigProblem, NotUnderstood."""


# --- The calls ----------------------------------------------------------------------------------


class _Profile(msgspec.Struct):
    appli: int
    callbackurl: str
    comment: Any = None


class _Listed(msgspec.Struct):
    profiles: list[msgspec.Raw] | dict[str, msgspec.Raw] = []


_LISTED = msgspec.json.Decoder(_Listed | list[Any], strict=False)  # PHP: an empty object is a list
_PROFILE = msgspec.json.Decoder(_Profile, strict=False)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def list_subscriptions(account: Calls) -> list[Subscription]:
    """Everything that the application subscribed for this account, for whatever callback."""
    return read_subscriptions(account.call(PATH, {"action": "list"}))


def subscribe(account: Calls, callback: str, appli: int) -> None:
    """Have a callback notified; doing it twice is harmless.

    The service asks the callback with HEAD before it answers
    (docs/reference/withings-api.md#callbacks). Raises
    CallbackRefused when it did not like what came back, NotForUs for a subject that the
    application may not have, else like ``Calls.call``.
    """
    try:
        account.call(PATH, _form("subscribe", callback, appli))
    except NotUnderstood as problem:
        if problem.status in _CALLBACK_REFUSED:
            raise _callback_refused(problem.status) from problem
        raise


def revoke(account: Calls, callback: str, appli: int) -> None:
    """End a subscription. One that is gone already is done. Raises like ``Calls.call``."""
    try:
        account.call(PATH, _form("revoke", callback, appli))
    except NotUnderstood as problem:
        if problem.status not in _NOTHING_TO_REVOKE:
            raise


def _form(action: str, callback: str, appli: int) -> dict[str, str]:
    return {"action": action, "callbackurl": callback, "appli": str(appli)}


def _callback_refused(status: int | None) -> CallbackRefused:
    return CallbackRefused(code="withings.callback_refused", status=status)


def read_subscriptions(body: bytes | msgspec.Raw) -> list[Subscription]:
    """The ``body`` of a list, read leniently. An entry that cannot be understood is not ours.

    Raises RetryLater when the answer as a whole is something else.
    """
    try:
        listed = _LISTED.decode(body)
    except _UNREADABLE:
        listed = None
    if listed is None or (isinstance(listed, list) and listed):
        # No cause is chained: it could show what stood in the answer.
        raise RetryLater(code="withings.subscriptions_incomplete")
    if isinstance(listed, list) or isinstance(listed.profiles, dict):
        return []
    return [found for raw in listed.profiles if (found := _read_profile(raw))]


def _read_profile(raw: msgspec.Raw) -> Subscription | None:
    try:
        profile = _PROFILE.decode(raw)
    except _UNREADABLE:
        return None
    comment = profile.comment if isinstance(profile.comment, str) else None
    return Subscription(profile.appli, profile.callbackurl, comment)


# --- What follows from them, pure -----------------------------------------------------------------


class Differences(msgspec.Struct, frozen=True):
    """What must be done. Subscribe first, revoke afterwards: so there is never a gap."""

    missing: tuple[int, ...] = ()
    """Subjects to which the callback is to be subscribed."""
    old: tuple[Subscription, ...] = ()
    """Subscriptions of ours under other callbacks: they are to be revoked."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.old)


def wanted_applis(types: Collection[int], scope: str = "") -> tuple[int, ...]:
    """The subjects for a person whose targets take these measure types.

    ``scope`` is what was granted, a list with commas; empty: unknown, so everything is tried.
    """
    granted = {word for word in scope.replace(",", " ").split() if word}
    taken = frozenset(types)
    return tuple(
        sorted(
            code
            for code, appli in APPLIS.items()
            if (appli.need is Need.ALWAYS or (appli.need is Need.IF_WANTED and appli.types & taken))
            and (not granted or appli.scope in granted)
        )
    )


def differences(
    subscriptions: Iterable[Subscription],
    wanted: Collection[int],
    callback: str,
    our_callbacks: Collection[str],
    left_out: Collection[int] = (),
) -> Differences:
    """Compare what is with what should be.

    ``our_callbacks`` are all addresses of ours that were ever used. What they were subscribed to
    is moved to ``callback``, whether or not it is wanted: a person may have asked for it.
    ``left_out`` are subjects that the service does not offer. Other callbacks are not ours to
    judge; they are never part of the answer.
    """
    current: set[int] = set()
    old: dict[tuple[int, str], Subscription] = {}
    for one in subscriptions:
        if one.callback == callback:
            current.add(one.appli)
        elif one.callback in our_callbacks:
            old[one.appli, one.callback] = one
    moving = {one.appli for one in old.values()}
    missing = (set(wanted) | moving) - current - set(left_out)
    return Differences(tuple(sorted(missing)), tuple(old.values()))
