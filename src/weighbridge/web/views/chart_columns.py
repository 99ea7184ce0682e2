"""The content of a chart as JSON for ``static/history.js``: columns of numbers, as in uPlot.

``columns[0]`` are instants in UTC seconds. For each line follow its values and, if it is smoothed,
its trend; null where it has nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from weighbridge.i18n import Texts
from weighbridge.web.charts.series import Series, side_by_side, thin
from weighbridge.web.charts.trend import DAY
from weighbridge.web.measure_words import measure_name, title_of, unit_sign
from weighbridge.web.views.charts import ChartSeries, goal_words

MOST = 20_000
"""Points of a line that are sent: more than twenty a pixel, of which nothing could be seen."""
_FINER = 2
"""Decimal places of a trend beyond those of its measure, so that the line is no staircase."""


def encode_columns(
    texts: Texts, strands: Sequence[ChartSeries], span: tuple[int, int], zone: str
) -> bytes:
    """The JSON of one line or two."""
    times, columns = side_by_side([_thinned(strand) for strand in strands])
    content = {
        "start": span[0],
        "end": span[1],
        "zone": zone,
        "lines": [_line(texts, strand) for strand in strands],
        "columns": [times, *columns],
    }
    return msgspec.json.encode(content)


def _thinned(strand: ChartSeries) -> Series:
    series = thin(strand.series, MOST)
    digits = strand.digits + _FINER
    return Series(series.times, series.values, [round(value, digits) for value in series.trend])


def _line(texts: Texts, strand: ChartSeries) -> dict[str, Any]:
    """``many``: so many of the small unit, in which values are sent, make one of the big unit."""
    unit, half_life = strand.unit, strand.measure.half_life
    return {
        "name": measure_name(texts, strand.measure),
        "title": title_of(texts, strand.measure, unit),
        "sign": unit_sign(texts, unit.name),
        "many": unit.many,
        "small": unit_sign(texts, unit.small),
        "digits": strand.digits,
        "trend": bool(strand.series.trend),
        "half_life_days": None if half_life is None else half_life / DAY,
        "goal": strand.drawn_goal,
        "goal_name": goal_words(texts, strand),
    }
