"""A server in an empty home, whose set-up somebody goes through with a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import msgspec

from cli_world import House
from pages_world import Answer, Visitor, ask
from weighbridge.config import Settings, load
from weighbridge.errors import Problem
from weighbridge.sandbox.withings import CLIENT_ID, CLIENT_SECRET
from weighbridge.server.edge.listening import listen
from weighbridge.server.pages.setup.setting_up import SettingUp
from weighbridge.testing.builders import NOON

APPLICATION = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
PASSWORD = "the broker's own 🔑"
MINE = (
    '[withings]\nclient_id = "somebody-else"\nclient_secret = "another-secret"\n'
    '[[person]]\nname = "zoe"\n'
)
"""A configuration that somebody wrote by hand."""


class Empty:
    """A home without a configuration, and its server on a free port."""

    def __init__(self, home: Path, **options: Any) -> None:
        self.home = home
        self.now = float(NOON)
        self.environ: dict[str, str] = {}
        self._options = {"port": 0, **options}
        self.began: list[Settings] = []
        self.stuck: list[Problem] = []
        self.life = SettingUp(
            self.read(),
            self.environ,
            self.read,
            began=self.began.append,
            stuck=self.stuck.append,
            clock=lambda: self.now,
        )
        self.token = (home / "admin-token").read_text().strip()
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def read(self) -> Settings:
        """The configuration as it is now, with the options of the command."""
        found = load(self.home, self.environ, secret_folder=self.home / "nowhere")
        server = msgspec.structs.replace(found.server, **self._options)
        return msgspec.structs.replace(found, server=server)

    def _listen(self) -> None:
        def ready(address: str) -> None:
            self.life.reachable(address)
            self._ready.set()

        listen(self.life.app, "127.0.0.1", 0, on_ready=ready, stop=self._stop)

    def __enter__(self) -> Self:
        self.life.start()
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self.life.stop()

    @property
    def port(self) -> int:
        return int(urlsplit(self.life.address).port or 0)

    @property
    def file(self) -> Path:
        return self.home / "weighbridge.toml"

    def browser(self, **headers: str) -> Browser:
        """One that is signed in."""
        browser = Browser(self.port, f"localhost:{self.port}", headers)
        assert browser.sign_in(self.token).status == 303
        return browser


class Browser(Visitor):
    """Fills in forms, and remembers everything that it was shown."""

    def __init__(self, port: int, host: str, headers: Any) -> None:
        super().__init__(port, host, headers)
        self.seen = ""

    def _ask(self, *given: Any) -> Answer:
        answer = super()._ask(*given)
        self.seen += f"{answer.headers}{answer.text}"
        return answer

    def fill(self, page: str, /, **fields: str) -> Answer:
        """Load a page and send its form."""
        shown = self.get(page)
        assert shown.status == 200, shown
        hidden = {"shown": shown.field("shown")} if page == "/setup/review" else {}
        return self.post(page, **{"csrf": shown.field("csrf"), **hidden, **fields})

    def go(self, page: str, /, **fields: str) -> str:
        """Send a form that is right; where it leads."""
        answer = self.fill(page, **fields)
        assert answer.status == 303, answer.text
        return answer.place

    def answer_everything(self, name: str = "anna", **targets: str) -> None:
        """All steps up to the last one."""
        assert self.go("/setup/withings", **APPLICATION) == "/setup/people"
        assert self.go("/setup/people", name=name) == "/setup/targets"
        assert self.go("/setup/targets/1", **targets) == "/setup/address"
        assert self.go("/setup/address") == "/setup/review"


def connect(browser: Visitor, house: House, person: str) -> Answer:
    """The whole way to Withings and back."""
    form = {"person": person, "csrf": browser.get("/connect").field("csrf")}
    parts = urlsplit(browser.post("/connect/withings", **form).place)
    query = f"{parts.query}&{urlencode({'profile': person})}"
    return browser.follow(ask(int(parts.port or 0), "GET", f"{parts.path}?{query}").place)


@contextmanager
def empty(home: Path, **options: Any) -> Iterator[Empty]:
    """``options`` are those of the command."""
    with Empty(home, **options) as made:
        yield made
