"""Whether Withings must be asked about a person, and what one answer settles.

The notifications of one weigh-in come together and all of them tell of the same moment: the first
is
followed, and for the others we look into the archive.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import msgspec

from weighbridge.core.days import Window
from weighbridge.sources.withings.subscriptions import APPLIS
from weighbridge.storage.archive import Archive
from weighbridge.storage.notification_store import (
    OpenNotification,
    open_notifications,
    settle_notifications,
)
from weighbridge.storage.points import Points
from weighbridge.sync.context import PersonSync
from weighbridge.sync.services import Services

SAME_BURST = 1.0
"""Seconds: a notification that comes so soon after we asked tells of what was stored before. One
that was
still being written down when we began to ask is answered as well."""
ECHO = 30.0
"""Seconds: so long after something new a notification is taken for another one about the same."""
MOST_DAYS = 7
"""Days that are read anew when Withings told of something and nothing was new."""
NOT_TWICE = 11.0
"""Seconds. Identical calls are refused for 10 (docs/reference/withings-api.md#status-codes)."""


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
    """When some days were last read anew."""


def days_of(notifications: Sequence[OpenNotification]) -> Window | None:
    """The days of which these notifications tell, if they are about measurements and few."""
    told = [
        (notification.first_at, notification.last_at or notification.first_at)
        for notification in notifications
        if notification.first_at is not None
        and notification.appli in APPLIS
        and APPLIS[notification.appli].types
    ]
    if not told:
        return None
    first, last = min(begin for begin, _ in told), max(end for _, end in told)
    if last - first > MOST_DAYS * 86_400:
        return None
    day = datetime.datetime.fromtimestamp(last, datetime.UTC).date()
    return Window(float(first), day, zone="UTC")


class PollPolicy:
    """For one worker. ``asked`` is shared by all of them; a person is at work only once."""

    def __init__(self, workplace: Services, asked: dict[str, LastPoll]) -> None:
        self._database = workplace.database
        self._clock = workplace.clock
        self._asked = asked

    def prepare(self, road: PersonSync) -> None:
        """Tell the road what is known from the last time."""
        asked = self._asked.get(road.person)
        if asked is not None:
            road.cloud_ahead = asked.cloud_ahead
            road.earlier = self._earlier(road, asked)

    def _earlier(self, road: PersonSync, asked: LastPoll) -> int:
        """Withings refuses an identical call, so the next one begins some seconds earlier."""
        if road.archive is None or asked.cursor != road.archive.cursor:
            return 0
        return asked.earlier + 1 if 0.0 <= self._clock() - asked.at < NOT_TWICE else 0

    def notifications(self, road: PersonSync) -> Sequence[OpenNotification]:
        """What nobody has looked after yet."""
        return open_notifications(self._database, road.archive.account) if road.archive else ()

    def is_answered(self, road: PersonSync, notifications: Sequence[OpenNotification]) -> bool:
        """Whether the last answer holds already what all of these notifications tell of."""
        archive = road.archive
        return archive is not None and all(
            self._is_one_answered(road.person, archive, notification)
            for notification in notifications
        )

    def _is_one_answered(
        self, person: str, archive: Archive, notification: OpenNotification
    ) -> bool:
        asked, subject = self._asked.get(person), APPLIS.get(notification.appli)
        if asked is None or not asked.answered or subject is None or notification.first_at is None:
            return False
        same_burst = abs(notification.received_at - asked.at) <= SAME_BURST
        until = notification.last_at or notification.first_at
        return same_burst and Points(archive).holds(subject.types, notification.first_at, until)

    def begin(self, road: PersonSync) -> None:
        """Withings is about to be asked."""
        if road.archive is not None:
            before = self._asked.get(road.person, LastPoll())
            self._asked[road.person] = msgspec.structs.replace(
                before,
                at=self._clock(),
                cursor=road.archive.cursor,
                earlier=road.earlier,
                answered=False,
                cloud_ahead=road.cloud_ahead,
            )

    def note_answer(self, road: PersonSync, changed: int) -> None:
        """Withings has answered; ``changed``: how much of it was new."""
        asked = self._asked[road.person]
        self._asked[road.person] = msgspec.structs.replace(
            asked,
            answered=True,
            cloud_ahead=road.cloud_ahead,
            fruitful_at=asked.at if changed else asked.fruitful_at,
        )

    def note_look(self, road: PersonSync) -> None:
        """Some days are about to be read anew."""
        asked = self._asked[road.person]
        self._asked[road.person] = msgspec.structs.replace(asked, looked_at=self._clock())

    def too_early_to_look(self, road: PersonSync) -> float:
        """Seconds until some days may be read anew; 0: now.

        A notification soon after something new tells of that once more, and the same days are not
        read
        twice within ten seconds.
        """
        asked, now = self._asked[road.person], self._clock()
        moments = (asked.fruitful_at + ECHO, asked.looked_at + NOT_TWICE)
        return max(0.0, *(min(moment - now, ECHO) for moment in moments))

    def settle(self, notifications: Sequence[OpenNotification]) -> None:
        """They were looked after. Give only what was there before Withings was asked."""
        if notifications:
            settle_notifications(
                self._database, [notification.id for notification in notifications], self._clock()
            )
