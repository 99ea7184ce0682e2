"""The chart of a history page and of a card: read, drawn and described."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import msgspec
from markupsafe import Markup

from weighbridge.i18n import Texts
from weighbridge.web.charts.axes import DateMark
from weighbridge.web.charts.drawing import Chart, Line, draw, small_chart
from weighbridge.web.charts.measures import Measure, Unit, convert, digits_in, rounded
from weighbridge.web.charts.series import Series
from weighbridge.web.measure_format import mark, measure_name, shown, title_of
from weighbridge.web.preferences import UnitChoice
from weighbridge.web.views.history_query import start_of
from weighbridge.web.views.person_history import PersonHistory, latest, zone_of


class ChartSeries(msgspec.Struct, frozen=True):
    """One measure of a chart: its values in the unit in which they are shown."""

    measure: Measure
    unit: Unit
    series: Series
    goal: Decimal | None
    """In the unit of the measure."""

    @property
    def digits(self) -> int:
        """Decimal places of a value as it is shown."""
        return digits_in(self.unit, self.measure.digits)

    @property
    def drawn_goal(self) -> float | None:
        """In the unit of the axis."""
        return None if self.goal is None else float(convert(self.goal, self.unit))


def read_chart_series(
    history: PersonHistory, measure: Measure, units: UnitChoice, start: int, end: int
) -> ChartSeries:
    """Read what a chart shows of a measure from ``start`` to ``end`` (UTC seconds)."""
    unit = units.unit(measure.unit)
    return ChartSeries(
        measure, unit, history.series(measure, start, end, unit), history.goal(measure)
    )


def span_of(charted: Sequence[ChartSeries], span: str, now: float) -> tuple[int, int]:
    """Where the time axis begins and ends; "all" begins with the first reading."""
    start, end = start_of(span, now), int(now)
    newest = [one.series.times[-1] for one in charted if one.series.times]
    end = max([end, *newest])
    if start == 0:
        oldest = [one.series.times[0] for one in charted if one.series.times]
        start = min([end - 86_400, *oldest])
    return start, end


def draw_chart_series(
    texts: Texts, person: str, charted: Sequence[ChartSeries], span: tuple[int, int], zone: str
) -> Markup:
    """The chart as SVG, as it stands in a page or in a file of its own."""
    chart = Chart(
        name="chart",
        title=title(texts, person, [one.measure for one in charted]),
        description=" ".join(describe(texts, one, zone) for one in charted),
        start=span[0],
        end=span[1],
        zone=zone_of(zone),
        lines=[_line(texts, one) for one in charted],
        date=partial(date_words, texts),
    )
    return Markup(draw(chart))  # noqa: S704  every word in it was escaped


def _line(texts: Texts, one: ChartSeries) -> Line:
    return Line(
        series=one.series,
        unit=one.unit,
        name=title_of(texts, one.measure, one.unit),
        number=lambda value, digits: mark(texts, value, digits, one.unit),
        goal=one.drawn_goal,
        goal_name=goal_words(texts, one),
    )


def goal_words(texts: Texts, one: ChartSeries) -> str:
    """``Goal: 70 kg``; empty without one."""
    if one.goal is None:
        return ""
    goal = rounded(convert(one.goal, one.unit), one.digits)
    digits = 0 if goal == goal.to_integral_value() else one.digits  # 70 kg, but 72.50 kg
    return texts("history.goal", goal=shown(texts, goal, one.unit, digits))


def title(texts: Texts, person: str, measures: Sequence[Measure]) -> str:
    """``Weight and fat ratio of anna``."""
    names = [measure_name(texts, measure) for measure in measures]
    if len(names) == 1:
        return texts("history.of_person", measure=names[0], person=person)
    return texts("history.two_of_person", measure=names[0], other=names[1], person=person)


def describe(texts: Texts, one: ChartSeries, zone: str) -> str:
    """What a chart shows of a measure, for people who do not see it."""
    series = one.series
    name = measure_name(texts, one.measure)
    if not series.times:
        return texts("history.heard_nothing", measure=name)
    words = texts(
        "history.heard",
        count=len(series),
        measure=name,
        first=_day(texts, series.times[0], zone),
        last=_day(texts, series.times[-1], zone),
        low=shown(texts, min(series.values), one.unit, one.digits),
        high=shown(texts, max(series.values), one.unit, one.digits),
    )
    if not series.trend:
        return words
    ends = [shown(texts, series.trend[i], one.unit, one.digits) for i in (0, -1)]
    return f"{words} {texts('history.heard_trend', first=ends[0], last=ends[1])}"


def _day(texts: Texts, instant: int, zone: str) -> str:
    return texts.grammar.date(datetime.datetime.fromtimestamp(instant, zone_of(zone)))


def date_words(texts: Texts, found: DateMark) -> str:
    """A mark of a time axis, as short as its grain allows."""
    month = texts(f"history.month_{found.day.month}")
    return texts(f"history.axis_{found.grain}", day=found.day.day, month=month, year=found.day.year)


def card_chart(  # noqa: PLR0913
    texts: Texts,
    history: PersonHistory,
    person: str,
    measure: Measure,
    units: UnitChoice,
    now: float,
    span: str = "90d",
) -> Markup | None:
    """A small chart for the card of a person; None when there is nothing to draw.

    Several may stand on one page if their people differ.
    """
    one = read_chart_series(history, measure, units, start_of(span, now), latest(now))
    if not one.series.times:
        return None
    start, end = span_of([one], span, now)
    svg = small_chart(
        one.series,
        start=start,
        end=end,
        name=f"small-{person.encode().hex()}",
        title=title(texts, person, [measure]),
        description=describe(texts, one, history.zone()),
        goal=one.drawn_goal,
    )
    return Markup(svg)  # noqa: S704  every word in it was escaped
