"""A household of four with ten years behind them, and its server in a process of its own.

What was measured is put into the archive by hand: reading it from a sandbox would take a minute and
change nothing in what is measured here.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from house import PATIENCE, WEIGHBRIDGE, free_port, installed, until
from stand import CALLBACK

from weighbridge.config import Person, load
from weighbridge.sources.withings.parse import parse_group
from weighbridge.storage.archive import StoredGroup
from weighbridge.sync.planning import plan
from weighbridge.sync.route_delivery import serve
from weighbridge.sync.services import Services
from weighbridge.sync.source_login import keep_login
from weighbridge_sandbox.admin import Admin
from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.household import household
from weighbridge_sandbox.http import Sandbox
from weighbridge_sandbox.withings import WithingsCloud

PEOPLE = ("anna", "ben", "clara", "david")
YEARS = 10


class Answer(msgspec.Struct, frozen=True):
    """One page: how long it took, and what was sent."""

    seconds: float
    status: int
    body: bytes
    encoding: str


class Family:
    """The pages of four people, as the admin sees them."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._folder = folder
        self._port = port
        self._cookie = ""
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to serve, and sign in."""
        environment = {**installed(), "WEIGHBRIDGE_HOME": str(self._folder)}
        with (self._folder / "serve.log").open("ab") as log:
            command = [*WEIGHBRIDGE, "serve"]
            self._server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        until(self._listens)
        form = urlencode({"token": self.token, "next": "/"})
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.url}
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        connection.request("POST", "/sign-in", form, kind)
        answer = connection.getresponse()
        self._cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
        connection.close()

    def _listens(self) -> bool:
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def stop(self) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait(PATIENCE)

    @property
    def pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    @property
    def token(self) -> str:
        return (self._folder / "admin-token").read_text("utf-8").strip()

    def get(self, path: str) -> Answer:
        """Ask for a page as a browser does, on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        headers = {"Accept": "text/html,*/*", "Accept-Encoding": "gzip", "Cookie": self._cookie}
        begin = time.perf_counter()
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        seconds = time.perf_counter() - begin
        return Answer(seconds, answer.status, body, answer.headers.get("Content-Encoding", ""))


@contextmanager
def family() -> Iterator[Family]:
    """The household, its server started. Everything ends with the context."""
    clock = Clock()
    cloud = WithingsCloud(clock=clock)
    for name in PEOPLE:
        cloud.household.add_profile(name, timezone="Europe/Paris", groups=[])
    with Sandbox([cloud], clock=clock) as sandbox, tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        _configure(folder, port, sandbox, cloud)
        with Services(load(folder, {}, secret_folder=folder)) as workplace:
            _fill(workplace, Admin(sandbox.url))
        made = Family(folder, port)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def _configure(folder: Path, port: int, sandbox: Sandbox, cloud: WithingsCloud) -> None:
    people = "".join(
        f'\n[[person]]\nname = "{name}"\n[[person.target]]\nkind = "file"\n'
        f'path = "{name}.csv"\nformat = "csv"\nsince = 2000-01-01\n'
        for name in PEOPLE
    )
    path = folder / "weighbridge.toml"
    path.write_text(
        f'[withings]\nurl = "{sandbox.url}"\nclient_id = "{cloud.tokens.client_id}"\n'
        f'client_secret = "{cloud.tokens.client_secret}"\n\n[server]\nport = {port}\n{people}',
        "utf-8",
    )
    path.chmod(0o600)


def _fill(workplace: Services, admin: Admin) -> None:
    for seed, names in enumerate((PEOPLE[:2], PEOPLE[2:]), start=1):
        histories = household(int(time.time()), seed=seed, years=YEARS)
        for name, (_, _, zone, groups) in zip(names, histories, strict=True):
            person = workplace.settings.person(name)
            keep_login(workplace, person, workplace.app(), admin.code(name, CALLBACK))
            _remember(workplace, person, groups, zone)


def _remember(
    workplace: Services, person: Person, groups: Iterable[Mapping[str, Any]], zone: str
) -> None:
    """As if all of it had just been read and delivered."""
    road = workplace.road(person)
    assert road.archive is not None
    page = []
    for group in groups:
        raw = msgspec.json.encode(group)
        page.append((parse_group(raw, zone=zone), StoredGroup(raw.decode(), zone)))
    with workplace.database.transaction():
        road.archive.store(page, [], workplace.clock())
        road.archive.advance_cursor(max(group.updated_at or 0 for group, _ in page))
        road.archive.note_checked(workplace.clock())
    plan(road, None)
    for route in road.routes:
        serve(road, route)
