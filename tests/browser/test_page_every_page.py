"""No page is forgotten: whatever template there is, axe-core has looked at it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browser.test_page_everybody import PAGES, REFUSED
from fixtures.pages_samples import SAMPLES, show
from fixtures.pages_visit import PHONE
from fixtures.web_server import ask
from weighbridge.web import render
from weighbridge.web.render import Pages

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from browser.conftest import Visiting
    from fixtures.pages_household import Home
    from fixtures.pages_visit import Visit

TEMPLATES = Path(render.__file__).parent / "templates"
FRAMES = {"layout.html", "setup-step.html"}
"""Other pages stand in them; nobody ever sees them alone."""
ELSEWHERE = {"delivery.html": "test_deliveries"}
"""What is examined on the way of a test that must press something to get there."""


@pytest.mark.parametrize("half", [0, 1])
def test_nobody_is_shut_out_by_what_is_seldom_seen(
    visit: Visiting, family: Home, half: int
) -> None:
    window = visit()
    for sample in SAMPLES[half::2]:
        _look_at(window, family, sample)


def test_no_page_is_forgotten(
    family: Home, pass_of_admin: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = _note_templates(monkeypatch)
    _ask_for_what_is_examined_elsewhere(family, pass_of_admin)
    examined = seen | {template for template, _ in SAMPLES} | set(ELSEWHERE)
    assert _whole_pages() <= examined, "add what is missing to fixtures/pages_samples.py"


def _note_templates(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What the server shows from now on: it runs in this process."""
    seen: set[str] = set()
    make = Pages.page

    def page(self: Pages, request: Any, template: str, **values: Any) -> Any:
        seen.add(template)
        return make(self, request, template, **values)

    monkeypatch.setattr(Pages, "page", page)
    return seen


def _ask_for_what_is_examined_elsewhere(family: Home, cookie: dict[str, Any]) -> None:
    """``test_everybody`` has a browser look at all of them."""
    port = int(family.url.rpartition(":")[2])
    asked = {"Cookie": f"{cookie['name']}={cookie['value']}", "Accept": "text/html"}
    asked["Host"] = f"127.0.0.1:{port}"
    expected = dict.fromkeys((path for paths in PAGES.values() for path in paths), 200)
    for path, status in {**expected, **REFUSED}.items():
        assert ask(port, "GET", path, headers=asked).status == status, path


def _look_at(window: Visit, family: Home, sample: tuple[str, dict[str, Any]]) -> None:
    """The page is put where the server would show it, so that style and policy are real."""
    template, _ = sample
    made = show(family, sample)
    path = f"/sample/{template}"

    def answer(route: Route) -> None:
        route.fulfill(status=made.status_code, headers=dict(made.headers), body=bytes(made.body))

    window.page.route(family.url + path, answer, times=1)
    window.go(path)
    window.examine(PHONE)


def _whole_pages() -> set[str]:
    """Not what is only a part of a page."""
    names = {one.name: one.read_text("utf-8") for one in TEMPLATES.glob("*.html")}
    return {name for name, text in names.items() if "{% extends" in text} - FRAMES
