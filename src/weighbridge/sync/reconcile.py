"""Deliveries whose fate is open: look at the target, and decide. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weighbridge.core.delivery_state import State, Transition
from weighbridge.core.reason import reason
from weighbridge.storage.ledger import Open
from weighbridge.sync.context import DeliveryContext, DeliveryCounts
from weighbridge.sync.planner import NEWER
from weighbridge.targets.base import Existing, Owed, Verifiable

LOOK_SECONDS = 24 * 3600.0
"""How long an accepted delivery is looked for before a person is asked to look."""

SEEN = reason("delivery.seen")
NEVER_SHOWN = reason("delivery.never_shown")
SENT_AGAIN = reason("delivery.sent_again")


class Reconciler:
    """Looks for what may have arrived, and for what was accepted but not seen yet."""

    def __init__(self, work: DeliveryContext, counts: DeliveryCounts) -> None:
        self._work = work
        self._counts = counts

    def resolve_unknown(self) -> None:
        """Decide about everything that may have arrived, by looking."""
        unknown = self._work.ledger.in_state(State.UNKNOWN, most=10_000)
        if not unknown:
            return
        looks = self._work.looks
        if looks is not None:
            for start in range(0, len(unknown), self._work.target.batch_size):
                self._resolve(looks, unknown[start : start + self._work.target.batch_size])
        elif self._work.target.idempotent:
            self._work.settle(*(_sent_again(one) for one in unknown))

    def _resolve(self, looks: Verifiable, unknown: Sequence[Open]) -> None:
        seen = self._existing(looks, unknown)
        now = self._work.clock()
        outcomes = [self._resolved(one, seen, looks, now) for one in unknown]
        known = [one for one in outcomes if one is not None]
        self._work.settle(*known)
        self._counts.sent += sum(one.state is State.CONFIRMED for one in known)

    def _resolved(
        self, one: Open, seen: Mapping[str, Existing], looks: Verifiable, now: float
    ) -> Transition | None:
        """What became of it; None: nobody knows yet."""
        found = seen.get(one.reading_id)
        if found and found.same:
            return Transition(one.id, State.UNKNOWN, State.CONFIRMED, SEEN, found.reference)
        if found and self._is_outdated(one):
            return Transition(one.id, State.UNKNOWN, State.DELIVERED, SEEN, found.reference)
        return _sent_again(one) if now - one.since >= looks.visible_after else None

    def _is_outdated(self, one: Open) -> bool:
        """The reading has changed since: the target has the older revision."""
        row = self._work.ledger.known(one.taken_at, one.taken_at).get(one.reading_id)
        return row is not None and row.ordinal > one.ordinal

    def confirm_unseen(self) -> None:
        """Look once more for what was accepted but could not be seen."""
        looks = self._work.looks
        if looks is None:
            return
        start = 0
        while unseen := self._work.ledger.unseen(self._work.target.batch_size, start):
            self._confirm(looks, unseen)
            start = unseen[-1].taken_at + 1

    def _confirm(self, looks: Verifiable, unseen: Sequence[Open]) -> None:
        seen = self._existing(looks, unseen)
        now = self._work.clock()
        outcomes = [self._confirmed(one, seen.get(one.reading_id), looks, now) for one in unseen]
        known = [one for one in outcomes if one is not None]
        self._work.settle(*known)

    def _confirmed(
        self, one: Open, found: Existing | None, looks: Verifiable, now: float
    ) -> Transition | None:
        """What became of it; None: it may still show up."""
        if found and found.same:
            return Transition(one.id, State.DELIVERED, State.CONFIRMED, SEEN, found.reference)
        shown = found is not None or now >= one.since + looks.visible_after
        if shown and self._is_outdated(one):
            reference = found.reference if found else None
            return Transition(one.id, State.DELIVERED, State.DELIVERED, NEWER, reference)
        if now >= one.since + LOOK_SECONDS:
            return Transition(one.id, State.DELIVERED, State.REJECTED, NEVER_SHOWN)
        return None

    def _existing(self, looks: Verifiable, rows: Sequence[Open]) -> Mapping[str, Existing]:
        known = self._work.recall([one.taken_at for one in rows])
        owed = [
            Owed(known[one.reading_id], one.revision, previous="" if one.ordinal else None)
            for one in rows
            if one.reading_id in known
        ]
        return looks.find_existing(owed) if owed else {}


def _sent_again(one: Open) -> Transition:
    return Transition(one.id, State.UNKNOWN, State.PLANNED, SENT_AGAIN)
