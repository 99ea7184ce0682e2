"""What the card of a person says: what was measured last and how it changed; how Withings, its
notifications and the targets stand, one line each, and where a person mends it.

The words of the lines are in ``i18n/<language>/status.toml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Literal

import msgspec
from markupsafe import Markup

from weighbridge.core.delivery_state import State
from weighbridge.core.measures import MeasureType
from weighbridge.core.reason import Reason
from weighbridge.i18n import Texts
from weighbridge.storage.points import WHOLE, Points
from weighbridge.storage.subscription_store import SubscriptionState
from weighbridge.sync.status_lines import source_line, target_lines
from weighbridge.sync.sync_status import SourceState, SourceStatus, TargetStatus
from weighbridge.web.chart_values import DAY, Measure, measure_of
from weighbridge.web.views.person_history import latest
from weighbridge.web.wording import ValueFormat, measure_name

SHOWN = 3
"""Readings on a card."""
FADES = 90 * DAY
"""Seconds after which a reading is not shown beside a newer one of another kind."""
_TRIED = 10
"""Values that are looked at until one can be true."""


class ReadingKind(msgspec.Struct, frozen=True):
    """What is said together: measure types of one unit, and what is said beside them."""

    codes: tuple[int, ...]
    beside: tuple[int, ...] = ()
    name: str = ""
    """A key of the catalogue; empty: the name of the measure."""

    def title(self, texts: Texts) -> str:
        """What it is called on a page."""
        return texts(self.name) if self.name else measure_name(texts, measure_of(self.codes[0]))


WEIGHT = ReadingKind((MeasureType.WEIGHT,), (MeasureType.FAT_RATIO,))
PRESSURE = ReadingKind(
    (MeasureType.SYSTOLIC, MeasureType.DIASTOLIC), (MeasureType.PULSE,), "overview.blood_pressure"
)
KINDS = (
    WEIGHT,
    PRESSURE,
    ReadingKind((MeasureType.BODY_TEMPERATURE,)),
    ReadingKind((MeasureType.TEMPERATURE,)),
    ReadingKind((MeasureType.SPO2,)),
)


class NewestReading(msgspec.Struct, frozen=True):
    """One line of a card. Instants are epoch seconds."""

    measure: Measure
    """Of its first value."""
    name: str
    value: Markup
    taken_at: int
    beside: Sequence[tuple[str, Markup]]
    """Names and values of the same instant."""
    change: Markup | None
    """Empty: nothing changed; None: there is none before."""
    before_at: int | None


class NewestReadings:
    """Reads them for one card. It costs a few small questions, however many readings there are."""

    def __init__(self, value_format: ValueFormat, points: Points, now: float) -> None:
        self._format = value_format
        self._points = points
        self._end = latest(now) + 1

    def all(self) -> list[NewestReading]:
        """The newest of each kind, newest first. What is much older than the newest is left out."""
        found = [one for kind in KINDS if (one := self._newest(kind))]
        if not found:
            found = list(islice(self._others(), 1))
        found.sort(key=lambda one: -one.taken_at)
        return [one for one in found[:SHOWN] if found[0].taken_at - one.taken_at < FADES]

    def _others(self) -> Iterator[NewestReading]:
        """A person may have a skin thermometer and nothing else."""
        for code, place in self._points.places():
            if place == WHOLE and (one := self._newest(ReadingKind((code,)))):
                yield one

    def _newest(self, kind: ReadingKind) -> NewestReading | None:
        found = list(islice(self._back(kind.codes), 2))
        if not found:
            return None
        taken_at, values = found[0]
        change, before_at = None, None
        if found[1:]:
            before_at, before = found[1]
            change = self._format.difference(kind.codes, values, before)
        return NewestReading(
            measure=measure_of(kind.codes[0]),
            name=kind.title(self._format.texts),
            value=self._format.value(kind.codes, values),
            taken_at=taken_at,
            beside=list(self._beside(kind.beside, taken_at)),
            change=change,
            before_at=before_at,
        )

    def _back(self, codes: Sequence[int]) -> Iterator[tuple[int, list[Decimal]]]:
        """Instants and values in SI, from the newest one back.

        Instants before 1970 come from a clock that was wrong.
        """
        end = self._end
        for _ in range(_TRIED):
            point = self._points.before(end, codes[0])
            if point is None or point.taken_at < 0:
                return
            end = point.taken_at
            values = [value for code in codes if (value := self._at(code, end)) is not None]
            if len(values) == len(codes):
                yield end, values

    def _beside(self, codes: Sequence[int], instant: int) -> Iterator[tuple[str, Markup]]:
        for code in codes:
            value = self._at(code, instant)
            if value is not None:
                name = measure_name(self._format.texts, measure_of(code))
                yield name, self._format.value((code,), (value,))

    def _at(self, code: int, instant: int) -> Decimal | None:
        """A value of that very instant; None as well for what is too large to be true."""
        point = self._points.before(instant + 1, code)
        if point is None or point.taken_at != instant:
            return None
        value = point.measurement.value
        return value if self._format.is_plausible(code, value) else None


type Tone = Literal["", "good", "bad-news", "soft"]
"""A class of the style sheet."""


class Cure(msgspec.Struct, frozen=True):
    """Where something is mended or decided. Its words stand under ``overview.cure_<key>``."""

    key: str
    path: str
    query: Mapping[str, str] = {}
    is_urgent: bool = False


class CardLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. Its words are under ``status.<key>``."""

    key: str
    tone: Tone = ""
    count: int = 0
    at: float | None = None
    """What ``{moment}`` in its words is, in epoch seconds."""
    cure: Cure | None = None
    trouble: Reason | None = None
    """Why. It may name others: for the admin alone."""
    blocked_until: float | None = None
    """Nobody signs in there before, in epoch seconds."""


