"""An open page follows the server: a notification is posted, and the reading stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pages.conftest import Visiting

    from fixtures.pages_household import Home

_HAS_FOCUS = "link => link === document.activeElement"
LIVE = "What is new appears here by itself."


def test_a_reading_appears_after_a_notification_and_without_a_reload(
    visit: Visiting, family: Home
) -> None:
    window = visit()
    page = window.go("/")
    page.get_by_text(LIVE).wait_for()
    page.evaluate("window.isTheSamePage = true")
    card, news = page.locator("[data-person=david]"), page.locator("#news")
    link = card.get_by_role("link", name="History of david")
    while not link.evaluate(_HAS_FOCUS):  # the card may be new at this very moment
        link.focus()
    family.weigh_in("david", "85.31")
    card.get_by_text("85.31").first.wait_for()
    assert page.evaluate("window.isTheSamePage")
    assert link.evaluate(_HAS_FOCUS), "whoever was there stays there"
    news.get_by_text("85.31").wait_for(state="attached")
    assert "david" in news.text_content()
    assert "Today" in card.inner_text()
    window.examine()
