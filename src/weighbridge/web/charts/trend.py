"""The smoothed line of a chart: what a value was on the whole, without the ups and downs of a day.

It is a weighted mean of all readings so far. A reading counts half as much when it is one half-life
older, a quarter when it is two older, and so on, however unevenly the readings lie in time. Later
readings never change what was drawn for earlier ones.
"""

from __future__ import annotations

from collections.abc import Sequence

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
