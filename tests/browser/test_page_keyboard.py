"""The keyboard alone is enough: it reaches everything in order, one sees where it is, it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pages.conftest import Visiting
    from playwright.sync_api import Page

    from fixtures.pages_household import Home

_BEGIN = """() => {
  const reach = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  window.all = [...document.querySelectorAll(reach)].filter(
    one => one.checkVisibility() && !one.disabled && one.type !== "hidden");
  window.seen = [];
  addEventListener("focusin", ({ target }) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(target);
    const box = target.getBoundingClientRect();
    const shown = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const marked = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    window.seen.push({ index: window.all.indexOf(target), text: target.outerHTML.slice(0, 100),
                       shown, marked });
  });
  return window.all.length;
}"""


def walk(page: Page) -> tuple[int, list[dict[str, Any]]]:
    """How much there is to reach, and what is reached one after the other."""
    count = page.evaluate(_BEGIN)
    for _ in range(count + 30):  # a field for a date has several stops
        page.keyboard.press("Tab")
    return count, page.evaluate("window.seen")


@pytest.mark.parametrize(
    "path",
    ["/", "/history/anna", "/diary/anna", "/connect", "/connect/ben/garmin", "/household"],
)
def test_the_tab_key_reaches_everything_in_order(visit: Visiting, path: str) -> None:
    window = visit()
    window.resize(360)
    page = window.go(path)
    if path.startswith("/history"):
        page.wait_for_selector(".plot canvas")
    count, seen = walk(page)
    first_round = seen[: next((n for n, one in enumerate(seen[1:], 1) if not one["index"]), None)]
    assert [one["index"] for one in first_round] == list(range(count)), first_round
    assert [one["text"] for one in first_round if not (one["shown"] and one["marked"])] == []


def test_somebody_without_a_mouse_signs_in_and_looks_at_a_chart(
    visit: Visiting, family: Home
) -> None:
    window = visit(stranger=True)
    page = window.go("/")
    keys = page.keyboard
    reach(page, "input#token")
    keys.type(family.token)
    keys.press("Enter")
    page.wait_for_url(f"{family.url}/")
    keys.press("Tab")
    keys.press("Enter")  # the link that skips the navigation
    assert page.evaluate("location.hash") == "#main"
    reach(page, "main a[href='/history/anna']")
    keys.press("Enter")
    page.wait_for_selector(".plot canvas")
    reach(page, "select#measure")
    keys.type("Fat r")
    reach(page, "form.choices button")
    keys.press("Enter")
    page.wait_for_url("**/history/anna?*measure=fat_ratio*")
    page.wait_for_selector(".plot canvas")
    reach(page, "input#reading")
    newest = page.inner_text("output")
    keys.press("ArrowLeft")
    assert page.inner_text("output") != newest
    assert page.locator("#reading").get_attribute("aria-valuetext") == page.inner_text("output")


def reach(page: Page, selector: str) -> None:
    """Press Tab until it is there."""
    wanted = page.locator(selector).first
    for _ in range(80):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"The keyboard does not reach {selector}.")
