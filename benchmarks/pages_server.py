"""The server of a household of four with ten years of readings, in a process of its own.

The readings are written into the archive directly: reading them from a sandbox would take a minute
and change no figure.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from server_process import Answer, ServerProcess, free_port

from weighbridge.config import Person, load
from weighbridge.config.models import CALLBACK_URL
from weighbridge.sources.withings.kind import parse_group
from weighbridge.storage.archive import StoredGroup
from weighbridge.sync.person_login import keep_login
from weighbridge.sync.planning import plan
from weighbridge.sync.route_delivery import serve
from weighbridge.sync.services import Services
from weighbridge_sandbox.admin import Admin
from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.household import household
from weighbridge_sandbox.http import Sandbox
from weighbridge_sandbox.withings import WithingsCloud

PEOPLE = ("anna", "ben", "clara", "david")
YEARS = 10


class PagesServer(ServerProcess):
    """The server of four people, asked as the admin."""

    _cookie = ""

    def sign_in(self) -> None:
        """Start a session as a browser does."""
        form = urlencode({"token": self.token(), "next": "/"})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.url}
        self._cookie = self.request("POST", "/sign-in", headers, form).cookie.partition(";")[0]

    def get(self, path: str) -> Answer:
        """Ask for a page as a browser does, on a connection of its own."""
        headers = {"Accept": "text/html,*/*", "Accept-Encoding": "gzip", "Cookie": self._cookie}
        return self.request("GET", path, headers)


@contextmanager
def pages_server() -> Iterator[PagesServer]:
    """The server of the household, started. It ends with the context."""
    clock = Clock()
    cloud = WithingsCloud(clock=clock)
    for name in PEOPLE:
        cloud.household.add_profile(name, timezone="Europe/Paris", groups=[])
    with Sandbox([cloud], clock=clock) as sandbox, tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        _configure(folder, port, sandbox, cloud)
        with Services(load(folder, {}, secret_folder=folder)) as services:
            _fill(services, Admin(sandbox.url))
        server = PagesServer(folder, port)
        try:
            server.start("/healthz")
            server.sign_in()
            yield server
        finally:
            server.stop()


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


def _fill(services: Services, admin: Admin) -> None:
    for seed, names in enumerate((PEOPLE[:2], PEOPLE[2:]), start=1):
        histories = household(int(time.time()), seed=seed, years=YEARS)
        for name, (_, _, zone, groups) in zip(names, histories, strict=True):
            person = services.settings.directory.person(name)
            keep_login(services, person, services.app(), admin.code(name, CALLBACK_URL))
            _store(services, person, groups, zone)


def _store(
    services: Services, person: Person, groups: Iterable[Mapping[str, Any]], zone: str
) -> None:
    """Store and deliver the groups, as if they had just been read."""
    sync = services.person_sync(person)
    assert sync.archive is not None
    page = []
    for group in groups:
        raw = msgspec.json.encode(group)
        page.append((parse_group(raw, zone=zone), StoredGroup(raw.decode(), zone)))
    with services.database.transaction():
        sync.archive.store(page, [], services.clock())
        sync.archive.advance_cursor(max(group.updated_at or 0 for group, _ in page))
        sync.archive.note_checked(services.clock())
    plan(sync, None)
    for route in sync.routes:
        serve(sync, route)
