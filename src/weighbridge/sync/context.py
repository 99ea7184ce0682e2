"""The sync of one person: archive and routes, what serving a route needs, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from weighbridge.core.delivery_state import State, Transition
from weighbridge.core.errors import ExitCode, Problem, most_urgent
from weighbridge.sources.base import Source
from weighbridge.storage.archive import Archive
from weighbridge.storage.database import Database
from weighbridge.storage.leases import Leases
from weighbridge.storage.ledger import Ledger
from weighbridge.sync.planned_records import PlannedRecords
from weighbridge.sync.planner import Rule
from weighbridge.targets.base import Target, Verifiable


class Progress:
    """What a sync reports while it works. It is silent; override what you want to hear.

    No method may raise.
    """

    def asking(self) -> None:
        """A request goes to Withings."""

    def collected(self, person: str, groups: int) -> None:
        """Withings has sent ``groups`` measure groups so far."""

    def planned(self, person: str, readings: int) -> None:
        """``readings`` readings are planned so far."""

    def settling(self, person: str, seconds: float) -> None:
        """The sync waits: values of a fresh reading may still arrive."""

    def delivering(self, person: str, target: str, owed: int) -> None:
        """Delivery to a target begins; ``owed`` readings are owed to it."""

    def delivered(self, person: str, target: str, readings: int) -> None:
        """``readings`` more readings are delivered, rejected or deferred."""

    def stopped(self, person: str, where: str, problem: Problem) -> None:
        """A problem stopped the work for this person at Withings or at a target."""


class Route(msgspec.Struct, frozen=True):
    """One target of one person. Without ``target`` it cannot be served: ``problem`` says why."""

    name: str
    kind: str
    target: Target | None
    ledger: Ledger
    rule: Rule
    fingerprint: str
    selected: bool = True
    problem: Problem | None = None
    signs_in: bool = True
    """False: its login is in the configuration, so it is simply tried again."""


class Delivered(msgspec.Struct):
    """What came of serving one route, and what is left."""

    target: str
    kind: str
    sent: int = 0
    already_there: int = 0
    older: int = 0
    """Readings from before the route's first day: kept, not owed."""
    open: dict[str, int] = msgspec.field(default_factory=dict)
    """State → deliveries, for the states that are not an end."""
    unseen: int = 0
    problem: Problem | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The most urgent of what is left."""
        codes = {self.problem.exit_code} if self.problem else set()
        if self.open.get(State.BLOCKED):
            codes.add(ExitCode.LOG_IN)
        if self.open.get(State.REJECTED) or self.open.get(State.UNKNOWN):
            codes.add(ExitCode.LOOK)
        if self.open.get(State.PLANNED) or self.open.get(State.SENDING):
            codes.add(ExitCode.LATER)
        return most_urgent(codes)


class Outcome(msgspec.Struct):
    """What came of bringing one person up to date."""

    person: str
    groups: int = 0
    changed: int = 0
    odd: int = 0
    gone: int = 0
    deliveries: list[Delivered] = msgspec.field(default_factory=list)
    problem: Problem | None = None
    """What kept us from collecting."""

    @property
    def exit_code(self) -> ExitCode:
        """The most urgent of what happened to this person."""
        codes = {delivered.exit_code for delivered in self.deliveries}
        return most_urgent(codes | ({self.problem.exit_code} if self.problem else set()))


class PersonSync:
    """Everything the sync of one person needs, put together by ``weighbridge.sync.services``.

    ``heeds_backoff``: what failed is tried again when the ledger says so (a server comes often);
    without it at once (a person who calls ``sync`` wants to see it tried). ``earlier``: seconds
    by which the next question to Withings begins earlier, so that it is not identical to the last.
    ``cloud_ahead``: seconds by which the cloud's clock was ahead of ours when it last answered.
    """

    def __init__(  # noqa: PLR0913  the one place where the parts meet
        self,
        person: str,
        *,
        database: Database,
        leases: Leases,
        archive: Archive | None,
        source: Callable[[], Source],
        routes: list[Route],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        progress: Progress,
        heeds_backoff: bool = False,
    ) -> None:
        self.person = person
        self.database = database
        self.leases = leases
        self.archive = archive
        self.source = source
        self.routes = routes
        self.clock = clock
        self.sleep = sleep
        self.progress = progress
        self.heeds_backoff = heeds_backoff
        self.planned = PlannedRecords(database)
        self.earlier = 0
        self.cloud_ahead = 0.0

    def set_cloud_time(self, updatetime: int) -> None:
        """What the cloud's clock showed just now: readings settle by it, not by ours."""
        self.cloud_ahead = updatetime - self.clock()

    def cloud_now(self) -> float:
        """The time by the cloud's clock; by ours when the cloud did not answer."""
        return self.clock() + self.cloud_ahead

    def seconds_to_settle(self) -> float:
        """How long until the readings that are fresh now have settled; 0 when none is."""
        now = self.cloud_now()
        ends = [route.ledger.settles_at(now) for route in self.routes if route.selected]
        waits = [end - now for end in ends if end is not None]
        longest = max((r.rule.settle for r in self.routes), default=0.0)
        return min(max(waits, default=0.0), longest)


class DeliveryCounts(msgspec.Struct):
    """What one call of ``deliver`` did."""

    sent: int = 0
    already_there: int = 0


class DeliveryContext(msgspec.Struct, frozen=True):
    """One target of one person, with what the engine needs to serve it."""

    target: Target
    ledger: Ledger
    recall: Callable[[Collection[int]], Mapping[str, Any]]
    """Instants → records by id: readings, or what else the target takes."""
    touch: Callable[[int], None]
    renew: Callable[[], None]
    clock: Callable[[], float]
    told: Callable[[int], None]
    heed_backoff: bool = False

    def settle(self, *transitions: Transition) -> None:
        """Write down what became of deliveries, all of it together."""
        if transitions:
            self.ledger.record_outcomes(transitions, self.clock())

    @property
    def looks(self) -> Verifiable | None:
        """A target that may be sent the same thing twice need not be looked at."""
        return (
            self.target
            if isinstance(self.target, Verifiable) and not self.target.idempotent
            else None
        )
