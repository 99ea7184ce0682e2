"""Every page can be used by everybody: seen, heard, enlarged, in the dark, on a small telephone.

axe-core looks at each page at 360 and 1280 px, in light and dark; nothing needs scrolling sideways.
"""

from __future__ import annotations

import re
import time
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from fixtures.pages_household import DAY
from fixtures.pages_visit import PHONE

if TYPE_CHECKING:
    from pages.conftest import Visiting
    from playwright.sync_api import Page

READABLE = 4.5
"""The contrast that WCAG 2.2 asks for (1.4.3). axe does not look at words in a drawing."""

LAST_MONTH = date.fromtimestamp(time.time() - 30 * DAY)

PAGES = {
    "people": ["/", "/household", "/deliveries", "/deliveries?person=clara&state=held"],
    "history": [
        "/history/anna",
        "/history/anna?measure=weight&compare=fat_ratio&range=all",
        "/history/anna?measure=systolic",
        "/history/emil",
    ],
    "connect": [
        f"/diary/anna?from={LAST_MONTH}",
        "/connect",
        "/connect/ben/garmin",
    ],
}
REFUSED = {
    "/history/anna?measure=courage": 404,
    "/history/nobody": 404,
    "/diary/anna?from=yesterday": 404,
    "/connect/withings?code=1&state=strange": 400,
    "/p/no-such-link": 404,
}


@pytest.mark.parametrize("subject", PAGES)
def test_nobody_is_shut_out(visit: Visiting, subject: str) -> None:
    window = visit()
    for path in PAGES[subject]:
        page = window.go(path)
        if path.startswith("/history") and page.locator("figure[data-chart]").count():
            page.wait_for_selector(".plot canvas")
        window.examine()


def test_nobody_is_shut_out_by_a_refusal(visit: Visiting) -> None:
    window = visit()
    for path, status in REFUSED.items():
        window.go(path, status)
        window.examine()


def test_nobody_is_shut_out_before_signing_in(visit: Visiting) -> None:
    window = visit(stranger=True)
    page = window.go("/household")
    assert urlsplit(page.url).path == "/sign-in"
    window.examine()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_words_of_a_drawing_can_be_read(visit: Visiting, scheme: str) -> None:
    window = visit(color_scheme=scheme, java_script_enabled=False)
    page = window.go("/history/anna?measure=weight&compare=fat_ratio&range=1y")
    behind = brightness(page, "body", "backgroundColor")
    assert (behind < 0.1) == (scheme == "dark")
    for selector in (".label", ".label.one", ".label.two"):
        ink = brightness(page, f"svg.chart {selector}", "fill")
        light, dark = max(ink, behind), min(ink, behind)
        assert (light + 0.05) / (dark + 0.05) >= READABLE, selector


def brightness(page: Page, selector: str, what: str) -> float:
    """The relative luminance of a colour (WCAG 2.2)."""
    written = page.locator(selector).first.evaluate(f"node => getComputedStyle(node).{what}")
    parts = [int(part) / 255 for part in re.findall(r"\d+", written)[:3]]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_without_javascript_every_page_can_be_read(visit: Visiting) -> None:
    window = visit(java_script_enabled=False, viewport={"width": PHONE, "height": 800})
    for path in [path for paths in PAGES.values() for path in paths]:
        page = window.go(path)
        assert page.locator("h1").is_visible()
        assert len(page.locator("main").inner_text()) > 80, path
        assert not window.sticks_out(), path
        if path.startswith("/history") and path != "/history/emil":
            box = page.locator("figure svg.chart").bounding_box()
            assert box is not None
            assert box["width"] > PHONE / 2
            assert box["height"] > 100
        if path == "/":
            assert page.locator(".card svg.chart").count() >= 4
            assert "Load the page again" in page.locator("#freshness").inner_text()


WORDY = ["/", "/history/anna", "/diary/anna", "/connect", "/connect/ben/garmin", "/deliveries"]
LANGUAGES = ["Deutsch", "Français", "Español", "Polski", "Nederlands"]


@pytest.mark.parametrize("names", [LANGUAGES[:3], LANGUAGES[3:]], ids="-".join)
def test_no_language_is_too_long_for_a_telephone(visit: Visiting, names: list[str]) -> None:
    window = visit(viewport={"width": PHONE, "height": 800}, java_script_enabled=False)
    window.go("/")
    for name in names:
        window.page.get_by_role("button", name=name).click()
        for path in WORDY:
            page = window.go(path)
            assert not window.sticks_out(), (name, path)
        assert page.get_by_role("button", name=name).get_attribute("aria-current") == "true"


def test_the_language_menu_stays_on_the_page(visit: Visiting) -> None:
    window = visit()
    page = window.go("/history/anna?measure=fat_ratio&range=1y")
    address, heading = page.url, page.inner_text("h1")
    page.get_by_role("button", name="Polski").click()
    assert page.url == address
    assert page.locator("html").get_attribute("lang") == "pl"
    assert page.inner_text("h1") != heading
    page.wait_for_selector(".plot canvas")
    window.examine()
    page.get_by_role("link", name="Weighbridge").click()
    assert page.locator("html").get_attribute("lang") == "pl"


@pytest.mark.parametrize(
    ("options", "weight", "clock"),
    [
        ({"locale": "de-DE"}, r"\d\d,\d\d\skg", r"\d\d:\d\d"),
        (
            {"locale": "en-US", "timezone_id": "America/New_York"},
            r"\d\d\.\d\d\skg",
            r"\d:\d\d.[AP]M",
        ),
    ],
    ids=["Berlin", "New York"],
)
def test_numbers_and_times_are_those_of_the_browser(
    visit: Visiting, options: dict[str, Any], weight: str, clock: str
) -> None:
    page = visit(**options).go("/")
    assert page.locator("html").get_attribute("lang") == options["locale"][:2]
    card = page.locator("[data-person=anna]").inner_text()
    assert re.search(weight, card)
    assert re.search(clock, card)
