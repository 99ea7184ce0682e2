"""What went where, why something did not, and what a person decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixtures.pages_household import HELD_KG
from fixtures.pages_visit import PHONE
from fixtures.waiting import wait_until

if TYPE_CHECKING:
    from pages.conftest import Visiting

    from fixtures.pages_household import Home


def test_clara_says_that_a_held_reading_is_hers(visit: Visiting, family: Home) -> None:
    window = visit()
    page = window.go("/")
    page.locator("[data-person=clara]").get_by_role("link", name="Decide").click()
    row = page.get_by_role("listitem").filter(has_text=HELD_KG).first
    row.get_by_role("link", name="Why?").click()
    assert "Whose is it?" in page.inner_text("main")
    window.examine()
    assert HELD_KG not in family.notebook("clara")
    page.get_by_role("button", name="Yes, it belongs to clara").click()
    assert page.get_by_role("status").is_visible()
    window.examine(PHONE)
    wait_until(lambda: HELD_KG in family.notebook("clara"))
    page = window.go("/history/clara?range=week")
    assert HELD_KG in page.inner_text("main")


def test_a_refused_delivery_is_sent_again(visit: Visiting, family: Home) -> None:
    before = len(family.house.weigh_ins("anna"))
    window = visit()
    page = window.go("/")
    page.locator("[data-person=anna]").get_by_role("link", name="Look at it").click()
    page.get_by_role("link", name="Why?").first.click()
    assert "status 415" in page.inner_text("main")
    window.examine(PHONE)
    page.get_by_role("button", name="Send again").first.click()
    wait_until(lambda: len(family.house.weigh_ins("anna")) == before + 1)


def test_somebody_thinks_twice_before_all_are_left_out(visit: Visiting) -> None:
    window = visit()
    page = window.go("/deliveries?person=ben&state=held")
    page.get_by_role("link", name="Leave all of these out").click()
    window.examine()
    page.get_by_role("link", name="No, go back").click()
    page.get_by_role("link", name="Leave all of these out").click()
    page.get_by_role("button", name="Yes, leave them out").click()
    assert page.get_by_role("status").is_visible()
    window.examine()
