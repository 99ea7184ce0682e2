"""What is skipped because of something newer, at targets that hold one value, or one a day."""

from __future__ import annotations

from collections.abc import Sequence

from weighbridge.core.delivery_state import State, Transition
from weighbridge.core.reason import reason
from weighbridge.storage.ledger import Due, Ledger
from weighbridge.sync.context import DeliveryContext
from weighbridge.targets.base import DayRecords, Owed

NEWER_CAME = reason("delivery.newer_came")
TOO_OLD = reason("delivery.too_old")


def leave_only_newest(ledger: Ledger, *, oldest: float, now: float, cloud_now: float) -> None:
    """Skip whatever is owed but would be wrong to send.

    ``oldest`` is an age in seconds by the cloud's clock: what is skipped is skipped for good.
    The same reading in a newer revision is not back in time: it is sent.
    """
    due = ledger.newest_due(cloud_now)
    if due is None:
        return
    delivered = ledger.newest_delivered()
    with ledger.database.transaction():
        ledger.skip_before(max(due, delivered or due), NEWER_CAME, now)
        ledger.skip_before(cloud_now - oldest, TOO_OLD, now)


REACH = 52 * 3600
"""Seconds after a reading that may still be its local day: a day of 26 hours, seen from a zone that
lies 26 hours apart."""

type Pair = tuple[Due, Owed]


def leave_newer_records(work: DeliveryContext, target: DayRecords, batch: list[Pair]) -> list[Pair]:
    """Skip what would overwrite a newer reading that was sent; the rest of the batch."""
    late = [due for due, owed in batch if _was_overtaken(work, target, owed)]
    _skip(work, late)
    return [pair for pair in batch if pair[0] not in late]


def _was_overtaken(work: DeliveryContext, target: DayRecords, owed: Owed) -> bool:
    """Whether a newer reading of the same record was sent, or may have been."""
    taken_at = owed.reading.taken_at
    sent = work.ledger.sent_between(taken_at + 1, taken_at + REACH)
    if not sent:
        return False
    record = target.record_of(owed.reading)
    newer = work.recall({at for _, at in sent})
    return any(
        reading_id in newer and target.record_of(newer[reading_id]) == record
        for reading_id, _ in sent
    )


def _skip(work: DeliveryContext, late: Sequence[Due]) -> None:
    work.settle(*(Transition(due.id, State.PLANNED, State.SKIPPED, NEWER_CAME) for due in late))
