"""The history of a person: what the address of a page asks for, and what the archive holds, as
measures and series. The archive is read when it is asked for.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal

import msgspec

from weighbridge.config import Person
from weighbridge.core.days import first_zone
from weighbridge.core.measures import MeasureType
from weighbridge.storage.archive import Archive
from weighbridge.storage.points import WHOLE, Point, Points
from weighbridge.sync.services import Services
from weighbridge.sync.stored_readings import goals, newest_zone
from weighbridge.web.chart_values import (
    BMI,
    DAY,
    FORGOTTEN,
    LARGEST,
    Measure,
    Series,
    Unit,
    body_mass_index,
    convert,
    digits_in,
    from_instant,
    make_series,
    measure_of,
    rank,
    rounded,
)
from weighbridge.web.preferences import UnitChoice, UnknownUnit, unit_choice

if TYPE_CHECKING:
    from starlette.requests import Request


SPANS: Mapping[str, int | None] = {
    "week": 7,
    "30d": 30,
    "90d": 90,
    "180d": 180,
    "1y": 365,
    "2y": 2 * 365,
    "5y": 5 * 365,
    "all": None,
}
"""What may be asked for, in days; None: everything. Their words: ``history.range_<key>``."""
USUAL = "90d"


def start_of(span: str, now: float) -> int:
    """The first instant of one of ``SPANS`` that ends now; 0 for everything."""
    days = SPANS[span]
    return 0 if days is None else int(now) - days * DAY


InvalidField = Literal["measure", "compare", "range", "units"]


class InvalidHistoryQuery(ValueError):
    """A value of the query that cannot be shown; ``what`` is its name there."""

    def __init__(self, what: InvalidField) -> None:
        super().__init__(what)
        self.what = what


class HistoryQuery(msgspec.Struct, frozen=True):
    """One measure or two, a span that ends now, and units."""

    measure: Measure
    other: Measure | None
    span: str
    units: UnitChoice

    @property
    def measures(self) -> list[Measure]:
        """The one and, if there is one, the other."""
        return [self.measure, self.other] if self.other else [self.measure]

    def params(self, **changes: str) -> dict[str, str]:
        """The query of an address that asks for the same, but for some changes.

        Units are not part of it: the browser remembers them.
        """
        query = {"measure": self.measure.slug, "range": self.span}
        if self.other:
            query["compare"] = self.other.slug
        return {**query, **changes}


def read_query(request: Request, measures: Sequence[Measure]) -> HistoryQuery:
    """What is asked for, of the measures that there are (one at least). Raises
    InvalidHistoryQuery."""
    asked = request.query_params
    by_slug = {measure.slug: measure for measure in measures}
    measure = _found(by_slug, asked.get("measure", ""), "measure") or measures[0]
    other = _found(by_slug, asked.get("compare", ""), "compare")
    span = asked.get("range") or USUAL
    if span not in SPANS:
        raise InvalidHistoryQuery("range")
    try:
        units = unit_choice(request)
    except UnknownUnit:
        raise InvalidHistoryQuery("units") from None
    return HistoryQuery(measure, None if other == measure else other, span, units)


def _found(by_slug: dict[str, Measure], slug: str, what: InvalidField) -> Measure | None:
    """None: nothing was asked for."""
    if slug and slug not in by_slug:
        raise InvalidHistoryQuery(what)
    return by_slug.get(slug)


class PersonHistory:
    """The history of one person, as far as it has been read from Withings."""

    def __init__(self, services: Services, person: Person) -> None:
        self.person = person
        self.archive: Archive | None = services.archive(person.name)
        """None before an account was connected."""
        self.stored: Points | None = None
        """The values in the archive; None without one."""
        if self.archive:
            counts = person.ambiguous == "deliver"
            self.stored = Points(self.archive, counts_doubtful=counts)

    def measures(self) -> list[Measure]:
        """Everything of which there is a value, in the order of a menu."""
        if self.stored is None:
            return []
        found = [
            measure_of(code, None if place == WHOLE else place)
            for code, place in self.stored.places()
        ]
        if self.height() and any(one.slug == "weight" for one in found):
            found.append(BMI)
        return sorted(found, key=rank)

    def height(self) -> Decimal | None:
        """In metres: the configured height, else the newest one that was ever measured."""
        if self.person.height_cm is not None:
            return self.person.height_cm / 100
        return self.stored.height() if self.stored else None

    def goal(self, measure: Measure) -> Decimal | None:
        """What the person wants to reach, in the unit of the measure."""
        if self.archive is None or measure.position is not None:
            return None
        goal = goals(self.archive).get(measure.code)
        if goal is None or not measure.is_bmi:
            return goal
        height = self.height()
        return body_mass_index(goal, height) if height else None

    def zone(self) -> str:
        """Where the person lives: as configured, else the zone of the newest reading, else UTC."""
        return self.person.timezone or self._newest_zone or "UTC"

    @cached_property
    def _newest_zone(self) -> str | None:
        return newest_zone(self.archive) if self.archive else None

    def series(self, measure: Measure, start: int, end: int, unit: Unit) -> Series:
        """From ``start`` to ``end`` in a unit. The trend is the same whatever ``start`` is.

        The trend is made of exact values; those that are shown are rounded once. What is too
        large to be true is left out: one such value would flatten all others.
        """
        remembered = int(FORGOTTEN * measure.half_life) if measure.half_life else 0
        times, exact = [], []
        for at, value in self.values(measure, max(start - remembered, 0), end):
            converted = convert(value, unit)
            if abs(converted) < LARGEST:
                times.append(at)
                exact.append(converted)
        smoothed = make_series(zip(times, map(float, exact), strict=True), measure.half_life)
        digits = digits_in(unit, measure.digits)
        shown = [float(rounded(value, digits)) for value in exact]
        return from_instant(Series(times, shown, smoothed.trend), start)

    def values(self, measure: Measure, start: int, end: int) -> Iterator[tuple[int, Decimal]]:
        """Instants and exact values in the unit of the measure, oldest first."""
        points = ((one.taken_at, one.measurement.value) for one in self.points(measure, start, end))
        if not measure.is_bmi:
            yield from points
            return
        height = self.height()
        for at, value in points:
            if height:
                yield at, body_mass_index(value, height)

    def points(self, measure: Measure, start: int, end: int) -> Iterator[Point]:
        """What was measured, exactly as it was sent; for the BMI, the weights."""
        if self.stored is None:
            return iter(())
        place = WHOLE if measure.position is None else measure.position
        return self.stored.between(measure.code, start, end, place)

    def pressure_instants(self, start: int, end: int) -> list[int]:
        """When a blood pressure was taken."""
        systolic = measure_of(int(MeasureType.SYSTOLIC))
        return [point.taken_at for point in self.points(systolic, start, end)]


@lru_cache(maxsize=64)
def zone_of(name: str) -> datetime.tzinfo:
    """The zone of that name; UTC for one that this system does not know."""
    return first_zone(name)


def latest(now: float) -> int:
    """Readings of the future come from a clock that is wrong; a day may be the zone's doing."""
    return int(now) + DAY
