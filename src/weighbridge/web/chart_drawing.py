"""Charts as SVG, for browsers without JavaScript, for print and for small places. Pure.

Nothing is styled in place: elements have classes, and colours as attributes for a picture that is
shown alone. Its title and description say what it shows to people who do not see it. An axis has
its marks at round numbers, and at days, months and years of a time zone.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import partial
from html import escape
from typing import Literal

import msgspec

from weighbridge.web.chart_values import Series, Unit, thin

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


WIDTH, HEIGHT = 720, 360
_TOP, _BOTTOM, _SIDE, _EDGE = 30, 28, 62, 16
"""Room for the names of the axes, the dates, the numbers, and where no numbers are."""
_ROWS, _COLUMNS = 7, 7
"""About so many marks on an axis."""
_COLOURS = ("#2f7fd6", "#c2571a")
_GREY = "#808890"


class ChartLine(msgspec.Struct, frozen=True, kw_only=True):
    """One measure on a chart, with an axis of its own. Values are in ``unit``."""

    series: Series
    unit: Unit
    name: str
    """What stands over its axis."""
    number: Callable[[Decimal, int], str]
    """A mark of its axis in words, from a value and decimal places."""
    goal: float | None = None
    goal_name: str = ""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn from ``start`` to ``end`` (UTC seconds); one line or two."""

    name: str
    """Begins the ids inside, so that several charts can stand on a page."""
    title: str
    description: str
    start: int
    end: int
    zone: Zone
    lines: Sequence[ChartLine]
    date: Callable[[DateMark], str]
    """A mark of the time axis in words."""


class Frame(msgspec.Struct, frozen=True):
    """Where instants and values lie, in units of the picture."""

    left: float
    top: float
    right: float
    bottom: float
    start: int
    end: int
    low: float
    high: float

    def x(self, instant: float) -> float:
        """From the left."""
        share = (instant - self.start) / max(self.end - self.start, 1)
        return self.left + share * (self.right - self.left)

    def y(self, value: float) -> float:
        """From the top."""
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)


def draw(chart: Chart) -> str:
    """The whole chart: points, smoothed lines, goals, axes."""
    parts = [_opening(chart.name, "chart", (WIDTH, HEIGHT), chart.title, chart.description)]
    frames = [_frame(chart, line) for line in chart.lines]
    parts.extend(_date_axis(chart, frames[0]))
    for side, (line, frame) in enumerate(zip(chart.lines, frames, strict=True)):
        parts.extend(_number_axis(line, frame, side))
    for side, (line, frame) in enumerate(zip(chart.lines, frames, strict=True)):
        parts.extend(_line(line, frame, side, dot=4.5))
    parts.append("</svg>")
    return "".join(parts)


def small_chart(  # noqa: PLR0913  what is seen, and what is heard instead
    series: Series,
    *,
    start: int,
    end: int,
    name: str,
    title: str,
    description: str,
    goal: float | None = None,
    width: int = 320,
    height: int = 80,
) -> str:
    """Points and smoothed line alone, as a card shows them. All values are in one unit."""
    line = ChartLine(
        series=series, unit=Unit(""), name="", number=lambda value, digits: "", goal=goal
    )
    low, high = _bounds(line)
    frame = Frame(4, 4, width - 4, height - 4, start, end, low, high)
    opening = _opening(name, "chart small", (width, height), title, description)
    return opening + "".join(_line(line, frame, 0, dot=3.0)) + "</svg>"


def _opening(name: str, classes: str, size: tuple[int, int], title: str, description: str) -> str:
    width, height = size
    one, two = f"{escape(name)}-title", f"{escape(name)}-text"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{classes}" role="img" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'aria-labelledby="{one} {two}">'
        f'<title id="{one}">{escape(title)}</title><desc id="{two}">{escape(description)}</desc>'
    )


def _frame(chart: Chart, line: ChartLine) -> Frame:
    low, high = _bounds(line)
    right = WIDTH - (_SIDE if len(chart.lines) > 1 else _EDGE)
    return Frame(_SIDE, _TOP, right, HEIGHT - _BOTTOM, chart.start, chart.end, low, high)


def _bounds(line: ChartLine) -> tuple[float, float]:
    """The goal may widen the axis, but not so far that the readings become a flat line."""
    values = line.series.values
    if not values:
        return padded(line.goal or 0.0, line.goal or 0.0)
    low, high = min(values), max(values)
    if line.goal is not None and _is_near(line.goal, low, high):
        low, high = min(low, line.goal), max(high, line.goal)
    return padded(low, high)


