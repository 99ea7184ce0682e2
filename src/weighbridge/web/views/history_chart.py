"""The chart of a history page and of a card: read, drawn and described; its content as JSON for
``static/history.js``, and as CSV for a spreadsheet.

The JSON has columns of numbers, as in uPlot: ``columns[0]`` are instants in UTC seconds; for each
line follow its values and, if it is smoothed, its trend; null where it has nothing.

The CSV (RFC 4180) has the exact values as Withings sent them, in SI units. Its columns are
``taken_at`` (UTC), ``local_time``, and for each measure its value and the smoothed value. The BMI
is computed, and rounded to one decimal. There is nothing but numbers, times and our own column
names in it, so no spreadsheet can take a cell for a formula.

Only these answers are compressed, never a page: a page has a CSRF token beside text that others
may choose, and its compressed length would tell something about that token (BREACH).
"""

from __future__ import annotations

import datetime
import gzip
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup
from starlette.responses import Response

from weighbridge.core.measures import Measurement, field_name
from weighbridge.i18n import Texts
from weighbridge.targets.formats.render_context import number, one_decimal, part_name
from weighbridge.web.chart_drawing import Chart, ChartLine, DateMark, draw, small_chart
from weighbridge.web.chart_values import (
    DAY,
    LARGEST,
    Measure,
    Series,
    Unit,
    body_mass_index,
    choices,
    convert,
    digits_in,
    rounded,
    side_by_side,
    thin,
)
from weighbridge.web.views.person_history import USUAL, PersonHistory, latest, start_of, zone_of
from weighbridge.web.wording import ValueFormat, mark, measure_name, shown, title_of, unit_sign

if TYPE_CHECKING:
    from starlette.requests import Request


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


class HistoryChart(msgspec.Struct, frozen=True):
    """One measure of a person, or two, over one span of time."""

    texts: Texts
    person: str
    zone: str
    series: Sequence[ChartSeries]
    start: int
    """UTC seconds, like ``end``."""
    end: int

    def title(self) -> str:
        """``Weight and fat ratio of anna``."""
        names = [measure_name(self.texts, one.measure) for one in self.series]
        if len(names) == 1:
            return self.texts("history.of_person", measure=names[0], person=self.person)
        return self.texts(
            "history.two_of_person", measure=names[0], other=names[1], person=self.person
        )

    def describe(self) -> str:
        """What it shows, for people who do not see it."""
        return " ".join(describe(self.texts, one, self.zone) for one in self.series)

    def draw(self) -> Markup:
        """As SVG, for a page or for a file of its own."""
        chart = Chart(
            name="chart",
            title=self.title(),
            description=self.describe(),
            start=self.start,
            end=self.end,
            zone=zone_of(self.zone),
            lines=[_line(self.texts, one) for one in self.series],
            date=partial(date_words, self.texts),
        )
        return Markup(draw(chart))  # noqa: S704  every word in it was escaped

    def draw_small(self) -> Markup:
        """For a card. Several may be on one page if their people differ."""
        (one,) = self.series
        svg = small_chart(
            one.series,
            start=self.start,
            end=self.end,
            name=f"small-{self.person.encode().hex()}",
            title=self.title(),
            description=self.describe(),
            goal=one.drawn_goal,
        )
        return Markup(svg)  # noqa: S704  every word in it was escaped

    def columns(self) -> bytes:
        """The JSON of its lines."""
        times, columns = side_by_side([_thinned(one) for one in self.series])
        content = {
            "start": self.start,
            "end": self.end,
            "zone": self.zone,
            "lines": [_line_facts(self.texts, one) for one in self.series],
            "columns": [times, *columns],
        }
        return msgspec.json.encode(content)


def read_chart(
    value_format: ValueFormat,
    history: PersonHistory,
    measures: Sequence[Measure],
    span: str,
    now: float,
) -> HistoryChart:
    """The measures over one of ``SPANS`` that ends now; "all" begins with the first reading."""
    start, end = start_of(span, now), int(now)
    series = []
    for measure in measures:
        unit = value_format.units.unit(measure.unit)
        found = history.series(measure, start, latest(now), unit)
        series.append(ChartSeries(measure, unit, found, history.goal(measure)))
    read = [one.series.times for one in series if one.series.times]
    end = max([end, *(times[-1] for times in read)])
    if start == 0:
        start = min([end - DAY, *(times[0] for times in read)])
    name = history.person.name
    return HistoryChart(value_format.texts, name, history.zone(), series, start, end)


def card_chart(
    value_format: ValueFormat, history: PersonHistory, measure: Measure, now: float
) -> Markup | None:
    """A small chart for the card of a person; None when there is nothing to draw."""
    chart = read_chart(value_format, history, [measure], USUAL, now)
    return chart.draw_small() if chart.series[0].series.times else None


