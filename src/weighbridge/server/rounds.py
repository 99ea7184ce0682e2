"""One errand for one person: look at what Withings told, ask if that is needed, deliver, note when
to come again. Each worker thread has rounds of its own, because a database belongs to its thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import msgspec

from weighbridge.archive.archive import Archive
from weighbridge.archive.knocks import OpenKnock, announced, open_knocks, settle_knocks
from weighbridge.archive.points import Points
from weighbridge.archive.subscriptions import CareRecord
from weighbridge.assembly import Workplace
from weighbridge.deliver.due import next_due, patience
from weighbridge.errors import Problem, RetryLater
from weighbridge.pipeline import advance
from weighbridge.road import Outcome, Road
from weighbridge.server.counts import Counts
from weighbridge.server.scheduler import Errand, Scheduler
from weighbridge.targets.base import Stays
from weighbridge.withings.subscriptions import APPLIS

log = logging.getLogger(__name__)

SAME_BURST = 1.0
"""Seconds: a knock that comes so soon after we asked tells of what was stored before."""
LOOK_BACK = 60.0
"""Seconds after which we ask once more when knocks were taken for answered without asking."""
NOT_TWICE = 11.0
"""Seconds: Withings refuses an identical call for ten (reference, section 7)."""
SHORTEST_NAP = 0.05
"""Seconds: what is due again at once must not keep a processor busy."""
JITTER = 0.1
NEWEST = 50
"""How many of the newest instants are compared to find what nobody announced."""


class Asked(msgspec.Struct, frozen=True):
    """The last time Withings was asked about a person: when, and from where on."""

    at: float
    cursor: int
    overlap: int = 0
    answered: bool = False


class Rounds:
    """What a worker does. ``asked`` is shared by all workers; a person is at work only once."""

    def __init__(  # noqa: PLR0913  what is outside is passed in
        self,
        workplace: Workplace,
        scheduler: Scheduler,
        counts: Counts,
        asked: dict[str, Asked],
        *,
        random: Callable[[], float],
        ended: Callable[[str, str | None, float | None], None],
    ) -> None:
        self._workplace = workplace
        self._scheduler = scheduler
        self._counts = counts
        self._asked = asked
        self._random = random
        self._ended = ended
        self._clock = workplace.clock

    def run(self, errand: Errand) -> None:
        """Bring the person of the errand one step further. Raises Problems of the home folder."""
        person = self._workplace.settings.person(errand.person)
        road = self._workplace.road(person, heeds_backoff=True)
        road.overlap = self._overlap(road)
        for name in errand.announce:
            self._announce(road, name)
        knocks = self._open_knocks(road.archive)
        asking = errand.asking or self._needs_asking(road, knocks)
        before = road.archive.last_instants(NEWEST) if asking and road.archive else []
        if asking and road.archive:
            self._asked[road.person] = Asked(self._clock(), road.archive.cursor, road.overlap)
        outcome = advance(road, asking=asking)
        self._counts.round_ended(outcome)
        if asking and outcome.problem is None:
            self._answered(road, knocks, before)
        self._note_speed(knocks, outcome)
        self._plan_next(road, outcome, asking)
        synced_at = self._clock() if asking and outcome.problem is None else None
        self._ended(road.person, self._problem(road), synced_at)

    def _announce(self, road: Road, name: str) -> None:
        """The target is there again: what it keeps is said anew, and nothing waits any longer."""
        for route in road.routes:
            if route.name == name and isinstance(route.target, Stays):
                route.ledger.wake()
                route.ledger.try_now()
                try:
                    route.target.announce()
                except Problem as problem:  # it went away again, and will come back again
                    log.info("not_announced", extra={"target": name, "problem": str(problem)})

    def _open_knocks(self, archive: Archive | None) -> Sequence[OpenKnock]:
        return open_knocks(self._workplace.database, archive.account) if archive else ()

    def _needs_asking(self, road: Road, knocks: Sequence[OpenKnock]) -> bool:
        """False when the last answer holds already what these knocks tell of.

        The knocks of one weigh-in come together and all of them tell of the same moment. The one
        that came first has been answered; for the others we look into the archive, and ask once
        more a minute later, in case one of them told of something else.
        """
        if not knocks or road.archive is None:
            return False
        if not all(self._is_answered(road.person, road.archive, knock) for knock in knocks):
            return True
        self._settle(knocks)
        self._scheduler.ask(road.person, self._clock() + LOOK_BACK)
        return False

    def _is_answered(self, person: str, archive: Archive, knock: OpenKnock) -> bool:
        asked, subject = self._asked.get(person), APPLIS.get(knock.appli)
        if asked is None or not asked.answered or subject is None or knock.first_at is None:
            return False
        same_burst = 0.0 <= knock.received_at - asked.at <= SAME_BURST
        until = knock.last_at or knock.first_at
        return same_burst and Points(archive).holds(subject.types, knock.first_at, until)

    def _overlap(self, road: Road) -> int:
        """Withings refuses an identical call, so the next one begins some seconds earlier."""
        asked = self._asked.get(road.person)
        if asked is None or road.archive is None or asked.cursor != road.archive.cursor:
            return 0
        return asked.overlap + 1 if self._clock() - asked.at < NOT_TWICE else 0

    def _answered(self, road: Road, knocks: Sequence[OpenKnock], before: list[int]) -> None:
        self._settle(knocks)
        asked = self._asked[road.person]
        self._asked[road.person] = msgspec.structs.replace(asked, answered=True)
        archive = road.archive
        if archive is None or knocks or not before or not self._is_subscribed(archive):
            return
        found = [instant for instant in archive.last_instants(NEWEST) if instant > max(before)]
        missed = [at for at in found if not announced(road.database, archive.account, at)]
        if missed:
            log.warning("found_without_notification", extra={"readings": len(missed)})
            self._counts.found_unannounced(len(missed))
            archive.note_unannounced(missed, self._clock())

    def _is_subscribed(self, archive: Archive) -> bool:
        """Whether Withings should have told us."""
        care = CareRecord(archive.database, archive.account).state()
        return care is not None and care.listed_at is not None and care.trouble is None

    def _settle(self, knocks: Sequence[OpenKnock]) -> None:
        if knocks:
            settle_knocks(self._workplace.database, [knock.id for knock in knocks], self._clock())

    def _note_speed(self, knocks: Sequence[OpenKnock], outcome: Outcome) -> None:
        now = self._clock()
        for delivered in outcome.deliveries if knocks else ():
            if delivered.sent:
                first = min(knock.received_at for knock in knocks)
                self._counts.reached(delivered.kind, now - first)

    def _plan_next(self, road: Road, outcome: Outcome, asking: bool) -> None:
        """Write into the diary when something of this person is due."""
        if asking:
            self._scheduler.ask(road.person, self._next_ask(road, outcome.problem))
        ahead = road.cloud_now() - self._clock()
        moments = [next_due(route.ledger, ahead) for route in road.routes if route.target]
        for moment in moments:
            if moment is not None:
                self._scheduler.serve(road.person, max(moment, self._clock() + SHORTEST_NAP))

    def _next_ask(self, road: Road, problem: Problem | None) -> float:
        now = self._clock()
        poll = self._workplace.settings.server.poll * (1 + JITTER * (2 * self._random() - 1))
        if not isinstance(problem, RetryLater) or road.archive is None:
            return now + poll
        row = road.database.one("account_of", person=road.person)
        since = row["trouble_at"] if row and row["trouble_at"] else now
        wait = max(patience(now - since), problem.after or 0.0)
        return now + min(wait * (1 + JITTER * self._random()), poll)

    def _problem(self, road: Road) -> str | None:
        """What this person must do, in one sentence; None: nothing."""
        needed = self._workplace.tokens(road.person).login_needed()
        if needed:
            return f"{road.person}: {needed}"
        for route in road.routes:
            row = route.ledger.row()
            if row["trouble_kind"] == "LoginNeeded":
                return f"{road.person}, {route.name}: {row['trouble']}"
        return None
