"""One errand for one person: look at what Withings told, ask if that is needed, deliver, note when
to come again. Each worker thread has rounds of its own, because a database belongs to its thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from weighbridge.archive.knocks import OpenKnock
from weighbridge.assembly import Workplace
from weighbridge.deliver.due import next_due, patience
from weighbridge.deliver.retained import say_anew
from weighbridge.errors import LoginNeeded, Problem, RetryLater
from weighbridge.pipeline import advance, catch_up, look_again
from weighbridge.road import Outcome, Road
from weighbridge.server.asking import Asked, Asking, days_of
from weighbridge.server.battery import known_battery, refresh_battery
from weighbridge.server.counts import Counts
from weighbridge.server.goal import refresh_goal
from weighbridge.server.scheduler import Errand, Scheduler
from weighbridge.server.unannounced import (
    newest_instants,
    note_unannounced,
    report_unannounced,
)
from weighbridge.targets.base import News, Stays
from weighbridge.withings.tokens import login_remedy

log = logging.getLogger(__name__)

LOOK_BACK = 60.0
"""Seconds after which we ask once more when knocks were taken for answered without asking."""
SHORTEST_NAP = 0.05
"""Seconds: what is due again at once must not keep a processor busy."""
JITTER = 0.1


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
        ended: Callable[[str, News], None],
    ) -> None:
        self._workplace = workplace
        self._asking = Asking(workplace, asked)
        self._scheduler = scheduler
        self._counts = counts
        self._random = random
        self._ended = ended
        self._clock = workplace.clock

    def run(self, errand: Errand) -> None:
        """Bring the person of the errand one step further. Raises Problems of the home folder."""
        person = self._workplace.settings.person(errand.person)
        road = self._workplace.road(person, heeds_backoff=True)
        self._asking.prepare(road)
        if errand.slow:
            outcome = catch_up(road)
            self._note_speed(errand.since, outcome)
            self._end(road, outcome, None, slow=True)
        else:
            self._run_quick(road, errand)

    def _run_quick(self, road: Road, errand: Errand) -> None:
        """What must not wait: whatever takes its time is an errand of its own."""
        for name in errand.announce:
            self._announce(road, name)
        knocks = self._asking.knocks(road)
        if knocks:
            log.info("knocked", extra={"person": road.person, "knocks": len(knocks)})
        asking = errand.asking or self._needs_asking(road, knocks)
        outcome = self._ask(road, knocks) if asking else advance(road, asking=False)
        since = min((knock.received_at for knock in knocks), default=None)
        self._note_speed(since, outcome)
        if asking:
            self._scheduler.ask(road.person, self._next_ask(road, outcome.problem))
        synced_at = self._clock() if asking and outcome.problem is None else None
        self._end(road, outcome, synced_at, since)
        if synced_at is not None and not knocks:
            refresh_goal(self._workplace, road.person)
            refresh_battery(self._workplace, road.person)

    def _end(
        self,
        road: Road,
        outcome: Outcome,
        synced_at: float | None,
        since: float | None = None,
        *,
        slow: bool = False,
    ) -> None:
        self._counts.round_ended(outcome)
        _tell_log(outcome)
        report_unannounced(road, self._counts)
        self._plan_next(road, since, slow)
        battery = known_battery(road.archive) if road.archive else None
        self._ended(road.person, News(synced_at, self._problem(road), battery))

    def _announce(self, road: Road, name: str) -> None:
        """The target is there again: what it keeps is said anew, and nothing waits any longer."""
        for route in road.routes:
            if route.name == name:
                route.ledger.wake()
                route.ledger.try_now()
                say_anew(route, self._clock())

    def _needs_asking(self, road: Road, knocks: Sequence[OpenKnock]) -> bool:
        """False when what was told is known already: then we only ask once more a minute later,
        in case one of the knocks told of something else.
        """
        if not knocks:
            return False
        if not self._asking.is_answered(road, knocks):
            return True
        self._asking.settle(knocks)
        self._scheduler.ask(road.person, self._clock() + LOOK_BACK)
        return False

    def _ask(self, road: Road, knocks: Sequence[OpenKnock]) -> Outcome:
        before = newest_instants(road)
        self._asking.begin(road)
        outcome = advance(road, asking=True)
        if outcome.problem is not None:
            return outcome
        self._asking.note_answer(road, outcome.changed)
        if not knocks:
            note_unannounced(road, before)
        elif not outcome.changed:
            return self._look_for_deletions(road, knocks, outcome)
        self._asking.settle(knocks)
        return outcome

    def _look_for_deletions(
        self, road: Road, knocks: Sequence[OpenKnock], outcome: Outcome
    ) -> Outcome:
        """Withings told of something, and nothing is new: something may be gone."""
        days = days_of(knocks)
        wait = self._asking.too_early_to_look(road) if days else 0.0
        if wait > 0:
            self._scheduler.knock(road.person, wait)
            return outcome
        if days is not None:
            self._asking.note_look(road)
            outcome = look_again(road, days)
        if outcome.problem is None:
            self._asking.settle(knocks)
        return outcome

    def _note_speed(self, since: float | None, outcome: Outcome) -> None:
        """``since``: when the knock came that began it; None: nobody knocked."""
        for delivered in outcome.deliveries:
            if delivered.sent and since is not None:
                self._counts.reached(delivered.kind, self._clock() - since)

    def _plan_next(self, road: Road, since: float | None, slow: bool) -> None:
        """Write into the diary when something is due; what was just served is not due at once."""
        now = self._clock()
        for route in road.routes:
            due = next_due(route.ledger, now, road.cloud_ahead) if route.target else None
            if due is None:
                continue
            if isinstance(route.target, Stays):
                self._scheduler.serve(road.person, max(due, now if slow else now + SHORTEST_NAP))
            else:
                nap = SHORTEST_NAP if slow else 0.0
                self._scheduler.serve_slow(road.person, max(due, now + nap), since)

    def _next_ask(self, road: Road, problem: Problem | None) -> float:
        now = self._clock()
        poll = jittered(self._workplace.settings.server.poll, self._random)
        if not isinstance(problem, RetryLater) or road.archive is None:
            return now + poll
        row = road.database.one("account_of", person=road.person)
        since = row["trouble_at"] if row and row["trouble_at"] else now
        wait = max(patience(now - since), problem.after or 0.0)
        return now + min(wait * (1 + JITTER * self._random()), poll)

    def _problem(self, road: Road) -> str | None:
        """What this person must do, in one sentence; None: nothing."""
        if road.archive is None:
            return f"{road.person}: Nobody is connected to Withings. {login_remedy(road.person)}"
        needed = self._workplace.tokens(road.person).login_needed()
        if needed:
            return f"{road.person}: {needed} {login_remedy(road.person)}"
        for route in road.routes:
            row = route.ledger.row()
            if row["trouble_kind"] == "LoginNeeded":
                return f"{road.person}, {route.name}: {row['trouble']}"
        return None


def _tell_log(outcome: Outcome) -> None:
    """What happened, for ``-v``: no value of a measurement. Trouble at Withings is warned of."""
    about: dict[str, object] = {"person": outcome.person}
    if outcome.problem is not None:
        # A login that is needed is told on pages, at targets and by alerts.
        level = logging.INFO if isinstance(outcome.problem, LoginNeeded) else logging.WARNING
        log.log(level, "withings_not_read", extra={**about, "problem": outcome.problem.message})
    elif outcome.changed or outcome.gone:
        log.info("withings_read", extra={**about, "new": outcome.changed, "gone": outcome.gone})
    for one in outcome.deliveries:
        about["target"] = one.target
        if one.sent:
            log.info("delivered", extra={**about, "readings": one.sent})
        if one.problem is not None:
            log.info("not_delivered", extra={**about, "problem": one.problem.message})


def jittered(poll: float, random: Callable[[], float]) -> float:
    """Seconds until the next poll: people are not looked at in step."""
    return poll * (1 + JITTER * (2 * random() - 1))