DELIVERIES = "/deliveries"
"""The page of deliveries; ``person``, ``target`` and ``state`` narrow it down."""
CONNECT = Cure("connect", "/connect", is_urgent=True)
LOG_IN = Cure("log_in", "/connect", is_urgent=True)
_CURES = {"not_connected": CONNECT, "not_signed_in": CONNECT, "login_needed": LOG_IN}
_BAD = ("login_needed", "login_refused", "not_read_since", "rejected", "unknown", "trouble_since")
_TONES: dict[str, Tone] = {
    **dict.fromkeys(_BAD, "bad-news"),
    **dict.fromkeys(("read_at", "not_seen", "up_to_date"), "good"),
    "nothing_yet": "soft",
}


def say_source(standing: SourceStatus) -> CardLine:
    """How it stands with Withings."""
    line = source_line(standing)
    return CardLine(
        key=line.key,
        at=line.at,
        tone=_TONES.get(line.key, ""),
        cure=_CURES.get(line.key),
        trouble=standing.trouble if line.key in ("login_needed", "not_read_since") else None,
    )


def say_next_ask(standing: SourceStatus, next_ask: float | None, now: float) -> CardLine | None:
    """When Withings is asked next; None: not before somebody logs in."""
    if standing.verdict in (SourceState.NOT_CONNECTED, SourceState.LOGIN_NEEDED):
        return None
    if next_ask is None:
        return None
    return CardLine(key="asked_now") if next_ask <= now else CardLine(key="asked_at", at=next_ask)


def say_notifications(
    care: SubscriptionState | None, last_notification: float | None, *, has_address: bool
) -> CardLine:
    """Whether Withings tells us of readings; ``care`` is None before anybody looked."""
    if not has_address:
        return CardLine(key="no_address", tone="soft")
    if care is None or (care.trouble is None and care.listed_at is None):
        return CardLine(key="not_subscribed")
    if care.trouble is not None:
        at, trouble = care.trouble_at, care.trouble
        return CardLine(key="lost_since", tone="bad-news", at=at, trouble=trouble)
    if last_notification is None:
        return CardLine(key="subscribed", tone="good")
    return CardLine(key="told_at", tone="good", at=last_notification)


def say_target(
    standing: TargetStatus, *, due: float | None, now: float, about: Mapping[str, str]
) -> CardLine:
    """How it stands with a target.

    ``due``: when something that waits for it is tried next, in epoch seconds. ``about`` narrows
    the page of deliveries down to it.
    """
    line = target_lines(standing, due, now)[0]
    cure = _CURES.get(line.key)
    if line.key in (State.REJECTED, State.UNKNOWN):
        cure = Cure("look", DELIVERIES, {**about, "state": line.key})
    return CardLine(
        key=line.key,
        count=line.count,
        at=line.at,
        tone=_TONES.get(line.key, ""),
        cure=cure,
        trouble=standing.trouble,
        blocked_until=standing.sign_in_blocked_until,
    )


def say_held(count: int, about: Mapping[str, str]) -> CardLine | None:
    """How many readings wait for a decision; None: none does."""
    if not count:
        return None
    cure = Cure("decide", DELIVERIES, {**about, "state": State.HELD})
    return CardLine(key="held", count=count, cure=cure)
