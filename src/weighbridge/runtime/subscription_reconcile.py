"""One look at the subscriptions of a person, and the steps that put them in order.

Subscribing goes first and revoking follows, so that a new secret or another public address leaves
no gap. Source: docs/reference/withings-api.md#subscriptions. Nothing is held while we wait: no
lease, no transaction. Two processes may do it at once, because each step may be done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from weighbridge.config import Person
from weighbridge.core.errors import Problem
from weighbridge.runtime.wanted_types import types_taken
from weighbridge.sources.withings.status_codes import NotForUs, NotUnderstood
from weighbridge.sources.withings.subscriptions import (
    Calls,
    Differences,
    Subscription,
    differences,
    list_subscriptions,
    name_of,
    revoke,
    subscribe,
    wanted_applis,
)
from weighbridge.storage.subscription_store import SubscriptionStore, our_callbacks
from weighbridge.sync.services import Services

BEFORE_SUBSCRIBE = 5.0
BEFORE_REVOKE = 1.0
"""Seconds. In a hurry the service fails (docs/reference/withings-api.md#subscriptions)."""


class SubscriptionReport(msgspec.Struct):
    """What came of looking after one person."""

    person: str
    subscribed: list[int] = []
    revoked: list[int] = []
    left_out: list[int] = []
    """Subjects that Withings does not offer to the application."""
    problem: Problem | None = None
    next_try_at: float = 0.0


class Found(msgspec.Struct, frozen=True):
    """How the subscriptions of one person stand at Withings."""

    subscriptions: list[Subscription]
    ours: frozenset[str]
    """Every callback of ours that was ever used."""
    left_out: frozenset[int]
    differences: Differences
    """What must be done; without a callback of ours, all that is ours is old."""


def look_at(
    workplace: Services, person: Person, callback: str | None, extra: Collection[int] = ()
) -> Found:
    """Ask Withings how things stand; nothing is changed. Raises Problems.

    ``extra``: subjects that a person asks for. Without a callback nothing is wanted.
    """
    return _compare(workplace, person, workplace.source(person.name), callback, extra)


class Mending:
    """The steps for one person. ``care`` tells how far they came, also after a problem.

    ``sleep`` may raise to stop them. ``tell`` hears a sentence before each step.
    """

    def __init__(
        self,
        workplace: Services,
        person: Person,
        *,
        sleep: Callable[[float], None],
        tell: Callable[[str], None],
    ) -> None:
        self.care = SubscriptionReport(person.name)
        self._workplace = workplace
        self._person = person
        self._sleep = sleep
        self._tell = tell
        self._refused: NotForUs | None = None
        self._not_understood: NotUnderstood | None = None
        self._kept: set[int] = set()
        """Subjects that could not be subscribed this time: what is old about them is kept."""

    def mend(self, callback: str, extra: Collection[int]) -> None:
        """Subscribe what is missing, then revoke what is old. Raises Problems."""
        account = self._workplace.source(self._person.name)
        found = _compare(self._workplace, self._person, account, callback, extra)
        self._subscribe_all(account, callback, found.differences.missing)
        if not self.care.subscribed and not _has(found, callback):
            self._check_offered()
        old = [one for one in found.differences.old if one.appli not in self._kept]
        self._revoke(account, old)
        if self._not_understood is not None:
            raise self._not_understood

    def remove(self, only: Collection[int]) -> None:
        """Revoke what is ours, all of it or some subjects. Raises Problems."""
        account = self._workplace.source(self._person.name)
        found = _compare(self._workplace, self._person, account, None, ())
        ours = [one for one in found.differences.old if not only or one.appli in only]
        self._revoke(account, ours)

    def _subscribe_all(self, account: Calls, callback: str, missing: Collection[int]) -> None:
        for number, appli in enumerate(missing, start=1):
            self._say(f"{name_of(appli)} ({number} of {len(missing)})")
            if number > 1:
                self._sleep(BEFORE_SUBSCRIBE)
            self._subscribe(account, callback, appli)

    def _subscribe(self, account: Calls, callback: str, appli: int) -> None:
        """What the service says about one subject stops no other; the rest is for all of them."""
        try:
            subscribe(account, callback, appli)
        except NotForUs as problem:
            self._refused = problem
            self.care.left_out.append(appli)
        except NotUnderstood as problem:
            self._not_understood = problem
            self._kept.add(appli)
        else:
            self.care.subscribed.append(appli)

    def _check_offered(self) -> None:
        """When not one subject is for us, it is not about a subject. Raises NotForUs."""
        if self._refused is not None:
            self.care.left_out.clear()
            raise self._refused

    def _revoke(self, account: Calls, ours: Collection[Subscription]) -> None:
        for number, old in enumerate(ours, start=1):
            self._say(f"ending {name_of(old.appli)} ({number} of {len(ours)})")
            self._sleep(BEFORE_REVOKE)
            revoke(account, old.callback, old.appli)
            self.care.revoked.append(old.appli)

    def _say(self, step: str) -> None:
        self._tell(f"{self.care.person}: {step}")


def _has(found: Found, callback: str) -> bool:
    return any(one.callback == callback for one in found.subscriptions)


def _compare(
    workplace: Services,
    person: Person,
    account: Calls,
    callback: str | None,
    extra: Collection[int],
) -> Found:
    ours = our_callbacks(workplace.database)
    archive = workplace.archive(person.name)
    left_out: frozenset[int] = frozenset()
    if archive is not None:
        left_out = SubscriptionStore(workplace.database, archive.account).left_out(
            workplace.clock()
        )
    wanted = set() if callback is None else {*_wanted(workplace, person), *extra}
    subscriptions = list_subscriptions(account)
    compared = differences(subscriptions, wanted, callback or "", ours, left_out)
    return Found(subscriptions, ours, left_out, compared)


def _wanted(workplace: Services, person: Person) -> tuple[int, ...]:
    pair = workplace.tokens(person.name).load()
    return wanted_applis(types_taken(workplace, person), pair.scope if pair else "")
