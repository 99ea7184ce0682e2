"""Readings that only the poll found, although Withings should have notified us of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from weighbridge.runtime.counters import ProcessCounters
from weighbridge.sources.withings.notification import NOT_OF_MEASURES
from weighbridge.storage.archive import Archive
from weighbridge.storage.notification_store import announced
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.context import PersonSync

log = logging.getLogger(__name__)

PATIENCE = 900.0
"""Seconds for a notification to come after the poll that found its reading."""
NEWEST = 50
"""How many of the newest instants are compared to find what was not announced."""


def newest_instants(sync: PersonSync) -> Sequence[int]:
    """The instants of the newest readings, in epoch seconds: ask before Withings is asked."""
    return sync.archive.last_instants(NEWEST) if sync.archive else ()


def note_unannounced(sync: PersonSync, before: Sequence[int]) -> None:
    """Note what came since ``before`` and was not announced. The first readings are history."""
    archive = sync.archive
    if archive is None or not before or not _is_subscribed(archive):
        return
    found = [instant for instant in newest_instants(sync) if instant > max(before)]
    missed = [at for at in found if not _is_announced(archive, at)]
    archive.note_unannounced(missed, sync.clock())


def report_unannounced(sync: PersonSync, counts: ProcessCounters) -> None:
    """Log what is still not announced: a poll may have been faster than its notification."""
    archive = sync.archive
    waiting = archive.unannounced(sync.clock() - PATIENCE) if archive else []
    if archive is None or not waiting:
        return
    came = {at for at in waiting if _is_announced(archive, at)}
    with sync.database.transaction():
        for instant in waiting:
            archive.settle_unannounced(instant, announced=instant in came)
    if missed := len(waiting) - len(came):
        log.warning("found_without_notification", extra={"readings": missed})
        counts.notifications_missed(missed)


def _is_subscribed(archive: Archive) -> bool:
    """Whether Withings should have notified us."""
    state = SubscriptionStore(archive.database, archive.account).state()
    return state is not None and state.listed_at is not None and state.trouble is None


def _is_announced(archive: Archive, instant: int) -> bool:
    return announced(archive.database, archive.account, instant, without=NOT_OF_MEASURES)
