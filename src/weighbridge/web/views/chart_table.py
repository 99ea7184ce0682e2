"""The content of a chart as CSV (RFC 4180): exact values as Withings sent them, in SI units.

Columns: ``taken_at`` (UTC), ``local_time``, and for each measure its value and the smoothed value.
The BMI is computed, and rounded to one decimal. There is nothing but numbers, times and our own
column names in it, so no spreadsheet can take a cell for a formula.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import zip_longest

from weighbridge.core.measures import Measurement, field_name
from weighbridge.targets.formats.decimals import number, part_name
from weighbridge.targets.formats.render_context import one_decimal
from weighbridge.web.charts.chart_measure import Measure, body_mass_index
from weighbridge.web.charts.units import LARGEST, choices, rounded
from weighbridge.web.views.person_history import PersonHistory, zone_of

LINE_END = "\r\n"
_FINER = 2
"""Decimal places of a smoothed value beyond those of its measure."""

type _Cells = dict[int, list[tuple[str, str]]]
"""Instant → value and trend, of each reading of that second."""


def encode_table(
    past: PersonHistory, measures: Sequence[Measure], start: int, end: int, zone: str
) -> bytes:
    """All values from ``start`` to ``end`` (UTC seconds), oldest first."""
    columns = [_cells(past, measure, start, end) for measure in measures]
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


def _cells(past: PersonHistory, measure: Measure, start: int, end: int) -> _Cells:
    series = past.series(measure, start, end, choices(measure.unit)[0])
    trend = dict(zip(series.times, series.trend, strict=True)) if series.trend else {}
    height = past.height() if measure.is_bmi else None
    cells: _Cells = defaultdict(list)
    for point in past.points(measure, start, end):
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