def _is_near(goal: float, low: float, high: float) -> bool:
    """Within three times the span of the readings, or a tenth of what they are."""
    reach = max(3 * (high - low), 0.1 * abs(high))
    return low - reach <= goal <= high + reach


def _date_axis(chart: Chart, frame: Frame) -> Iterator[str]:
    for mark in date_marks(chart.start, chart.end, _COLUMNS, chart.zone):
        x = frame.x(mark.at)
        yield _grid(f"M{_short(x)} {_short(frame.top)}V{_short(frame.bottom)}")
        yield _text((x, frame.bottom + 18), chart.date(mark), _anchor(x, frame))


def _grid(path: str) -> str:
    return f'<path class="grid" d="{path}" stroke="{_GREY}" stroke-opacity=".25"/>'


def _anchor(x: float, frame: Frame) -> str:
    """Words at the edges stay inside the picture."""
    if x > frame.right - 30:
        return "end"
    return "middle" if x > frame.left + 20 else "start"


def _number_axis(line: ChartLine, frame: Frame, side: int) -> Iterator[str]:
    x, anchor = (frame.left - 8, "end") if side == 0 else (frame.right + 8, "start")
    marks = number_marks(frame.low, frame.high, _ROWS, line.unit)
    digits = decimal_places(marks)
    for mark in marks:
        y = frame.y(float(mark))
        if side == 0:
            yield _grid(f"M{_short(frame.left)} {_short(y)}H{_short(frame.right)}")
        yield _text((x, y + 4), line.number(mark, digits), anchor, side)
    corner, anchor = (0.0, "start") if side == 0 else (float(WIDTH), "end")
    yield _text((corner, 14), line.name, anchor, side)


def _line(line: ChartLine, frame: Frame, side: int, dot: float) -> Iterator[str]:
    colour = _COLOURS[side]
    series = thin(line.series, int(frame.right - frame.left))
    name = ("one", "two")[side]
    if series.times:
        points = "".join(
            f"M{_short(frame.x(at))} {_short(frame.y(value))}h.1"
            for at, value in zip(series.times, series.values, strict=True)
        )
        faint = "0.45" if series.trend else "1"
        yield (
            f'<path class="points {name}" d="{points}" fill="none" stroke="{colour}" '
            f'stroke-opacity="{faint}" stroke-width="{dot}" stroke-linecap="round"/>'
        )
    if series.trend:
        dashes = ' stroke-dasharray="14 4"' if side else ""  # told apart without colours as well
        yield (
            f'<path class="trend {name}" d="{_polyline(series, frame)}" fill="none" '
            f'stroke="{colour}" stroke-width="2" stroke-linejoin="round"{dashes}/>'
        )
    if line.goal is not None and frame.low <= line.goal <= frame.high:
        yield from _goal(line, frame, name, colour)


def _polyline(series: Series, frame: Frame) -> str:
    places = (
        f"{_short(frame.x(at))} {_short(frame.y(value))}"
        for at, value in zip(series.times, series.trend, strict=True)
    )
    return "M" + "L".join(places)


def _goal(line: ChartLine, frame: Frame, name: str, colour: str) -> Iterator[str]:
    assert line.goal is not None
    y = frame.y(line.goal)
    yield (
        f'<path class="goal {name}" d="M{frame.left} {_short(y)}H{frame.right}" fill="none" '
        f'stroke="{colour}" stroke-width="1.5" stroke-dasharray="6 4"/>'
    )
    if line.goal_name:
        over = y - 5 if y - 20 > frame.top else y + 15
        yield _text((frame.right - 4, over), line.goal_name, "end")


def _text(place: tuple[float, float], words: str, anchor: str, side: int | None = None) -> str:
    colour = _GREY if side is None else _COLOURS[side]
    classes = "label" if side is None else f"label {('one', 'two')[side]}"
    return (
        f'<text class="{classes}" x="{_short(place[0])}" y="{_short(place[1])}" '
        f'text-anchor="{anchor}" font-size="13" font-family="sans-serif" fill="{colour}">'
        f"{escape(words)}</text>"
    )


def _short(number: float) -> str:
    """One decimal place is finer than any screen."""
    return f"{number:.1f}".removesuffix(".0")
