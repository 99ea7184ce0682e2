"""Readings that only the poll found, although Withings should have told us of them."""

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
"""How many of the newest instants are compared to find what nobody announced."""


def newest_instants(road: PersonSync) -> Sequence[int]:
    """The instants of the newest readings, in epoch seconds: ask before Withings is asked."""
    return road.archive.last_instants(NEWEST) if road.archive else ()


def note_unannounced(road: PersonSync, before: Sequence[int]) -> None:
    """Note what came since ``before`` and was not announced. The first readings are history."""
    archive = road.archive
    if archive is None or not before or not _is_subscribed(archive):
        return
    found = [instant for instant in newest_instants(road) if instant > max(before)]
    missed = [
        at
        for at in found
        if not announced(road.database, archive.account, at, without=NOT_OF_MEASURES)
    ]
    archive.note_unannounced(missed, road.clock())


def report_unannounced(road: PersonSync, counts: ProcessCounters) -> None:
    """Tell of what is still not announced: a poll may have been faster than its notification."""
    archive = road.archive
    waiting = archive.unannounced(road.clock() - PATIENCE) if archive else []
    if archive is None or not waiting:
        return
    came = {
        at
        for at in waiting
        if announced(road.database, archive.account, at, without=NOT_OF_MEASURES)
    }
    with road.database.transaction():
        for instant in waiting:
            archive.settle_unannounced(instant, announced=instant in came)
    if missed := len(waiting) - len(came):
        log.warning("found_without_notification", extra={"readings": missed})
        counts.found_unannounced(missed)


def _is_subscribed(archive: Archive) -> bool:
    """Whether Withings should have told us."""
    care = SubscriptionStore(archive.database, archive.account).state()
    return care is not None and care.listed_at is not None and care.trouble is None


def _announced(archive: Archive, instant: int) -> bool:
    return announced(archive.database, archive.account, instant, without=NOT_OF_MEASURES)
