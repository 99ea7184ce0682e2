"""Whether Withings must be asked about a person, and what one answer settles.

The knocks of one weigh-in come together and all of them tell of the same moment: the first is
followed, and for the others we look into the archive.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from weighbridge.archive.archive import Archive
from weighbridge.archive.knocks import OpenKnock, open_knocks, settle_knocks
from weighbridge.archive.points import Points
from weighbridge.assembly import Workplace
from weighbridge.road import Road
from weighbridge.withings.subscriptions import APPLIS

SAME_BURST = 1.0
"""Seconds: a knock that comes so soon after we asked tells of what was stored before. One that was
still being written down when we began to ask is answered as well."""
NOT_TWICE = 11.0
"""Seconds: Withings refuses an identical call for ten (reference, section 7)."""


class Asked(msgspec.Struct, frozen=True):
    """The last time Withings was asked about a person: when, and from where on."""

    at: float
    cursor: int
    earlier: int = 0
    answered: bool = False
    cloud_ahead: float = 0.0
    """Seconds by which the cloud's clock was ahead of ours then."""


class Asking:
    """For one worker. ``asked`` is shared by all of them; a person is at work only once."""

    def __init__(self, workplace: Workplace, asked: dict[str, Asked]) -> None:
        self._database = workplace.database
        self._clock = workplace.clock
        self._asked = asked

    def prepare(self, road: Road) -> None:
        """Tell the road what is known from the last time."""
        asked = self._asked.get(road.person)
        if asked is not None:
            road.cloud_ahead = asked.cloud_ahead
            road.earlier = self._earlier(road, asked)

    def _earlier(self, road: Road, asked: Asked) -> int:
        """Withings refuses an identical call, so the next one begins some seconds earlier."""
        if road.archive is None or asked.cursor != road.archive.cursor:
            return 0
        return asked.earlier + 1 if 0.0 <= self._clock() - asked.at < NOT_TWICE else 0

    def knocks(self, road: Road) -> Sequence[OpenKnock]:
        """What nobody has looked after yet."""
        return open_knocks(self._database, road.archive.account) if road.archive else ()

    def is_answered(self, road: Road, knocks: Sequence[OpenKnock]) -> bool:
        """Whether the last answer holds already what all of these knocks tell of."""
        archive = road.archive
        return archive is not None and all(
            self._is_one_answered(road.person, archive, knock) for knock in knocks
        )

    def _is_one_answered(self, person: str, archive: Archive, knock: OpenKnock) -> bool:
        asked, subject = self._asked.get(person), APPLIS.get(knock.appli)
        if asked is None or not asked.answered or subject is None or knock.first_at is None:
            return False
        same_burst = abs(knock.received_at - asked.at) <= SAME_BURST
        until = knock.last_at or knock.first_at
        return same_burst and Points(archive).holds(subject.types, knock.first_at, until)

    def begin(self, road: Road) -> None:
        """Withings is about to be asked."""
        if road.archive is not None:
            self._asked[road.person] = Asked(
                self._clock(), road.archive.cursor, road.earlier, cloud_ahead=road.cloud_ahead
            )

    def note_answer(self, road: Road) -> None:
        """Withings has answered."""
        asked = self._asked[road.person]
        self._asked[road.person] = msgspec.structs.replace(
            asked, answered=True, cloud_ahead=road.cloud_ahead
        )

    def settle(self, knocks: Sequence[OpenKnock]) -> None:
        """They were looked after. Give only what was there before Withings was asked."""
        if knocks:
            settle_knocks(self._database, [knock.id for knock in knocks], self._clock())
