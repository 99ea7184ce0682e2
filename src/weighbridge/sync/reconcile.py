"""Deliveries whose fate is open: look at the target, and decide. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weighbridge.core.delivery_state import State
from weighbridge.core.reason import reason
from weighbridge.storage.ledger import Open
from weighbridge.sync.delivery_context import DeliveryContext, DeliveryCounts
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
        if looks is None:
            if self._work.target.idempotent:
                for one in unknown:
                    self._work.settle(one.id, State.UNKNOWN, State.PLANNED, SENT_AGAIN)
            else:
                self._counts.unknown += len(unknown)
            return
        for start in range(0, len(unknown), self._work.target.batch_size):
            self._resolve(looks, unknown[start : start + self._work.target.batch_size])

    def _resolve(self, looks: Verifiable, unknown: Sequence[Open]) -> None:
        seen = self._sightings(looks, unknown)
        now = self._work.clock()
        with self._work.ledger.database.transaction():
            for one in unknown:
                sighting = seen.get(one.reading_id)
                if sighting and sighting.same:
                    self._work.settle(
                        one.id, State.UNKNOWN, State.CONFIRMED, SEEN, sighting.reference
                    )
                    self._counts.sent += 1
                elif sighting and self._is_outdated(one):
                    self._work.settle(
                        one.id, State.UNKNOWN, State.DELIVERED, SEEN, sighting.reference
                    )
                elif now - one.since >= looks.visible_after:
                    self._work.settle(one.id, State.UNKNOWN, State.PLANNED, SENT_AGAIN)
                else:
                    self._counts.unknown += 1

    def _is_outdated(self, one: Open) -> bool:
        """The reading has changed since: what stands at the target is the older revision."""
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
        seen = self._sightings(looks, unseen)
        now = self._work.clock()
        with self._work.ledger.database.transaction():
            for one in unseen:
                sighting = seen.get(one.reading_id)
                shown = sighting is not None or now >= one.since + looks.visible_after
                if sighting and sighting.same:
                    self._work.settle(
                        one.id, State.DELIVERED, State.CONFIRMED, SEEN, sighting.reference
                    )
                elif shown and self._is_outdated(one):
                    reference = sighting.reference if sighting else None
                    self._work.settle(one.id, State.DELIVERED, State.DELIVERED, NEWER, reference)
                elif now >= one.since + LOOK_SECONDS:
                    self._work.settle(one.id, State.DELIVERED, State.REJECTED, NEVER_SHOWN)
                    self._counts.rejected += 1

    def _sightings(self, looks: Verifiable, rows: Sequence[Open]) -> Mapping[str, Existing]:
        known = self._work.recall([one.taken_at for one in rows])
        owed = [
            Owed(known[one.reading_id], one.revision, previous="" if one.ordinal else None)
            for one in rows
            if one.reading_id in known
        ]
        return looks.look(owed) if owed else {}
