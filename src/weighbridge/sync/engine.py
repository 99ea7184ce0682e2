"""Deliver what one route owes: look, claim, send once, write down, look again.

The engine remembers, batches and waits; the target only renders and sends. A delivery is
``sending`` before its first byte leaves. Found in that state later, it is ``unknown``, and the
target is read before anything is sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from weighbridge.core.delivery_state import State, Transition
from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, RetryLater
from weighbridge.core.reason import reason, reason_of
from weighbridge.core.records import revision_of
from weighbridge.storage.ledger import FOR_EVER, Due
from weighbridge.sync.context import DeliveryContext, DeliveryCounts
from weighbridge.sync.overtaken import leave_newer_records, leave_only_newest
from weighbridge.sync.planner import NEWER
from weighbridge.sync.reconcile import LOOK_SECONDS, SEEN, Reconciler
from weighbridge.sync.retry import decide
from weighbridge.sync.sending import send_all
from weighbridge.targets.base import DayRecords, Existing, LatestOnly, Owed, Receipt

log = logging.getLogger(__name__)

ALREADY_THERE = reason("delivery.already_there")
INTERRUPTED = reason("delivery.interrupted")


class Engine:
    """Serves one route once. Call it while the route's lease is held."""

    def __init__(self, work: DeliveryContext, cloud_now: float) -> None:
        self._work = work
        self._ledger = work.ledger
        self._target = work.target
        self._looks = work.looks
        self._cloud_now = cloud_now
        self.counts = DeliveryCounts()

    def deliver(self) -> Problem | None:
        """Send everything that is due. Returns the problem that stopped it, if any."""
        with self._ledger.database.relaxed():
            self._ledger.note_attempt(self._work.clock())
        self._ledger.mark_orphans(INTERRUPTED)
        try:
            lookout = Reconciler(self._work, self.counts)
            lookout.resolve_unknown()
            lookout.confirm_unseen()
            problem = self._send_what_is_due()
        except Problem as found:
            problem = found
        except Exception as error:  # a defect of one target must not stop the others
            log.exception("target_failed")
            name = type(error).__name__
            problem = Problem(code="target.failed", error=name)
        self._remember(problem)
        return problem

    def _remember(self, problem: Problem | None) -> None:
        now = self._work.clock()
        if problem is None:
            self._ledger.note_success(now)
            return
        with self._ledger.database.transaction():
            self._ledger.note_trouble(problem, now)
            if isinstance(problem, LoginNeeded):
                self._ledger.block(problem.reason)
            elif isinstance(problem, RetryLater) and problem.after:
                self._ledger.pause(now + problem.after)

    def _send_what_is_due(self) -> Problem | None:
        if isinstance(self._target, LatestOnly):
            leave_only_newest(
                self._ledger,
                oldest=self._target.oldest,
                now=self._work.clock(),
                cloud_now=self._cloud_now,
            )
        for batch in self._batches():
            self._work.renew()
            problem = self._send_batch(batch)
            if problem is not None:
                return problem
        return None

    def _batches(self) -> Iterator[list[tuple[Due, Owed]]]:
        """Full batches of what is due and not there yet, oldest first. It never goes back."""
        size = self._target.batch_size
        waiting: list[tuple[Due, Owed]] = []
        start, seen = 0, frozenset[int]()
        while due := [one for one in self._due(start) if one.id not in seen]:
            start = due[-1].taken_at
            seen = frozenset(one.id for one in due)
            waiting += self._unless_there(self._unless_overtaken(self._unless_changed(due)))
            while len(waiting) >= size:
                yield waiting[:size]
                waiting = waiting[size:]
        if waiting:
            yield waiting

    def _due(self, start: int) -> list[Due]:
        now = self._work.clock()
        return self._ledger.due(
            self._target.batch_size,
            now=now if self._work.heed_backoff else FOR_EVER,
            cloud_now=self._cloud_now,
            start=start,
            on_its_way_since=now - self._looks.visible_after if self._looks else FOR_EVER,
        )

    def _unless_changed(self, due: Sequence[Due]) -> list[tuple[Due, Owed]]:
        """Pair each delivery with its reading; one that changed since it was planned waits."""
        known = self._work.recall([one.taken_at for one in due])
        batch = []
        for one in due:
            if not one.outdated and self._is_current(one, known):
                batch.append((one, Owed(known[one.reading_id], one.revision, one.previous)))
            else:
                with self._ledger.database.transaction():
                    self._work.settle(Transition(one.id, State.PLANNED, State.SUPERSEDED, NEWER))
                    self._work.touch(one.taken_at)
        return batch

    def _unless_overtaken(self, batch: list[tuple[Due, Owed]]) -> list[tuple[Due, Owed]]:
        if not isinstance(self._target, DayRecords):
            return batch
        return leave_newer_records(self._work, self._target, batch)

    def _unless_there(self, batch: list[tuple[Due, Owed]]) -> list[tuple[Due, Owed]]:
        if self._looks is None or not batch:
            return batch
        seen = self._looks.find_existing([owed for _, owed in batch])
        missing, there = [], []
        for due, owed in batch:
            found = seen.get(due.reading_id)
            if found and found.same:
                there.append(
                    Transition(
                        due.id, State.PLANNED, State.CONFIRMED, ALREADY_THERE, found.reference
                    )
                )
            elif found:
                missing.append((due, msgspec.structs.replace(owed, previous=found.reference)))
            else:
                missing.append((due, owed))
        self._work.settle(*there)
        self.counts.already_there += len(there)
        return missing

    def _send_batch(self, batch: list[tuple[Due, Owed]]) -> Problem | None:
        claimed = self._ledger.claim([due for due, _ in batch], self._work.clock())
        ids = {due.id for due in claimed}
        batch = [pair for pair in batch if pair[0].id in ids]
        if not batch:
            return None
        receipt = send_all(self._target, [owed for _, owed in batch])
        problem = self._write_down(batch, receipt)
        lost = self._look_after(batch, receipt)
        self._work.told(len(batch))
        found = isinstance(problem, OutcomeUnknown) and receipt.unknown and not lost
        return None if found else problem

    def _write_down(self, batch: list[tuple[Due, Owed]], receipt: Receipt) -> Problem | None:
        """Every delivery of the batch as the receipt has it. The problem that is left over."""
        problem = receipt.problem
        mentioned = receipt.delivered.keys() | receipt.refused.keys() | receipt.unknown
        if problem is None and not {due.reading_id for due, _ in batch} <= mentioned:
            problem = RetryLater(code="target.not_mentioned")
        outcomes = [self._outcome(due, receipt, problem) for due, _ in batch]
        with self._ledger.database.transaction():
            outdated = self._outdated(
                [due for due, _ in batch if due.reading_id in receipt.refused]
            )
            self._work.settle(*(outdated.get(one.id, one) for one in outcomes))
        self.counts.sent += len([one for one in outcomes if one.state is State.DELIVERED])
        return problem

    def _outdated(self, refused: Sequence[Due]) -> Mapping[int, Transition]:
        """A refusal of what has changed, or is gone, since it was claimed concerns nobody: the
        newer revision is planned already, or nothing is owed any more.
        """
        known = self._work.recall([due.taken_at for due in refused]) if refused else {}
        return {
            due.id: Transition(due.id, State.SENDING, State.SUPERSEDED, NEWER)
            for due in refused
            if not self._is_current(due, known) or self._has_newer(due)
        }

    def _has_newer(self, due: Due) -> bool:
        """Another revision has been planned since, even if the reading has changed back."""
        newest = self._ledger.known(due.taken_at, due.taken_at).get(due.reading_id)
        return newest is not None and newest.revision != due.revision

    def _is_current(self, due: Due, known: Mapping[str, Any]) -> bool:
        record = known.get(due.reading_id)
        return record is not None and revision_of(self._target.takes(record)) == due.revision

    def _outcome(self, due: Due, receipt: Receipt, problem: Problem | None) -> Transition:
        if due.reading_id in receipt.delivered:
            return self._delivered(due, receipt.delivered[due.reading_id])
        if due.reading_id in receipt.refused:
            why = reason_of(receipt.refused[due.reading_id])
            return Transition(due.id, State.SENDING, State.REJECTED, why)
        if due.reading_id in receipt.unknown:
            why = problem.reason if problem else reason("target.no_answer")
            return Transition(due.id, State.SENDING, State.UNKNOWN, why)
        assert problem is not None
        return self._put_off(due, problem)

    def _delivered(self, due: Due, reference: str) -> Transition:
        until = self._work.clock() + LOOK_SECONDS if self._looks else None
        return Transition(
            due.id, State.SENDING, State.DELIVERED, reference=reference, look_until=until
        )

    def _put_off(self, due: Due, problem: Problem) -> Transition:
        """What no field of the receipt mentions was not tried: only others may have arrived."""
        if isinstance(problem, OutcomeUnknown):
            problem = RetryLater(code="target.left_over", cause=problem)
        then = decide(problem, attempts=due.attempts, now=self._work.clock())
        return Transition(
            due.id, State.SENDING, then.state, problem.reason, not_before=then.not_before
        )

    def _look_after(self, batch: list[tuple[Due, Owed]], receipt: Receipt) -> int:
        """Read back what was just sent; the number of readings whose fate stays unknown.

        A problem here changes nothing: what was not seen is looked for again at the next run.
        """
        hoped = [
            (due, owed)
            for due, owed in batch
            if due.reading_id in receipt.delivered or due.reading_id in receipt.unknown
        ]
        if self._looks is None or not hoped:
            return len(receipt.unknown)
        try:
            seen = self._looks.find_existing([owed for _, owed in hoped])
        except Problem as problem:
            log.info("look_failed", extra={"problem": type(problem).__name__})
            seen = {}
        return self._confirm([due for due, _ in hoped], seen, receipt)

    def _confirm(self, sent: Sequence[Due], seen: Mapping[str, Existing], receipt: Receipt) -> int:
        """Confirm what is there; the number of deliveries whose fate is still unknown."""
        confirmed, lost = [], 0
        for due in sent:
            found, unknown = seen.get(due.reading_id), due.reading_id in receipt.unknown
            if found and found.same:
                was = State.UNKNOWN if unknown else State.DELIVERED
                confirmed.append(Transition(due.id, was, State.CONFIRMED, SEEN, found.reference))
                self.counts.sent += unknown
            else:
                lost += unknown
        self._work.settle(*confirmed)
        return lost
