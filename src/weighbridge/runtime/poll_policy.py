"""Whether Withings must be asked about a person, and what one answer settles.

The notifications of one weigh-in come together and announce the same moment: the first one is
followed, and for the others we look into the archive. A reading that only the poll found is a
notification that was missed. What seldom changes is asked for once a day, after a poll.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Sequence

import msgspec

from weighbridge.core.days import Window
from weighbridge.core.errors import Problem, StateProblem
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.sources.withings import user_info
from weighbridge.sources.withings.notification import NOT_OF_MEASURES
from weighbridge.sources.withings.withings_subscriptions import APPLIS
from weighbridge.storage.accounts import battery_of, goal_asked_at, keep_battery, keep_weight_goal
from weighbridge.storage.archive import Archive
from weighbridge.storage.notification_store import OpenNotification, announced
from weighbridge.storage.points import Points
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.context import PersonSync
from weighbridge.sync.services import Services

log = logging.getLogger(__name__)

JITTER = 0.1
SAME_BURST = 1.0
"""Seconds: a notification that comes so soon after we asked announces what was stored before. One
that was still being written down when we began to ask is answered as well."""
ECHO = 30.0
"""Seconds after something new in which a notification is taken for another one about the same."""
MOST_DAYS = 7
"""Days that are read again when Withings announced something and nothing was new."""
NOT_TWICE = 11.0
"""Seconds. Withings refuses an identical call for ten (docs/reference/withings-api.md#limits)."""
PATIENCE = 900.0
"""Seconds for a notification to come after the poll that found its reading."""
NEWEST = 50
"""How many of the newest instants are compared to find what was not announced."""
FRESH = 86_400.0
"""Seconds for which an answer is good enough."""


def jittered(poll: float, random: Callable[[], float]) -> float:
    """Seconds until the next poll: not everybody is polled at the same moment."""
    return poll * (1 + JITTER * (2 * random() - 1))


class LastPoll(msgspec.Struct, frozen=True):
    """The last time Withings was asked about a person: when, and from where on."""

    at: float = 0.0
    cursor: int = -1
    earlier: int = 0
    answered: bool = False
    cloud_ahead: float = 0.0
    """Seconds by which the cloud's clock was ahead of ours then."""
    fruitful_at: float = 0.0
    """When an answer last held something new."""
    looked_at: float = 0.0
    """When some days were last read again."""


def days_of(notifications: Sequence[OpenNotification]) -> Window | None:
    """The days that these notifications announce, if they are about measurements and few."""
    announced = [
        (one.first_at, one.last_at or one.first_at)
        for one in notifications
        if one.first_at is not None and one.appli in APPLIS and APPLIS[one.appli].types
    ]
    if not announced:
        return None
    first, last = min(begin for begin, _ in announced), max(end for _, end in announced)
    if last - first > MOST_DAYS * 86_400:
        return None
    day = datetime.datetime.fromtimestamp(last, datetime.UTC).date()
    return Window(float(first), day, zone="UTC")


class PollPolicy:
    """For one thread. ``last_polls`` is shared by all; a person is at work in one thread only."""

    def __init__(self, clock: Callable[[], float], last_polls: dict[str, LastPoll]) -> None:
        self._clock = clock
        self._last_polls = last_polls

    def prepare(self, sync: PersonSync) -> None:
        """Hand over what is known from the last time."""
        last = self._last_polls.get(sync.person)
        if last is not None:
            sync.cloud_ahead = last.cloud_ahead
            sync.earlier = self._seconds_earlier(sync, last)

    def _seconds_earlier(self, sync: PersonSync, last: LastPoll) -> int:
        """Withings refuses an identical call, so the next one begins some seconds earlier."""
        if sync.archive is None or last.cursor != sync.archive.cursor:
            return 0
        return last.earlier + 1 if 0.0 <= self._clock() - last.at < NOT_TWICE else 0

    def is_answered(self, sync: PersonSync, notifications: Sequence[OpenNotification]) -> bool:
        """Whether the last answer holds already what all of these notifications announce."""
        archive, last = sync.archive, self._last_polls.get(sync.person)
        if archive is None or last is None or not last.answered:
            return False
        return all(_is_held(archive, last, notification) for notification in notifications)

    def begin(self, sync: PersonSync) -> None:
        """Withings is about to be asked."""
        if sync.archive is not None:
            self._note(
                sync,
                at=self._clock(),
                cursor=sync.archive.cursor,
                earlier=sync.earlier,
                answered=False,
                cloud_ahead=sync.cloud_ahead,
            )

    def note_answer(self, sync: PersonSync, changed: int) -> None:
        """Withings has answered; ``changed``: how much of it was new."""
        last = self._last_polls[sync.person]
        fruitful_at = last.at if changed else last.fruitful_at
        self._note(sync, answered=True, cloud_ahead=sync.cloud_ahead, fruitful_at=fruitful_at)

    def note_look(self, sync: PersonSync) -> None:
        """Some days are about to be read again."""
        self._note(sync, looked_at=self._clock())

    def _note(self, sync: PersonSync, **changed: object) -> None:
        before = self._last_polls.get(sync.person, LastPoll())
        self._last_polls[sync.person] = msgspec.structs.replace(before, **changed)

    def too_early_to_look(self, sync: PersonSync) -> float:
        """Seconds until some days may be read again; 0: now.

        A notification soon after something new announces that once more, and the same days are not
        read twice within ten seconds.
        """
        last, now = self._last_polls[sync.person], self._clock()
        moments = (last.fruitful_at + ECHO, last.looked_at + NOT_TWICE)
        return max(0.0, *(min(moment - now, ECHO) for moment in moments))


def _is_held(archive: Archive, last: LastPoll, notification: OpenNotification) -> bool:
    subject = APPLIS.get(notification.appli)
    if subject is None or notification.first_at is None:
        return False
    same_burst = abs(notification.received_at - last.at) <= SAME_BURST
    until = notification.last_at or notification.first_at
    return same_burst and Points(archive).holds(subject.types, notification.first_at, until)


# --- Readings that no notification announced ------------------------------------------------------


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
    with sync.database.transaction(of=archive.account):
        for instant in waiting:
            archive.settle_unannounced(instant, announced=instant in came)
    if missed := len(waiting) - len(came):
        log.warning("found_without_notification", extra={"readings": missed})
        counts.add("missed_notifications", number=missed)


def _is_subscribed(archive: Archive) -> bool:
    """Whether Withings should have notified us."""
    state = SubscriptionStore(archive.database, archive.account).state()
    return state is not None and state.listed_at is not None and state.trouble is None


def _is_announced(archive: Archive, instant: int) -> bool:
    return announced(archive.database, archive.account, instant, without=NOT_OF_MEASURES)


# --- Once a day -----------------------------------------------------------------------------------


def refresh_daily(services: Services, person: str) -> None:
    """Ask for what is older than a day. Without an answer the last one stays.

    Raises StateProblem; no other problem with these two matters to anybody.
    """
    archive = services.archive(person)
    if archive is None:
        return
    battery = battery_of(archive.database, archive.account)
    for event, asked_at, refresh in (
        ("goal_not_read", goal_asked_at(archive.database, archive.account), _refresh_goal),
        ("battery_not_read", battery.asked_at, _refresh_battery),
    ):
        if asked_at is None or not 0.0 <= services.clock() - asked_at < FRESH:
            _try(event, refresh, services, person, archive)


def _try(
    event: str,
    refresh: Callable[[Services, str, Archive], None],
    services: Services,
    person: str,
    archive: Archive,
) -> None:
    try:
        refresh(services, person, archive)
    except StateProblem:
        raise
    except Problem as problem:
        log.info(event, extra={"person": person, "problem": type(problem).__name__})


def _refresh_goal(services: Services, person: str, archive: Archive) -> None:
    answer = services.source(person).ask_aside(user_info.PATH, user_info.GOALS)
    goal = user_info.read_weight_goal(answer)
    keep_weight_goal(archive.database, archive.account, goal, services.clock())


def _refresh_battery(services: Services, person: str, archive: Archive) -> None:
    level = user_info.worst_battery(user_info.list_devices(services.source(person).ask_aside))
    keep_battery(archive.database, archive.account, level, services.clock())
