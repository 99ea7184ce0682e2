"""From an empty folder to the first reading, in the browser alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.pages_household import ZONE, Home, listening
from fixtures.web_server import free_port
from weighbridge.config import Settings, load
from weighbridge.web.setup_server import SetupServer
from weighbridge_sandbox.household import weigh_in

if TYPE_CHECKING:
    from pages.conftest import Visiting
    from playwright.sync_api import Page

DORAS_KG = "58.40"


class Empty:
    """A home folder in which nothing is, and the server that was started there."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.url = url
        self.token = (home / "admin-token").read_text("utf-8").strip()


@pytest.fixture
def empty(tmp_path: Path, family: Home) -> Iterator[Empty]:
    port, home = free_port(), tmp_path / "home"
    home.mkdir(mode=0o700)
    environ = {"WITHINGS_URL": family.house.sandbox.url}

    def read() -> Settings:
        return load(home, environ, secret_folder=home)

    setting_up = SetupServer(read(), environ, read)
    setting_up.start()
    try:
        with listening(setting_up.app, port, setting_up.reachable):
            yield Empty(home, f"http://localhost:{port}")
    finally:
        setting_up.stop()


def test_dora_is_set_up_and_weighs_something(empty: Empty, visit: Visiting, family: Home) -> None:
    cloud = family.house.withings
    groups = weigh_in(int(time.time()) - 3600, kg=DORAS_KG)
    cloud.household.add_profile("dora", timezone=ZONE, groups=groups)
    window = visit(stranger=True, url=empty.url, hosts=(family.house.sandbox.url,))
    page = window.go("/")
    page.get_by_label("Admin token").fill(empty.token)
    page.get_by_role("button", name="Sign in").click()
    assert page.inner_text("h1") == "Set up Weighbridge"
    window.examine()
    page.get_by_role("link", name="Begin", exact=True).click()
    enter(page, {"Client id": cloud.tokens.client_id, "Client secret": cloud.tokens.client_id})
    assert "That is the client id" in page.get_by_role("alert").inner_text()
    window.examine()
    enter(page, {"Client secret": cloud.tokens.client_secret})
    enter(page, {"Name": "dora", "Height": "9"}, "Save and continue")
    assert "from 50 to 272" in page.get_by_role("alert").inner_text()
    window.examine()
    enter(page, {"Height": "168"}, "Save and add another person")
    page.get_by_role("link", name="Continue").click()
    assert page.inner_text("h1") == "Targets of dora"
    window.examine()
    enter(page, {"Path of the file": "dora.csv"})
    enter(page, {})
    assert "dora.csv" in page.inner_text("pre")
    assert cloud.tokens.client_secret not in page.content()
    window.examine()
    page.get_by_role("button", name="Write and start").click()
    page.get_by_role("button", name="Connect dora with Withings").click()
    page.get_by_role("link", name="dora", exact=True).click()
    assert page.inner_text("h1") == "dora is connected"
    page = window.go("/")
    page.get_by_text(DORAS_KG).first.wait_for()


def enter(page: Page, fields: dict[str, str], button: str = "Continue") -> None:
    """Fill in some fields and go on."""
    for label, text in fields.items():
        page.get_by_label(label).first.fill(text)
    page.get_by_role("button", name=button).click()
