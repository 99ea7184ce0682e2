"""The smoothed line: what it promises whatever was measured, and whenever."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.web.chart_values import (
    DAY,
    FORGOTTEN,
    HALF_LIFE,
    Series,
    from_instant,
    make_series,
    side_by_side,
    smooth,
    thin,
)

values = st.floats(-1e6, 1e6)
instants = st.integers(0, 4_000_000_000)
half_lives = st.floats(3600, 365.0 * DAY)


@st.composite
def histories(draw: st.DrawFn, smallest: int = 1, largest: int = 60) -> list[tuple[int, float]]:
    """Points in the order of time; several may share a second."""
    times = sorted(draw(st.lists(instants, min_size=smallest, max_size=largest)))
    return [(at, draw(values)) for at in times]


def smoothed(history: list[tuple[int, float]], half_life: float = HALF_LIFE) -> list[float]:
    return smooth([at for at, _ in history], [value for _, value in history], half_life)


@given(st.lists(instants, min_size=1), values, half_lives)
def test_a_constant_stays_exactly_that_constant(
    times: list[int], value: float, half_life: float
) -> None:
    assert smooth(sorted(times), [value] * len(times), half_life) == [value] * len(times)


@given(histories(), half_lives)
def test_later_points_never_change_what_was_drawn_before(
    history: list[tuple[int, float]], half_life: float
) -> None:
    whole = smoothed(history, half_life)
    for length in range(len(history)):
        assert smoothed(history[:length], half_life) == whole[:length]


@given(histories(), half_lives, st.integers(-14 * 3600, 14 * 3600))
def test_the_clock_of_the_time_zone_does_not_matter(
    history: list[tuple[int, float]], half_life: float, shift: int
) -> None:
    moved = [(at + shift, value) for at, value in history]
    assert smoothed(moved, half_life) == smoothed(history, half_life)


@given(histories(), half_lives)
def test_the_line_stays_between_the_lowest_and_the_highest_reading(
    history: list[tuple[int, float]], half_life: float
) -> None:
    low, high = min(value for _, value in history), max(value for _, value in history)
    air = 1e-9 * max(abs(low), abs(high), 1.0)
    assert all(low - air <= value <= high + air for value in smoothed(history, half_life))


@given(values, values, half_lives, instants)
def test_half_life_means_half(old: float, new: float, half_life: float, at: int) -> None:
    later = at + round(half_life)
    _, mean = smooth([at, later], [old, new], float(round(half_life)))
    assert mean == pytest.approx((0.5 * old + new) / 1.5, abs=1e-6)


def test_after_a_step_the_old_level_fades_by_half_in_each_half_life() -> None:
    """Weighed daily for a year, then 10 kg heavier for ever."""
    days = list(range(365 + 70))
    weights = [70.0 if day < 365 else 80.0 for day in days]
    line = smooth([day * DAY for day in days], weights, HALF_LIFE)
    missing = [80.0 - line[365 - 1 + weeks * 7] for weeks in range(5)]
    for before, after in pairwise(missing):
        assert after == pytest.approx(before / 2, rel=1e-9)


@given(histories(smallest=2), half_lives)
def test_two_readings_of_one_second_count_alike(
    history: list[tuple[int, float]], half_life: float
) -> None:
    at = history[-1][0]
    one = smoothed([*history, (at, 1.0), (at, 2.0)], half_life)[-1]
    other = smoothed([*history, (at, 2.0), (at, 1.0)], half_life)[-1]
    assert one == pytest.approx(other, rel=1e-9, abs=1e-9)


def test_what_is_forgotten_need_not_be_read() -> None:
    chance = random.Random(7)
    times = [day * DAY for day in range(1000)]
    weights = [chance.gauss(72, 3) for _ in times]
    start = 500
    remembered = start - int(FORGOTTEN * HALF_LIFE / DAY)
    whole = smooth(times, weights, HALF_LIFE)[start:]
    part = smooth(times[remembered:], weights[remembered:], HALF_LIFE)[start - remembered :]
    assert part == pytest.approx(whole, abs=1e-5)


def test_instants_must_ascend() -> None:
    with pytest.raises(ValueError, match="ascend"):
        smooth([2, 1], [70.0, 71.0], HALF_LIFE)


# --- Series -----------------------------------------------------------------------------------


@given(histories(), st.integers(4, 40))
def test_thinning_keeps_the_ends_and_the_extremes(
    history: list[tuple[int, float]], most: int
) -> None:
    whole = make_series(history, HALF_LIFE)
    thinned = thin(whole, most)
    assert len(thinned) <= max(most, 4)
    assert (min(thinned.values), max(thinned.values)) == (min(whole.values), max(whole.values))
    assert (thinned.times[0], thinned.times[-1]) == (whole.times[0], whole.times[-1])
    assert thinned.times == sorted(thinned.times)
    points = set(zip(whole.times, whole.values, whole.trend, strict=True))
    assert set(zip(thinned.times, thinned.values, thinned.trend, strict=True)) <= points


def test_a_single_peak_of_ten_years_is_still_seen() -> None:
    weights = [(day * DAY, 72.0) for day in range(3650)]
    weights[1234] = (1234 * DAY, 95.0)
    weights[2345] = (2345 * DAY, 51.0)
    assert {95.0, 51.0} < set(thin(make_series(weights, None), 300).values)


@given(histories(), instants)
def test_a_part_of_a_series_remembers_what_came_before(
    history: list[tuple[int, float]], start: int
) -> None:
    whole = make_series(history, HALF_LIFE)
    part = from_instant(whole, start)
    assert part.times == [at for at in whole.times if at >= start]
    assert part.trend == whole.trend[len(whole) - len(part) :]


@given(histories(), histories())
def test_two_series_stand_side_by_side_on_one_axis_of_time(
    one: list[tuple[int, float]], two: list[tuple[int, float]]
) -> None:
    first, second = make_series(one, HALF_LIFE), make_series(two, None)
    times, columns = side_by_side([first, second])
    assert times == sorted({at for at, _ in [*one, *two]})
    assert [len(column) for column in columns] == [len(times)] * 3
    for column, history in ((columns[0], one), (columns[2], two)):
        assert dict(zip(times, column, strict=True)) == {**dict.fromkeys(times), **dict(history)}


def test_series_of_the_same_length_are_not_mixed_up() -> None:
    """As many instants as the axis has, but not the same ones: two readings share a second."""
    first = Series([1, 1, 2], [70.0, 71.0, 72.0], [])
    second = Series([3], [20.0], [])
    assert side_by_side([first, second]) == ([1, 2, 3], [[71.0, 72.0, None], [None, None, 20.0]])
