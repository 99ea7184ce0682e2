"""Targets that hold one value: only the newest reading is sent, and never back in time."""

from __future__ import annotations

from weighbridge.core.reason import reason
from weighbridge.storage.ledger import Ledger

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
