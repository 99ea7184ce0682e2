"""Values in the order of time, as a chart takes them: raw, smoothed, not more than it can show.

The smoothed line says what a value was on the whole, without the ups and downs of a day. It is a
weighted mean of all readings so far: a reading counts half as much when it is one half-life older,
a quarter when it is two older, and so on, however unevenly the readings lie in time. Later readings
never change what was drawn for earlier ones.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec

DAY = 86_400
HALF_LIFE = 7.0 * DAY
"""Seconds. A week takes out water, meals and week-ends, and still shows a month's change."""
FORGOTTEN = 20
"""Half-lives after which a reading counts less than a millionth: older ones need not be read."""


def smooth(times: Sequence[int], values: Sequence[float], half_life: float) -> list[float]:
    """The smoothed value at each instant (seconds, ascending; ``half_life`` in seconds).

    The mean is moved by each value's share and not built from sums: a constant then stays exactly
    that constant. Raises ValueError when the instants do not ascend.
    """
    trend: list[float] = []
    mean = weight = 0.0
    last = times[0] if times else 0
    for at, value in zip(times, values, strict=True):
        if at < last:
            raise ValueError("instants must ascend")
        weight = weight * 0.5 ** ((at - last) / half_life) + 1.0
        mean += (value - mean) / weight
        trend.append(mean)
        last = at
    return trend


type Column = list[float | None]

_KEPT_OF_EACH = 4
"""The first, the last, the lowest and the highest value of a stretch of time."""


class Series(msgspec.Struct, frozen=True):
    """Columns of equal length; ``trend`` is empty when nothing is smoothed. UTC seconds."""

    times: list[int]
    values: list[float]
    trend: list[float]

    def __len__(self) -> int:
        return len(self.times)

    def pick(self, indices: Iterable[int]) -> Series:
        """Some of the points, in the order of ``indices``."""
        chosen = list(indices)
        return Series(
            [self.times[i] for i in chosen],
            [self.values[i] for i in chosen],
            [self.trend[i] for i in chosen] if self.trend else [],
        )


def make_series(points: Iterable[tuple[int, float]], half_life: float | None) -> Series:
    """The series of points in the order of time. ``half_life`` in seconds; None: no trend."""
    times: list[int] = []
    values: list[float] = []
    for at, value in points:
        times.append(at)
        values.append(value)
    trend = smooth(times, values, half_life) if half_life is not None else []
    return Series(times, values, trend)


def from_instant(series: Series, start: int) -> Series:
    """What lies at an instant or later. Its trend remembers what came before."""
    first = bisect_left(series.times, start)
    return series.pick(range(first, len(series))) if first else series


def thin(series: Series, most: int) -> Series:
    """At most so many points (4 or more): of each stretch of time its ends and its extremes.

    A chart of the result looks like a chart of the whole: the lowest and the highest value of each
    stretch are there, so no peak is lost.
    """
    if len(series) <= most:
        return series
    return series.pick(_kept(series, max(most // _KEPT_OF_EACH, 1)))


def _kept(series: Series, stretches: int) -> Iterator[int]:
    times, values = series.times, series.values
    start, length = times[0], (times[-1] - times[0]) / stretches or 1.0
    begin = 0
    for number in range(1, stretches + 1):
        end = len(times) if number == stretches else bisect_left(times, start + number * length)
        if begin < end:
            inside = range(begin, end)
            low = min(inside, key=values.__getitem__)
            high = max(inside, key=values.__getitem__)
            yield from sorted({begin, low, high, end - 1})
        begin = max(begin, end)


def side_by_side(all_series: Sequence[Series]) -> tuple[list[int], list[Column]]:
    """One column of instants for several series, and their values and trends as columns of it.

    Each series gives its values, then its trend if it has one; None where it has nothing.
    """
    times = sorted({at for series in all_series for at in series.times})
    columns: list[Column] = []
    for series in all_series:
        columns.append(_spread(times, series.times, series.values))
        if series.trend:
            columns.append(_spread(times, series.times, series.trend))
    return times, columns


def _spread(times: Sequence[int], own: Sequence[int], values: Sequence[float]) -> Column:
    """Two values of the same second: the later one is shown."""
    if own == times:
        return list(values)
    by_time = dict(zip(own, values, strict=True))
    return [by_time.get(at) for at in times]
