"""One browser and one household for all tests of the pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.contrib_page import chromium
from fixtures.pages_household import Home, home
from fixtures.pages_visit import Visit
from fixtures.waiting import PATIENCE
from fixtures.web_server import ask, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser

type Visiting = Callable[..., Visit]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium. Nothing outside this folder may run an asyncio loop beside it in this thread."""
    pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def family(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The household. A test changes only what it names as its own."""
    folder = tmp_path_factory.mktemp("pages") / "home"
    with home(folder, free_port()) as made:
        yield made


@pytest.fixture(scope="package")
def pass_of_admin(family: Home) -> dict[str, Any]:
    """The cookie of somebody who has signed in."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    port = int(family.url.rpartition(":")[2])
    host = {"Host": f"127.0.0.1:{port}"}
    body = f"token={family.token}&next=/".encode()
    answer = ask(port, "POST", "/sign-in", body, kind | host)
    name, _, value = answer.headers["Set-Cookie"].partition(";")[0].partition("=")
    return {"name": name, "value": value, "url": family.url, "httpOnly": True}


@pytest.fixture
def visit(browser: Browser, family: Home, pass_of_admin: dict[str, Any]) -> Iterator[Visiting]:
    """Open a window; signed in unless ``stranger``. Whatever it complains of fails the test."""
    visits = []

    def begin(
        *, stranger: bool = False, hosts: tuple[str, ...] = (), url: str = "", **options: Any
    ) -> Visit:
        usual = {"locale": "en-GB", "timezone_id": "Europe/Paris", "reduced_motion": "reduce"}
        context = browser.new_context(**{**usual, **options})
        context.set_default_timeout(1000 * PATIENCE)
        if not stranger:
            context.add_cookies([pass_of_admin])
        visits.append(Visit(context, url or family.url, hosts))
        return visits[-1]

    yield begin
    for one in visits:
        one.close()
