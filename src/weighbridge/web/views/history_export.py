"""The content of a chart: as JSON for ``static/history.js``, and as CSV for a spreadsheet.

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
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from weighbridge.core.measures import Measurement, field_name
from weighbridge.i18n import Texts
from weighbridge.targets.formats.render_context import number, one_decimal, part_name
from weighbridge.web.charts.measures import LARGEST, Measure, body_mass_index, choices, rounded
from weighbridge.web.charts.series import DAY, Series, side_by_side, thin
from weighbridge.web.measure_format import measure_name, title_of, unit_sign
from weighbridge.web.views.history_chart import ChartSeries, goal_words
from weighbridge.web.views.person_history import PersonHistory, zone_of

if TYPE_CHECKING:
    from starlette.requests import Request


MOST = 20_000
"""Points of a line that are sent: more than twenty a pixel, of which nothing could be seen."""
_FINER = 2
"""Decimal places of a trend beyond those of its measure, so that the line is no staircase."""


def encode_columns(
    texts: Texts, charted: Sequence[ChartSeries], span: tuple[int, int], zone: str
) -> bytes:
    """The JSON of one line or two."""
    times, columns = side_by_side([_thinned(one) for one in charted])
    content = {
        "start": span[0],
        "end": span[1],
        "zone": zone,
        "lines": [_line(texts, one) for one in charted],
        "columns": [times, *columns],
    }
    return msgspec.json.encode(content)


def _thinned(one: ChartSeries) -> Series:
    series = thin(one.series, MOST)
    digits = one.digits + _FINER
    return Series(series.times, series.values, [round(value, digits) for value in series.trend])


def _line(texts: Texts, one: ChartSeries) -> dict[str, Any]:
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
    history: PersonHistory, measures: Sequence[Measure], start: int, end: int, zone: str
) -> bytes:
    """All values from ``start`` to ``end`` (UTC seconds), oldest first."""
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
