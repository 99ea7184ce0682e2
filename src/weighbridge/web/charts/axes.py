"""Where an axis gets its marks: at round numbers, and at days, months and years of a time zone."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import partial
from typing import Literal

import msgspec

from weighbridge.web.charts.measures import Unit

type Zone = datetime.tzinfo

Grain = Literal["day", "month", "year"]

_DAYS = (1, 2, 7, 14)
_MONTHS = (1, 2, 3, 6)
_YEARS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MONDAY = datetime.date(1, 1, 1).toordinal()
"""The first day of the calendar of ``datetime`` was a Monday."""


class DateMark(msgspec.Struct, frozen=True):
    """The first second of a day in the zone of the chart; ``grain`` says what begins there."""

    at: int
    day: datetime.date
    grain: Grain


def number_marks(low: float, high: float, most: int, unit: Unit) -> list[Decimal]:
    """Round numbers from ``low`` to ``high``, at most ``most + 1``, in the unit of the axis.

    Round in a unit of two parts are whole ones of the big one: stones, not ten pounds.
    """
    bottom, top = Decimal(low), Decimal(high)
    step = _step((top - bottom) / most, unit) if top > bottom else Decimal(1)
    first = (bottom / step).to_integral_value(ROUND_CEILING)
    last = (top / step).to_integral_value(ROUND_FLOOR)
    return [(first + number) * step for number in range(int(last - first) + 1)]


def decimal_places(marks: list[Decimal]) -> int:
    """How many decimal places all marks of an axis need to be told apart."""
    exponents = [mark.normalize().as_tuple().exponent for mark in marks]
    return max([0, *(-one for one in exponents if isinstance(one, int))])


def padded(low: float, high: float) -> tuple[float, float]:
    """The span of an axis: some air above and below, and never nothing."""
    air = (high - low) * 0.06 or abs(high) * 0.01 or 1.0
    return low - air, high + air


def _step(smallest: Decimal, unit: Unit) -> Decimal:
    """The smallest round step that is not smaller than ``smallest``."""
    if unit.many and smallest > 2:
        return _step_of_two_parts(smallest, unit.many)
    power = Decimal(1).scaleb(smallest.adjusted())
    return next(size * power for size in map(Decimal, (1, 2, 5, 10)) if size * power >= smallest)


def _step_of_two_parts(smallest: Decimal, many: int) -> Decimal:
    """A half of the big unit, one, two, five ... of it."""
    if smallest <= many // 2:
        return Decimal(many // 2)
    if smallest <= many:
        return Decimal(many)
    return many * _step(smallest / many, Unit(""))


def date_marks(start: int, end: int, most: int, zone: Zone) -> list[DateMark]:
    """Marks from one instant to another, at most ``most``: days, Mondays, months or years."""
    first, last = _day(start, zone), _day(end, zone)
    for grain, days_between, walk in _walks():
        if (last - first).days // days_between > most:
            continue
        days = [day for day in walk(first, last) if start <= _midnight(day, zone) <= end]
        if len(days) <= most:
            return [DateMark(_midnight(day, zone), day, grain) for day in days]
    return []


type _Walk = Callable[[datetime.date, datetime.date], Iterator[datetime.date]]


def _walks() -> Iterator[tuple[Grain, int, _Walk]]:
    """From the finest to the coarsest; the number is the least of days between two marks."""
    for days in _DAYS:
        yield "day", days, partial(_each_days, days=days)
    for months in _MONTHS:
        yield "month", 28 * months, partial(_each_months, months=months)
    for years in _YEARS:
        yield "year", 365 * years, partial(_each_months, months=12 * years)


def _each_days(first: datetime.date, last: datetime.date, *, days: int) -> Iterator[datetime.date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        if (ordinal - _MONDAY) % days == 0:
            yield datetime.date.fromordinal(ordinal)


def _each_months(
    first: datetime.date, last: datetime.date, *, months: int
) -> Iterator[datetime.date]:
    begin, end = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    for number in range(begin + -begin % months, end + 1, months):
        yield datetime.date(number // 12, number % 12 + 1, 1)


def _day(instant: int, zone: Zone) -> datetime.date:
    return datetime.datetime.fromtimestamp(instant, zone).date()


def _midnight(day: datetime.date, zone: Zone) -> int:
    return int(datetime.datetime.combine(day, datetime.time(), zone).timestamp())
