"""Compare the subscriptions of a person at Withings with what we want, and take the steps between.

docs/reference/withings-api.md#subscriptions. Subscribing goes first and revoking follows, so that a
new secret or another public address leaves no gap. Nothing is held while we wait: no lease, no
transaction. Two processes may do it at once, because each step may be done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import msgspec

from weighbridge.config import Person
from weighbridge.core.errors import Problem
from weighbridge.core.measures import (
    BLOOD_PRESSURE_TYPES,
    SEGMENT_TYPES,
    WHOLE_BODY,
    Kind,
    Measurement,
    MeasureType,
    Reading,
)
from weighbridge.sources.withings.wire import NotForUs, NotUnderstood
from weighbridge.sources.withings.withings_subscriptions import (
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
"""Seconds. The service asks the callback each time, and fails in a hurry
(docs/reference/withings-api.md#callbacks)."""


class SubscriptionReport(msgspec.Struct):
    """What was done to the subscriptions of one person."""

    person: str
    subscribed: list[int] = []
    revoked: list[int] = []
    left_out: list[int] = []
    """Subjects that Withings does not offer to the application."""
    problem: Problem | None = None
    next_try_at: float = 0.0


class FoundSubscriptions(msgspec.Struct, frozen=True):
    """How the subscriptions of one person stand at Withings."""

    subscriptions: list[Subscription]
    ours: frozenset[str]
    """Every callback of ours that was ever used."""
    left_out: frozenset[int]
    differences: Differences
    """What must be done; without a callback of ours, all that is ours is old."""


def find_subscriptions(
    services: Services, person: Person, callback: str | None, extra: Collection[int] = ()
) -> FoundSubscriptions:
    """Ask Withings how things stand; nothing is changed. Raises Problems.

    ``extra``: subjects that a person asks for. Without a callback nothing is wanted.
    """
    ours = our_callbacks(services.database)
    archive = services.archive(person.name)
    left_out: frozenset[int] = frozenset()
    if archive is not None:
        store = SubscriptionStore(services.database, archive.account)
        left_out = store.left_out(services.clock())
    wanted = set() if callback is None else {*_wanted(services, person), *extra}
    subscriptions = list_subscriptions(services.source(person.name))
    compared = differences(subscriptions, wanted, callback or "", ours, left_out)
    return FoundSubscriptions(subscriptions, ours, left_out, compared)


class Reconciliation:
    """The steps for one person. ``report`` says how far they came, also after a problem.

    ``sleep`` of the services may raise to stop them. ``tell`` gets a sentence before each step.
    """

    def __init__(self, services: Services, person: Person, tell: Callable[[str], None]) -> None:
        self.report = SubscriptionReport(person.name)
        self._services = services
        self._person = person
        self._sleep = services.sleep
        self._tell = tell
        self._refused: NotForUs | None = None
        self._not_understood: NotUnderstood | None = None
        self._kept: set[int] = set()
        """Subjects that could not be subscribed this time: what is old about them is kept."""

    def reconcile(self, callback: str, extra: Collection[int]) -> None:
        """Subscribe what is missing, then revoke what is old. Raises Problems."""
        found = find_subscriptions(self._services, self._person, callback, extra)
        account = self._services.source(self._person.name)
        self._subscribe_all(account, callback, found.differences.missing)
        stands = any(one.callback == callback for one in found.subscriptions)
        if self._refused is not None and not self.report.subscribed and not stands:
            self.report.left_out.clear()  # every subject is refused: it is not about a subject
            raise self._refused
        old = [one for one in found.differences.old if one.appli not in self._kept]
        self._revoke(account, old)
        if self._not_understood is not None:
            raise self._not_understood

    def remove(self, only: Collection[int]) -> None:
        """Revoke what is ours, all of it or some subjects. Raises Problems."""
        old = find_subscriptions(self._services, self._person, None).differences.old
        ours = [one for one in old if not only or one.appli in only]
        self._revoke(self._services.source(self._person.name), ours)

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
            self.report.left_out.append(appli)
        except NotUnderstood as problem:
            self._not_understood = problem
            self._kept.add(appli)
        else:
            self.report.subscribed.append(appli)

    def _revoke(self, account: Calls, ours: Collection[Subscription]) -> None:
        for number, old in enumerate(ours, start=1):
            self._say(f"ending {name_of(old.appli)} ({number} of {len(ours)})")
            self._sleep(BEFORE_REVOKE)
            revoke(account, old.callback, old.appli)
            self.report.revoked.append(old.appli)

    def _say(self, step: str) -> None:
        self._tell(f"{self.report.person}: {step}")


# --- What is wanted -------------------------------------------------------------------------------


def _wanted(services: Services, person: Person) -> tuple[int, ...]:
    pair = services.tokens(person.name).load()
    return wanted_applis(types_taken(services, person), pair.scope if pair else "")


def types_taken(services: Services, person: Person) -> frozenset[int]:
    """The measure types that at least one target of a person takes: each target is asked about
    made-up readings, nothing is sent.
    """
    taken: set[int] = set()
    for settings in person.targets:
        try:
            target = services.target(person, settings)
        except Problem:  # the job of the person reports it; such a target is owed nothing
            continue
        for reading in SAMPLE_READINGS:
            taken |= {measurement.type_code for measurement in target.takes(reading)}
    return frozenset(taken)


def _sample_reading(kind: str, types: Iterable[int]) -> Reading:
    """A made-up reading with a value of every type: a target that takes one of them shows it."""
    codes = sorted(types)
    return Reading(
        reading_id="sample",
        kind=kind,
        taken_at=0,
        stored_at=0,
        device=None,
        model=None,
        timezone=None,
        attributions=(0,),
        group_ids=(0,),
        measurements=tuple(Measurement(code, 1, 0) for code in codes if code not in SEGMENT_TYPES),
        segments=tuple(Measurement(c, 1, 0, WHOLE_BODY - 1) for c in codes if c in SEGMENT_TYPES),
    )


_ALL = frozenset(int(member) for member in MeasureType)
SAMPLE_READINGS = (
    _sample_reading(Kind.BODY, _ALL - BLOOD_PRESSURE_TYPES),
    _sample_reading(Kind.BLOOD_PRESSURE, {*BLOOD_PRESSURE_TYPES, int(MeasureType.PULSE)}),
)
