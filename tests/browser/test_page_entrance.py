"""Coming in: with the admin token, with a wrong one, too often with wrong ones, and by a link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fixtures.pages_visit import PHONE

if TYPE_CHECKING:
    from pages.conftest import Visiting
    from playwright.sync_api import Page

    from fixtures.pages_household import Home

FREE = 5
"""Wrong tokens before somebody has to wait."""


def sign_in(page: Page, token: str) -> None:
    page.get_by_label("Admin token").fill(token)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_the_token_leads_to_the_page_that_was_wanted(visit: Visiting, family: Home) -> None:
    window = visit(stranger=True)
    page = window.go("/history/ben?measure=fat_ratio&range=1y")
    sign_in(page, family.token)
    assert page.url == f"{family.url}/history/ben?measure=fat_ratio&range=1y"
    assert page.inner_text("h1") == "Fat ratio of ben"
    (cookie,) = window.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    page.get_by_role("button", name="Sign out").click()
    window.go("/household")
    assert page.inner_text("h1") == "Sign in"


def test_wrong_tokens_are_told_and_then_slowed(visit: Visiting, family: Home) -> None:
    window = visit(stranger=True)
    page = window.go("/sign-in")
    for number in range(FREE):
        sign_in(page, f"guess {number}")
        assert "not the admin token" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Admin token").get_attribute("aria-invalid") == "true"
    sign_in(page, family.token)
    slowed = page.get_by_role("alert").inner_text()
    (seconds,) = re.findall(r"Wait (\d+) second", slowed)
    window.examine()
    page.wait_for_timeout(1000 * int(seconds))
    sign_in(page, family.token)
    assert page.inner_text("h1") == "Overview"


def test_a_link_of_her_own_shows_anna_and_nobody_else(visit: Visiting, family: Home) -> None:
    admin, anna = visit(), visit(stranger=True)
    page = admin.go("/household")
    page.get_by_role("button", name="Make a link for anna").click()
    link = page.get_by_label("Link", exact=True).input_value()
    admin.examine()

    page = anna.go(link.removeprefix(family.url))
    assert page.url == f"{family.url}/"
    assert page.get_by_role("listitem").filter(has=page.locator("h2")).count() == 1
    anna.examine()
    for path in ("/", "/history", "/history/anna", "/diary/anna", "/deliveries", "/connect"):
        page = anna.go(path)
        for other in ("ben", "clara", "david", "emil"):
            assert other not in page.content().lower(), (path, other)
        assert page.get_by_role("link", name="Household").count() == 0
    for path in ("/history/ben", "/card/ben", "/diary/ben", "/connect/ben/garmin"):
        assert anna.go(path, 404).inner_text("h1") == anna.go("/nowhere", 404).inner_text("h1")
    anna.go("/household", 403)
    anna.examine(PHONE)
    anna.go("/connect")
    anna.examine(PHONE)

    admin.go("/household")
    admin.page.get_by_role("button", name="Revoke").click()
    assert admin.page.get_by_text("There is no link for anna.").is_visible()
    assert anna.go("/").inner_text("h1") == "Sign in"
    assert "does not work" in anna.go(link.removeprefix(family.url), 404).inner_text("h1")
