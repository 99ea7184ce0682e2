"""What was measured last, and how it changed: for the card of a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice

import msgspec
from markupsafe import Markup

from weighbridge.core.measures import MeasureType
from weighbridge.i18n import Texts
from weighbridge.storage.points import WHOLE, Points
from weighbridge.web.charts.measures import Measure, measure_of
from weighbridge.web.charts.series import DAY
from weighbridge.web.measure_format import ValueFormat, measure_name
from weighbridge.web.preferences import UnitChoice
from weighbridge.web.views.person_history import latest

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


class _Values(msgspec.Struct, frozen=True):
    """Values of one instant, in SI."""

    taken_at: int
    values: tuple[Decimal, ...]


class NewestReadings:
    """Reads them for one card. It costs a few small questions, however many readings there are."""

    def __init__(self, texts: Texts, points: Points, units: UnitChoice, now: float) -> None:
        self._texts = texts
        self._points = points
        self._format = ValueFormat(texts, units)
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
        last, before = found[0], found[1] if found[1:] else None
        measure = measure_of(kind.codes[0])
        return NewestReading(
            measure=measure,
            name=self._texts(kind.name) if kind.name else measure_name(self._texts, measure),
            value=self._format.value(kind.codes, last.values),
            taken_at=last.taken_at,
            beside=list(self._beside(kind.beside, last.taken_at)),
            change=self._change(kind, last, before) if before else None,
            before_at=before.taken_at if before else None,
        )

    def _change(self, kind: ReadingKind, last: _Values, before: _Values) -> Markup:
        return self._format.difference(kind.codes, last.values, before.values)

    def _back(self, codes: Sequence[int]) -> Iterator[_Values]:
        """From the newest one back. Instants before 1970 come from a clock that was wrong."""
        end = self._end
        for _ in range(_TRIED):
            point = self._points.before(end, codes[0])
            if point is None or point.taken_at < 0:
                return
            end = point.taken_at
            values = tuple(self._at(code, end) for code in codes)
            known = tuple(value for value in values if value is not None)
            if len(known) == len(codes):
                yield _Values(end, known)

    def _beside(self, codes: Sequence[int], instant: int) -> Iterator[tuple[str, Markup]]:
        for code in codes:
            value = self._at(code, instant)
            if value is not None:
                name = measure_name(self._texts, measure_of(code))
                yield name, self._format.value((code,), (value,))

    def _at(self, code: int, instant: int) -> Decimal | None:
        """A value of that very instant; None as well for what is too large to be true."""
        point = self._points.before(instant + 1, code)
        if point is None or point.taken_at != instant:
            return None
        value = point.measurement.value
        return value if self._format.is_thinkable(code, value) else None
