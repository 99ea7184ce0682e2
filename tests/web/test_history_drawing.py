"""Charts that the server draws: axes with round marks, and a picture that everybody can read."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.web.chart_drawing import (
    HEIGHT,
    WIDTH,
    Chart,
    ChartLine,
    DateMark,
    date_marks,
    decimal_places,
    draw,
    number_marks,
    padded,
    small_chart,
)
from weighbridge.web.chart_values import DAY, HALF_LIFE, Series, Unit, choose, make_series

KILOGRAM, STONE = choose("kg", []), choose("kg", ["st"])
PARIS = ZoneInfo("Europe/Paris")
NOON = 1_710_068_400
SVG = "{http://www.w3.org/2000/svg}"

spans = st.tuples(st.floats(-1e8, 1e8), st.floats(-1e8, 1e8)).map(sorted)


# --- Axes -------------------------------------------------------------------------------------


@given(spans, st.integers(2, 10), st.sampled_from([KILOGRAM, STONE]))
def test_marks_are_round_and_not_too_many(span: list[float], most: int, unit: Unit) -> None:
    low, high = span
    marks = number_marks(low, high, most, unit)
    assert len(marks) <= most + 1
    assert all(Decimal(low) <= mark <= Decimal(high) for mark in marks)
    steps = {after - before for before, after in pairwise(marks)}
    assert len(steps) <= 1
    for step in steps:
        digits = step.normalize().as_tuple().digits
        in_stones = unit is STONE and step % 7 == 0
        assert in_stones or digits in ((1,), (2,), (5,))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (71.3, 74.8, ["71.5", "72.0", "72.5", "73.0", "73.5", "74.0", "74.5"]),
        (0, 100, ["0", "20", "40", "60", "80", "100"]),
        (36.52, 37.18, ["36.6", "36.7", "36.8", "36.9", "37.0", "37.1"]),
    ],
)
def test_people_would_choose_these_marks(low: float, high: float, expected: list[str]) -> None:
    assert number_marks(low, high, 7, KILOGRAM) == [Decimal(text) for text in expected]


def test_marks_in_stones_are_whole_ones_or_halves() -> None:
    assert number_marks(150, 182, 7, STONE) == [154, 161, 168, 175, 182]
    assert number_marks(100, 200, 7, STONE) == [112, 140, 168, 196]
    assert number_marks(155.2, 159.9, 7, STONE) == [156, 157, 158, 159]


def test_marks_are_written_with_as_many_places_as_they_need() -> None:
    assert decimal_places([Decimal("71.5"), Decimal("72.0")]) == 1
    assert decimal_places([Decimal(20), Decimal(40)]) == 0
    assert decimal_places([Decimal("0.05")]) == 2
    assert decimal_places([]) == 0


@given(spans)
def test_an_axis_is_never_without_length(span: list[float]) -> None:
    low, high = padded(*span)
    assert low < span[0] <= span[1] < high
    assert padded(72.0, 72.0)[1] > 72.0


ZONES = ("UTC", "Europe/Paris", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca")


@given(
    st.integers(0, 4_000_000_000),
    st.integers(DAY, 60 * 365 * DAY),
    st.integers(2, 12),
    st.sampled_from(ZONES),
)
def test_date_marks_are_the_beginnings_of_days(
    start: int, length: int, most: int, zone: str
) -> None:
    marks = date_marks(start, start + length, most, ZoneInfo(zone))
    assert len(marks) <= most
    assert [mark.at for mark in marks] == sorted({mark.at for mark in marks})
    assert len({mark.grain for mark in marks}) <= 1
    for mark in marks:
        assert start <= mark.at <= start + length
        local = datetime.datetime.fromtimestamp(mark.at, ZoneInfo(zone))
        assert local.date() == mark.day
        assert mark.grain == "day" or mark.day.day == 1
        assert mark.grain != "year" or mark.day.month == 1


@pytest.mark.parametrize(
    ("days", "grain", "expected"),
    [
        (7, "day", ["2024-03-04", "2024-03-05", "2024-03-10"]),
        (90, "day", ["2023-12-25", "2024-01-08", "2024-03-04"]),
        (365, "month", ["2023-05-01", "2023-07-01", "2024-03-01"]),
        (3650, "year", ["2016-01-01", "2018-01-01", "2024-01-01"]),
    ],
)
def test_people_would_choose_these_dates(days: int, grain: str, expected: list[str]) -> None:
    marks = date_marks(NOON - days * DAY, NOON, 7, PARIS)
    found = [mark.day.isoformat() for mark in marks]
    assert [found[0], found[1], found[-1]] == expected
    assert {mark.grain for mark in marks} == {grain}


def test_the_day_on_which_the_clocks_change_has_its_own_midnight() -> None:
    start = int(datetime.datetime(2024, 3, 30, tzinfo=PARIS).timestamp())
    marks = date_marks(start, start + 3 * DAY, 7, PARIS)
    hours = [(b.at - a.at) // 3600 for a, b in pairwise(marks)]
    assert hours == [24, 23, 24]


# --- Pictures ---------------------------------------------------------------------------------


def line_of(*values: float, goal: float | None = None, unit: Unit = KILOGRAM) -> ChartLine:
    points = [(NOON + number * DAY, value) for number, value in enumerate(values)]
    return ChartLine(
        series=make_series(points, HALF_LIFE),
        unit=unit,
        name="Weight (kg)",
        number=lambda value, digits: f"{value:.{digits}f}",
        goal=goal,
        goal_name="Goal: 70 kg",
    )


def chart_of(*lines: ChartLine, **fields: str) -> Chart:
    given = {"name": "chart", "title": "Weight of anna", "description": "A text.", **fields}
    return Chart(**given, start=NOON, end=NOON + 30 * DAY, zone=PARIS, lines=lines, date=_date)


def _date(mark: DateMark) -> str:
    return mark.day.isoformat()


def read(svg: str) -> ElementTree.Element:
    """The picture as XML: it may stand alone in a file."""
    return ElementTree.fromstring(svg)


def parts(svg: str, classes: str) -> list[ElementTree.Element]:
    return [one for one in read(svg).iter() if one.get("class") == classes]


def test_a_chart_shows_every_reading_its_line_and_the_goal() -> None:
    svg = draw(chart_of(line_of(72.0, 71.5, 71.0, goal=70.0)))
    (points,) = parts(svg, "points one")
    assert (points.get("d") or "").count("M") == 3
    (trend,) = parts(svg, "trend one")
    assert (trend.get("d") or "").count("L") == 2
    assert len(parts(svg, "goal one")) == 1
    words = [one.text for one in read(svg).iter(f"{SVG}text")]
    assert {"Weight (kg)", "Goal: 70 kg", "2024-03-11", "71.0"} < set(words)


def test_everything_stays_inside_the_picture() -> None:
    svg = draw(chart_of(line_of(72.0, 999.0, 0.5), line_of(20.0, 21.0)))
    for path in [*parts(svg, "points one"), *parts(svg, "trend two")]:
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d") or ""):
            assert 0 <= float(x) <= WIDTH
            assert 0 <= float(y) <= HEIGHT


def test_a_second_measure_has_an_axis_of_its_own_on_the_right() -> None:
    svg = draw(chart_of(line_of(72.0, 71.0), line_of(22.0, 22.5)))
    left = [float(one.get("x") or 0) for one in parts(svg, "label one")]
    right = [float(one.get("x") or 0) for one in parts(svg, "label two")]
    assert max(left) < WIDTH / 2 < min(right)
    (first,), (second,) = parts(svg, "trend one"), parts(svg, "trend two")
    assert first.get("stroke-dasharray") != second.get("stroke-dasharray"), "not by colour alone"


def test_a_far_goal_does_not_flatten_the_readings() -> None:
    near, far = draw(chart_of(line_of(90, 91, goal=85))), draw(chart_of(line_of(90, 91, goal=50)))
    assert parts(near, "goal one")
    assert not parts(far, "goal one")


def test_nothing_is_styled_in_place_and_nothing_is_fetched() -> None:
    """The policy of a page forbids the first; the second would tell others who looks."""
    svg = draw(chart_of(line_of(72.0, 71.0, goal=70), line_of(20.0)))
    for one in read(svg).iter():
        assert not {"style", "onclick", "onload", "href"} & set(one.attrib)
        assert one.tag not in (f"{SVG}style", f"{SVG}script", f"{SVG}image", f"{SVG}use")


def test_a_picture_says_what_it_shows() -> None:
    for svg in (draw(chart_of(line_of(72.0))), small(line_of(72.0).series)):
        root = read(svg)
        assert root.get("role") == "img"
        named = (root.get("aria-labelledby") or "").split()
        texts = {one.get("id"): one.text for one in root.iter() if one.get("id")}
        assert [texts[name] for name in named] == ["Weight of anna", "A text."]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")))
def test_words_cannot_smuggle_markup(text: str) -> None:
    svg = draw(chart_of(line_of(72.0), title=text, description=text, name=f"a{text}"))
    root = read(svg)
    assert (root.find(f"{SVG}title").text or "") == text  # type: ignore[union-attr]
    assert not list(root.iter(f"{SVG}script"))


def small(series: Series) -> str:
    return small_chart(
        series,
        start=NOON,
        end=NOON + 90 * DAY,
        name="small-anna",
        title="Weight of anna",
        description="A text.",
        goal=70.0,
    )


def test_a_small_chart_has_points_and_line_and_no_words_of_axes() -> None:
    svg = small(line_of(72.0, 71.0, 70.5).series)
    assert parts(svg, "points one")
    assert parts(svg, "trend one")
    assert parts(svg, "goal one")
    assert not list(read(svg).iter(f"{SVG}text"))
    assert len(svg) < 1500


@pytest.mark.parametrize("values", [(), (72.0,), (72.0, 72.0), (0.0, 0.0), (9e8, -9e8)])
def test_odd_series_can_be_drawn(values: tuple[float, ...]) -> None:
    for unit in (KILOGRAM, STONE):
        assert read(draw(chart_of(line_of(*values, unit=unit), line_of(1.0)))).tag == f"{SVG}svg"
    assert read(small(line_of(*values).series)).tag == f"{SVG}svg"


def test_ten_years_make_a_small_picture() -> None:
    values = [72 + (number % 17) / 10 for number in range(3650)]
    points = [(NOON - (3650 - number) * DAY, value) for number, value in enumerate(values)]
    line = ChartLine(
        series=make_series(points, HALF_LIFE), unit=KILOGRAM, name="", number=lambda *_: ""
    )
    chart = Chart(
        name="c",
        title="",
        description="",
        start=points[0][0],
        end=NOON,
        zone=PARIS,
        lines=[line],
        date=_date,
    )
    assert len(draw(chart)) < 25_000
