"""Make the pictures of the documentation anew: ``scripts/screenshots``.

People and days are invented and always the same, so on the same machine a picture changes only
when the page does.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contrib_page import chromium
from pages.household import Home, home

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
NOW = datetime(2026, 3, 20, 9, 30, tzinfo=UTC).timestamp()
PORT = 9474
"""That of the documentation: it can be read on some pages."""
LARGEST = 120_000
"""Bytes of a picture."""

PAGES = {
    "overview": "/",
    "history": "/history/anna?measure=weight&compare=fat_ratio&range=1y",
    "deliveries": "/deliveries?person=anna",
}
ALSO_LIGHT = {"diary": "/diary/anna", "connect": "/connect"}
DESK, PHONE = {"width": 800, "height": 600}, {"width": 360, "height": 720}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESK},
    "dark": {"viewport": DESK, "color_scheme": "dark"},
    "phone": {"viewport": PHONE},
}


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        home(Path(folder) / "home", PORT, clock=lambda: NOW, works=False) as family,
        chromium() as browser,
    ):
        for look, options in LOOKS.items():
            with _signed_in(browser, family, options) as page:
                pages = PAGES | (ALSO_LIGHT if look == "light" else {})
                for name, path in pages.items():
                    _take(page, family.url + path, IMAGES / f"{name}-{look}.png")


@contextmanager
def _signed_in(browser: Browser, family: Home, options: dict[str, Any]) -> Iterator[Page]:
    usual = {"locale": "en-GB", "timezone_id": "Europe/Paris", "reduced_motion": "reduce"}
    with browser.new_context(**usual, **options) as context:
        page = context.new_page()
        page.goto(f"{family.url}/sign-in")
        page.get_by_label("Admin token").fill(family.token)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{family.url}/")
        yield page


def _take(page: Page, address: str, path: Path) -> None:
    page.goto(address)
    size = page.viewport_size or DESK
    clip = {"x": 0, "y": 0, **size}
    if "/history/" in address:  # down to the end of the chart
        page.wait_for_selector(".plot canvas")
        box = page.locator(".plot").bounding_box() or {"y": 0, "height": 0}
        clip["height"] = box["y"] + box["height"] + 8
    page.screenshot(path=path, full_page=True, clip=clip)
    length = path.stat().st_size
    assert length <= LARGEST, f"{path.name} has {length:,} bytes"
    print(f"{path.name}: {length:,} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
