"""The pages of a real server on a free port, and somebody who visits them."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from http.client import HTTPConnection, HTTPMessage
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
from tinyhtml5.parser import HTMLParser

from cli_world import House
from weighbridge.archive.database import Database
from weighbridge.assembly import Shared, Workplace
from weighbridge.config import load
from weighbridge.server.counts import Counts
from weighbridge.server.edge.app import create_app
from weighbridge.server.edge.intake import Intake
from weighbridge.server.edge.listening import listen
from weighbridge.server.live import Live
from weighbridge.server.pages.admission import Admission, read_or_make_token
from weighbridge.server.parts import Parts
from weighbridge.testing.builders import NOON


class Answer(msgspec.Struct, frozen=True):
    """What came back: nothing is followed."""

    status: int
    headers: HTTPMessage
    text: str

    @property
    def place(self) -> str:
        """Where a redirect leads."""
        return self.headers["Location"] or ""

    def field(self, name: str) -> str:
        """The value of the first input of that name."""
        found = re.findall(rf'name="{name}" value="([^"]*)"', self.text)
        assert found, self.text
        return unescape(found[0])


class Site:
    """The pages of one home folder, served by uvicorn in a thread."""

    def __init__(self, house: House, server: str = "", *, application: bool = True) -> None:
        self.house = house
        self.port = free_port()
        self.now = float(NOON)
        self.woken: list[str] = []
        self.next_asks: dict[str, float] = {}
        self.live = Live(lambda: self.now)
        house.write_configuration()
        path = house.home / "weighbridge.toml"
        text = path.read_text() if application else path.read_text().replace("client_", "# ")
        text = text.replace("PORT", str(self.port))
        path.write_text(f"{text}\n[server]\nport = {self.port}\n{server}\n")
        self.settings = load(house.home, {}, secret_folder=house.home / "nowhere")
        self.token = read_or_make_token(house.home).reveal()
        self._shared = Shared()
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def _listen(self) -> None:
        listen(
            create_app(self.parts()),
            "127.0.0.1",
            self.port,
            on_ready=lambda url: self._ready.set(),
            stop=self._stop,
        )

    def parts(self) -> Parts:
        def wake(person: str, *, asking: bool = True, delay: float = 0.0) -> None:
            self.woken.append(person)

        return Parts(
            settings=self.settings,
            clock=lambda: self.now,
            open=lambda: Workplace(
                self.settings, clock=lambda: self.now, sleep=self._pass, shared=self._shared
            ),
            wake=wake,
            started_at=self.now,
            intake=Intake(lambda: Database(self.settings.home), lambda: self.now, wake),
            counts=Counts(),
            next_ask=self.next_asks.get,
            admission=Admission(read_or_make_token(self.settings.home), lambda: self.now),
            live=self.live,
        )

    def _pass(self, seconds: float) -> None:
        self.now += seconds

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._shared.__exit__()

    def visitor(self, host: str = "", **headers: str) -> Visitor:
        """A browser that calls the server by a name; ``headers`` are added by a proxy."""
        return Visitor(self.port, host or f"localhost:{self.port}", headers)

    def admin(self, host: str = "", **headers: str) -> Visitor:
        """A browser that is signed in."""
        visitor = self.visitor(host, **headers)
        assert visitor.sign_in(self.token).status == 303
        return visitor

    def agree(self, link: str, profile: str = "anna") -> str:
        """Choose a profile on the consent page; where Withings sends the browser then."""
        return self._consent(link, profile=profile)

    def refuse(self, link: str) -> str:
        return self._consent(link, refuse="1")

    def _consent(self, link: str, **choice: str) -> str:
        parts = urlsplit(link)
        assert link.startswith(self.house.sandbox.url), link
        query = f"{parts.query}&{urlencode(choice)}"
        return ask(int(parts.port or 0), "GET", f"{parts.path}?{query}").place

    def userid(self, person: str) -> str:
        """The Withings profile of a person of the sandbox."""
        return str(self.house.withings.household.profiles[person].userid)

    def connected(self) -> dict[str, str]:
        """Person → Withings profile, as the database has it."""
        return dict(self.house.database("SELECT person, userid FROM account"))


class Visitor:
    """A browser by hand: it keeps cookies and sends them to the one host that it knows."""

    def __init__(self, port: int, host: str, headers: Mapping[str, str]) -> None:
        self._port = port
        self.host = host
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.cookies: dict[str, str] = {}
        self.prefix = ""

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return self._ask(method, path, None, headers)

    def post(self, path: str, /, **form: str) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(form).encode(), kind)

    def sign_in(self, token: str, next: str = "/") -> Answer:  # noqa: A002  its name in the form
        return self.post(f"{self.prefix}/sign-in", token=token, next=next)

    def csrf(self) -> str:
        return self.get(f"{self.prefix}/connect").field("csrf")

    def connect(self, person: str) -> str:
        """Press the button of a person; the link to Withings."""
        form = {"person": person, "csrf": self.csrf()}
        answer = self.post(f"{self.prefix}/connect/withings", **form)
        assert answer.status == 303, answer.text
        return answer.place

    def follow(self, address: str) -> Answer:
        """Go where a redirect leads, if that is the host that this browser knows."""
        parts = urlsplit(address)
        assert parts.netloc == self.host, address
        return self.get(f"{parts.path}?{parts.query}")

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        as_browsers_do = {"Accept": "text/html,*/*;q=0.8"}
        sent = {"Host": self.host, **as_browsers_do, **self._headers, **headers}
        answer = ask(self._port, method, path, body, {**sent, "Cookie": cookie} if cookie else sent)
        for line in answer.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
        return answer


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = {},
) -> Answer:
    """One request on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode())
    finally:
        connection.close()


@contextmanager
def site(
    home: Path, *, server: str = "", callback: str = "", application: bool = True
) -> Iterator[Site]:
    """Anna and Ben, whose profiles have the same names, and their pages.

    ``server`` are further lines of [server]; PORT in ``callback`` becomes the port.
    """
    house = House(home)
    house.callback_url = callback or house.callback_url
    try:
        for name in ("anna", "ben"):
            house.person(name)
        with Site(house, server, application=application) as made:
            yield made
    finally:
        house.close()


def read_html(text: str) -> Any:
    """The tree of a page. AssertionError when it is not correct HTML."""
    parser = HTMLParser(namespace_html_elements=False)
    root = parser.parse(text)
    assert parser.errors == [], (parser.errors, text)
    return root


def words_of(answer: Answer) -> str:
    """The text of the main part of a page, which must be correct HTML."""
    (main,) = read_html(answer.text).iter("main")
    return " ".join("".join(main.itertext()).split())


def connected(visitor: Visitor, pages: Site, person: str, profile: str | None = None) -> Answer:
    """The whole way of one person."""
    return visitor.follow(pages.agree(visitor.connect(person), profile or person))


def state_of(link: str) -> str:
    """The state in a link to the consent page or in the address that follows it."""
    return parse_qs(urlsplit(link).query)["state"][0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
