"""The chart of a history: what the pointer and the buttons show, and what can be taken along."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pages.conftest import Visiting
    from playwright.sync_api import Page

_PIXELS = """() => {
  const canvas = document.querySelector(".plot canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let drawn = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i]) drawn += 1;
  return drawn;
}"""

_NOTE_WHAT_IS_WRITTEN = r"""
window.written = new Map();
const { fillText } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
  if (/^[\d.]+$/.test(text)) {
    const colour = this.fillStyle;
    window.written.set(colour, [...new Set(window.written.get(colour) ?? []).add(text)]);
  }
  return fillText.call(this, text, ...more);
};"""
"""Numbers by their colour: each axis has one of its own."""


@pytest.fixture
def page(visit: Visiting) -> Page:
    """Anna's weight of a year."""
    opened = visit().go("/history/anna?measure=weight&range=1y")
    opened.wait_for_selector(".plot canvas")
    return opened


def moment(page: Page) -> str:
    """When that was measured which is read out."""
    return page.inner_text("output").partition(": ")[0]


def point(page: Page, share: float) -> None:
    """Move the pointer over the chart: 0 is its left end, 1 the right one."""
    place = page.locator(".u-over")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 + (box["width"] - 1) * share, box["y"] + 40)


def test_pointer_and_buttons_read_and_enlarge_the_chart(page: Page) -> None:
    kilograms = r"\d\d\.\d\d\skg"
    words = rf"Weight {kilograms} \(Smoothed: {kilograms}\)"
    assert re.search(words, page.inner_text("output"))
    assert page.evaluate(_PIXELS) > 5000
    newest = moment(page)
    point(page, 0.0)
    oldest = moment(page)
    assert oldest != newest
    page.mouse.down()
    point(page, 0.5)
    page.mouse.up()
    point(page, 1.0)
    assert moment(page) not in (oldest, newest), "the second half of the year is out of sight"
    page.get_by_role("button", name="Whole range").click()
    point(page, 1.0)
    assert moment(page) == newest
    page.get_by_role("button", name="Zoom in").click()
    point(page, 0.0)
    assert moment(page) not in (oldest, newest)


def test_two_measures_in_stones_and_percent(page: Page) -> None:
    page.get_by_label("Compare with").select_option("Fat ratio")
    page.get_by_label("Unit").select_option("stones and pounds (st)")
    page.get_by_role("button", name="Show").click()
    page.wait_for_selector(".plot canvas")
    assert re.search(r"Weight \d+ st \d+\.\d lb .*Fat ratio \d+\.\d\s%", page.inner_text("output"))
    page.get_by_role("link", name="30 days").click()
    assert page.get_by_label("Compare with").input_value() == "fat_ratio"
    assert "range=30d" in page.url


def test_the_table_is_saved_and_the_picture_stands_alone(page: Page) -> None:
    with page.expect_download() as saved:
        page.get_by_role("link", name="Table (CSV)").click()
    assert saved.value.suggested_filename == "weight.csv"
    rows = saved.value.path().read_text("utf-8").splitlines()
    assert 200 < len(rows) < 366
    page.get_by_role("link", name="Picture (SVG)").click()
    page.wait_for_url("**/chart.svg?*")
    assert page.evaluate("document.documentElement.nodeName") == "svg"


def test_the_diary_is_printed_without_what_is_for_the_screen(visit: Visiting) -> None:
    page = visit().go("/diary/anna")
    page.emulate_media(media="print")
    for hidden in ("header", "footer", "form.choices"):
        assert not page.locator(hidden).first.is_visible()
    assert page.get_by_role("heading", name="Averages by week").is_visible()
    assert page.locator("table").last.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_marks_of_an_axis_are_evenly_apart(visit: Visiting) -> None:
    """A step of 0.25 was once written with one digit: 27.5, 27.8, 28.0."""
    window = visit()
    window.context.add_init_script(_NOTE_WHAT_IS_WRITTEN)
    for span in ("week", "90d", "all"):
        page = window.go(f"/history/anna?measure=weight&compare=fat_ratio&range={span}")
        page.wait_for_selector(".plot canvas")
        for width in (400, 600, 700, 800):
            page.evaluate("written.clear()")
            window.resize(width)
            window.let_it_be_drawn()
            axes = page.evaluate("Object.fromEntries(written)")
            assert len(axes) >= 2
            for marks in axes.values():
                numbers = sorted(map(float, marks))
                steps = {round(b - a, 6) for a, b in pairwise(numbers)}
                assert len(steps) <= 1, numbers
