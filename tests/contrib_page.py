"""``contrib/withings.html`` in a real Chromium, served from this machine."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGE = Path(__file__).resolve().parents[1] / "contrib" / "withings.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FOREIGN_HOST = "people.example.test"
"""Leads to this machine as well, but is no secure context: it has no https."""


class Host:
    """A web server for the folder of the page; it remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        visit = partial(_Visit, self.asked, directory=str(PAGE.parent))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), visit)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def address(self, query: str = "", host: str = "127.0.0.1") -> str:
        """Where the page stands."""
        return f"http://{host}:{self._server.server_port}/{PAGE.name}{query}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Visit(SimpleHTTPRequestHandler):
    def __init__(self, asked: list[str], *args: Any, **more: Any) -> None:
        self._asked = asked
        super().__init__(*args, **more)

    def do_GET(self) -> None:
        self._asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window. Skips where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("Chromium is not installed")
    rules = (
        f"--host-resolver-rules=MAP {FOREIGN_HOST} 127.0.0.1, MAP localhost 127.0.0.1, "
        "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    )
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=[rules, "--no-proxy-server", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()