def _line(texts: Texts, one: ChartSeries) -> ChartLine:
    return ChartLine(
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


def describe(texts: Texts, one: ChartSeries, zone: str) -> str:
    """What a chart shows of a measure, for people who do not see it."""
    series = one.series
    name = measure_name(texts, one.measure)
    if not series.times:
        return texts("history.heard_nothing", measure=name)
    first_and_last = (series.times[0], series.times[-1])
    instants = (datetime.datetime.fromtimestamp(at, zone_of(zone)) for at in first_and_last)
    days = [texts.grammar.date(instant) for instant in instants]
    words = texts(
        "history.heard",
        count=len(series),
        measure=name,
        first=days[0],
        last=days[1],
        low=shown(texts, min(series.values), one.unit, one.digits),
        high=shown(texts, max(series.values), one.unit, one.digits),
    )
    if not series.trend:
        return words
    ends = [shown(texts, series.trend[i], one.unit, one.digits) for i in (0, -1)]
    return f"{words} {texts('history.heard_trend', first=ends[0], last=ends[1])}"


def date_words(texts: Texts, found: DateMark) -> str:
    """A mark of a time axis, as short as its grain allows."""
    month = texts(f"history.month_{found.day.month}")
    return texts(f"history.axis_{found.grain}", day=found.day.day, month=month, year=found.day.year)


MOST = 20_000
"""Points of a line that are sent: more than twenty a pixel, of which nothing could be seen."""
_FINER = 2
"""Decimal places of a trend beyond those of its measure, so that the line is no staircase."""


def _thinned(one: ChartSeries) -> Series:
    series = thin(one.series, MOST)
    digits = one.digits + _FINER
    return Series(series.times, series.values, [round(value, digits) for value in series.trend])


def _line_facts(texts: Texts, one: ChartSeries) -> dict[str, Any]:
    """``many``: so many of the small unit, in which values are sent, make one of the big unit."""
    unit, half_life = one.unit, one.measure.half_life
    return {
        "name": measure_name(texts, one.measure),
        "title": title_of(texts, one.measure, unit),
        "sign": unit_sign(texts, unit.name),
        "many": unit.many,
        "small": unit_sign(texts, unit.small),
        "digits": one.digits,
        "trend": bool(one.series.trend),
        "half_life_days": None if half_life is None else half_life / DAY,
        "goal": one.drawn_goal,
        "goal_name": goal_words(texts, one),
    }


LINE_END = "\r\n"
type _Cells = dict[int, list[tuple[str, str]]]
"""Instant → value and trend, of each reading of that second."""


def encode_table(
    history: PersonHistory, measures: Sequence[Measure], start: int, end: int
) -> bytes:
    """All values from ``start`` to ``end`` (UTC seconds), oldest first."""
    zone = history.zone()
    columns = [_cells(history, measure, start, end) for measure in measures]
    lines = [",".join(("taken_at", "local_time", *_names(measures)))]
    for at in sorted({at for column in columns for at in column}):
        moment = _moment(at, zone)
        for row in zip_longest(*(column.get(at, []) for column in columns), fillvalue=("", "")):
            lines.append(",".join((*moment, *(cell for pair in row for cell in pair))))
    return (LINE_END.join(lines) + LINE_END).encode()


def _names(measures: Sequence[Measure]) -> Iterator[str]:
    for measure in measures:
        name = "bmi" if measure.is_bmi else field_name(measure.code)
        place = "" if measure.position is None else f"[{part_name(measure.position)}]"
        yield from (f"{name}{place}", f"{name}{place}_trend")


def _cells(history: PersonHistory, measure: Measure, start: int, end: int) -> _Cells:
    series = history.series(measure, start, end, choices(measure.unit)[0])
    trend = dict(zip(series.times, series.trend, strict=True)) if series.trend else {}
    height = history.height() if measure.is_bmi else None
    cells: _Cells = defaultdict(list)
    for point in history.points(measure, start, end):
        value = _exact(point.measurement, height)
        smoothed = trend.get(point.taken_at)
        cells[point.taken_at].append((value, _smoothed(smoothed, measure.digits)))
    return cells


def _exact(measurement: Measurement, height: Decimal | None) -> str:
    if height is None:
        return number(measurement)
    bmi = body_mass_index(measurement.value, height)
    return one_decimal(bmi) if abs(bmi) < LARGEST else ""


def _smoothed(value: float | None, digits: int) -> str:
    return "" if value is None else f"{rounded(Decimal(value), digits + _FINER):f}"


def _moment(instant: int, zone: str) -> tuple[str, str]:
    """Both as ISO 8601; in the zone with its distance from UTC."""
    utc = datetime.datetime.fromtimestamp(instant, datetime.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}", utc.astimezone(zone_of(zone)).isoformat()


LEVEL = 5
"""Of 1 to 9: level 9 takes three times as long for 2 percent less."""
WORTH_IT = 1000
"""Bytes. A smaller answer fits into one packet anyway."""


def compressed(
    request: Request, content: bytes, kind: str, headers: Mapping[str, str] = {}
) -> Response:
    """An answer of a media type; compressed when the browser says that it understands that."""
    given = {**headers, "Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if len(content) >= WORTH_IT and _takes_gzip(request.headers.get("accept-encoding", "")):
        content = gzip.compress(content, LEVEL, mtime=0)
        given["Content-Encoding"] = "gzip"
    return Response(content, 200, given, kind)


def _takes_gzip(accepted: str) -> bool:
    """``gzip;q=0`` means no (RFC 9110, section 12.5.3)."""
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
