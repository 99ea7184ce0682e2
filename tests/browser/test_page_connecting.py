"""Accounts are connected in the browser: at the consent page of Withings, at Garmin with a code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fixtures.pages_visit import PHONE
from fixtures.waiting import wait_until

if TYPE_CHECKING:
    from pages.conftest import Visiting
    from playwright.sync_api import Page

    from fixtures.pages_household import Home


def test_emil_is_connected_and_his_card_shows_what_he_weighs(visit: Visiting, family: Home) -> None:
    overview = visit().go("/")
    window = visit(hosts=(family.house.sandbox.url,))
    page = window.go("/connect")
    page.get_by_role("button", name="Connect emil with Withings").click()
    assert page.url.startswith(family.house.sandbox.url)
    page.get_by_role("link", name="Nobody: refuse").click()
    assert page.inner_text("h1") == "Withings may not share the measurements"
    window.examine()
    page.get_by_role("link", name="Begin again for emil").click()
    page.get_by_role("link", name="emil", exact=True).click()
    assert page.inner_text("h1") == "emil is connected"
    window.examine()
    page.reload()
    assert "already done" in page.inner_text("main")
    overview.locator("[data-person=emil]").get_by_text("70.50").first.wait_for()


def test_nobody_takes_the_profile_of_somebody_else(visit: Visiting, family: Home) -> None:
    window = visit(hosts=(family.house.sandbox.url,))
    page = window.go("/connect")
    page.get_by_role("button", name="Connect david again").click()
    page.get_by_role("link", name="clara", exact=True).click()
    assert page.inner_text("h1") == "This is another profile than before"
    window.examine(PHONE)


def test_ben_signs_in_at_garmin_after_a_wrong_password_and_a_wrong_code(
    visit: Visiting, family: Home
) -> None:
    email, password, code = family.house.accounts["ben"]
    window = visit()
    page = window.go("/")
    assert "Not signed in yet." in page.locator("[data-person=ben]").inner_text()
    page = window.go("/connect/ben/garmin")
    send(page, email, "not the password")
    assert page.get_by_role("alert").is_visible()
    assert page.get_by_label("User name").input_value() == email
    window.examine()
    send(page, email, password)
    assert "code" in page.inner_text("h1").lower()
    window.examine(PHONE)
    answer(page, "000000")
    assert page.get_by_role("alert").is_visible()
    window.examine()
    answer(page, code or "")
    assert page.inner_text("h1") == "ben is signed in at Garmin"
    window.examine()
    wait_until(lambda: len(family.house.weigh_ins("ben")) > 10)
    assert password not in page.content()

    page = window.go("/connect")
    page.get_by_role("link", name="Disconnect ben from Garmin").click()
    window.examine()
    page.get_by_role("button", name="Disconnect").click()
    assert "ben" in page.inner_text("h1")
    window.examine()
    assert "Not signed in yet." in window.go("/connect").inner_text("main")


def send(page: Page, username: str, password: str) -> None:
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password at Garmin").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def answer(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Continue").click()


def test_a_browser_brings_back_where_it_ended(visit: Visiting, family: Home) -> None:
    window = visit()
    page = window.go("/connect/ben/garmin")
    page.get_by_role("button", name="Sign in with the browser").click()
    link = page.get_by_role("link", name=re.compile("^http"))
    assert (link.get_attribute("href") or "").startswith(family.house.sandbox.url)
    window.examine()


def test_clara_types_a_wrong_password_for_trainerroad(visit: Visiting) -> None:
    window = visit()
    page = window.go("/connect/clara/trainerroad")
    page.get_by_label("User name").fill("clara@example.test")
    page.get_by_label("Password at TrainerRoad").fill("not hers")
    page.get_by_role("button", name="Sign in", exact=True).click()
    assert page.get_by_role("alert").is_visible()
    window.examine(PHONE)


def test_the_notifications_of_anna_are_checked(visit: Visiting) -> None:
    window = visit()
    page = window.go("/connect")
    page.get_by_role("button", name="Check the notifications of anna now").click()
    page.get_by_role("button", name="Check again").wait_for()
    window.examine()
