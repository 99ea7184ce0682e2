"""What the archive holds of a person's body, as measures and series. Read when it is asked for."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property, lru_cache

from weighbridge.config import Person
from weighbridge.core.days import first_zone
from weighbridge.core.measures import MeasureType
from weighbridge.storage.archive import Archive
from weighbridge.storage.points import WHOLE, Point, Points
from weighbridge.sync.services import Services
from weighbridge.sync.stored_readings import goals, newest_zone
from weighbridge.web.charts.measures import (
    BMI,
    LARGEST,
    Measure,
    Unit,
    body_mass_index,
    convert,
    digits_in,
    measure_of,
    rank,
    rounded,
)
from weighbridge.web.charts.series import DAY, FORGOTTEN, Series, from_instant, make_series


class PersonHistory:
    """The history of one person, as far as it has been read from Withings."""

    def __init__(self, services: Services, person: Person) -> None:
        self._person = person
        self._archive = services.archive(person.name)
        self._points: Points | None = None
        if self._archive:
            counts = person.ambiguous == "deliver"
            self._points = Points(self._archive, counts_doubtful=counts)

    @property
    def archive(self) -> Archive | None:
        """None before an account was connected."""
        return self._archive

    def measures(self) -> list[Measure]:
        """Everything of which there is a value, in the order of a menu."""
        if self._points is None:
            return []
        found = [_measure_at(code, place) for code, place in self._points.places()]
        if self.height() and any(one.slug == "weight" for one in found):
            found.append(BMI)
        return sorted(found, key=rank)

    def height(self) -> Decimal | None:
        """In metres: the configured height, else the newest one that was ever measured."""
        if self._person.height_cm is not None:
            return self._person.height_cm / 100
        return self._points.height() if self._points else None

    def goal(self, measure: Measure) -> Decimal | None:
        """What the person wants to reach, in the unit of the measure."""
        if self._archive is None or measure.position is not None:
            return None
        goal = goals(self._archive).get(measure.code)
        if goal is None or not measure.is_bmi:
            return goal
        height = self.height()
        return body_mass_index(goal, height) if height else None

    def zone(self) -> str:
        """Where the person lives: as configured, else the zone of the newest reading, else UTC."""
        return self._person.timezone or self._newest_zone or "UTC"

    @cached_property
    def _newest_zone(self) -> str | None:
        return newest_zone(self._archive) if self._archive else None

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
        if self._points is None:
            return iter(())
        place = WHOLE if measure.position is None else measure.position
        return self._points.between(measure.code, start, end, place)

    def pressure_instants(self, start: int, end: int) -> list[int]:
        """When a blood pressure was taken."""
        systolic = measure_of(int(MeasureType.SYSTOLIC))
        return [point.taken_at for point in self.points(systolic, start, end)]


def _measure_at(code: int, place: int) -> Measure:
    return measure_of(code, None if place == WHOLE else place)


@lru_cache(maxsize=64)
def zone_of(name: str) -> datetime.tzinfo:
    """The zone of that name; UTC for one that this system does not know."""
    return first_zone(name)


def latest(now: float) -> int:
    """Readings of the future come from a clock that is wrong; a day may be the zone's doing."""
    return int(now) + DAY
