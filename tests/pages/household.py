"""Four invented people with some years behind them, at clouds of their own, and their server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cli_world import House
from weighbridge.archive.archive import StoredGroup
from weighbridge.archive.goals import keep_weight_goal
from weighbridge.archive.knocks import open_knocks, settle_knocks, store_knocks
from weighbridge.archive.subscriptions import CareRecord
from weighbridge.assembly import Workplace
from weighbridge.config import Person, load
from weighbridge.connecting import keep_login
from weighbridge.deliver.service import serve
from weighbridge.measures import Measurement, MeasureType
from weighbridge.pipeline import plan
from weighbridge.sandbox import household as invented
from weighbridge.server.edge.app import create_app
from weighbridge.server.edge.listening import listen
from weighbridge.server.parts import Parts
from weighbridge.server.server import Server
from weighbridge.server.subscriptions.upkeep import callback_of
from weighbridge.signing_in import sign_in
from weighbridge.targets.base import Answers
from weighbridge.withings.knock import Knock
from weighbridge.withings.parse import parse_group

if TYPE_CHECKING:
    from starlette.types import ASGIApp

DAY = 86_400
ZONE = "Europe/Paris"
PEOPLE = ("anna", "ben", "clara", "david")
NEWCOMER = "emil"
"""He has a profile at Withings and is not connected yet."""
GOALS = {"anna": "64.0", "ben": "82.0"}
NEWCOMERS_KG = "70.50"
HELD_KG = "71.25"
"""What somebody weighed who stood on Clara's scale."""
DELIVERED_DAYS = 40
"""The targets get what was measured since then."""

_AS_USUAL = """UPDATE delivery SET planned_at = taken_at + 70, done_at = taken_at + 75
 WHERE done_at IS NOT NULL"""
"""Everything was delivered when it was measured, and not all on one day."""


class Home(msgspec.Struct, frozen=True):
    """A house that is lived in, and where its pages are."""

    house: House
    url: str
    token: str
    open: Callable[[], Workplace]

    def userid(self, person: str) -> int:
        return self.house.withings.household.profile(person).userid

    def weigh_in(self, person: str, kg: str) -> None:
        """Somebody steps on the scale, and Withings posts a notification."""
        groups = self.house.admin.weigh_in(person, kg, notify=False)
        at = int(groups[0]["date"])
        with self.open() as workplace:
            callback = callback_of(workplace) or ""
        body = f"userid={self.userid(person)}&startdate={at - 1}&enddate={at}&appli=1"
        assert _post(self.url, callback.removeprefix(self.url), body) == 200

    def notebook(self, person: str) -> str:
        """What the file of a person holds."""
        return (self.house.home / f"{person}.json").read_text("utf-8")


@contextmanager
def home(
    folder: Path,
    port: int,
    *,
    clock: Callable[[], float] = time.time,
    years: int = 2,
    works: bool = True,
) -> Iterator[Home]:
    """The household and its pages, at ``port``.

    Without ``works`` it is a still life: nothing happens by itself, and nobody new has come.
    """
    folder.mkdir(mode=0o700)
    house = House(folder)
    house.clock.base = clock
    try:
        url = f"http://127.0.0.1:{port}"
        _furnish(house, url)
        if works:
            _expect_newcomer(house)
        house.write_configuration()
        server = Server(load(folder, {}, secret_folder=folder), clock=clock)
        with server.open() as workplace:
            _live(house, workplace, years)
            if not works:
                _be_notified(workplace)
                house.database(_AS_USUAL)
        parts = server.parts if works else _resting(server.parts)
        with _serving(server, parts, port, works=works):
            token = (folder / "admin-token").read_text("utf-8").strip()
            yield Home(house, url, token, server.open)
    finally:
        house.close()


def _furnish(house: House, url: str) -> None:
    """The configuration, and a profile at Withings for each."""
    first_day = time.gmtime(house.clock() - DELIVERED_DAYS * DAY)
    since = f"since = {time.strftime('%Y-%m-%d', first_day)}"
    house.callback_url = f"{url}/connect/withings"
    house.more_tables = f'\n[server]\nport = {url.rpartition(":")[2]}\nurl = "{url}"\n'
    for name in PEOPLE:
        house.person(name, zone=ZONE)
    for name in ("anna", "ben"):
        house.target(name, "garmin", f"settle = 0\n{since}")
    for name in ("anna", "clara"):
        house.target(name, "file", f'name = "notebook"\npath = "{name}.json"\nsettle = 0\n{since}')
    house.target("clara", "trainerroad", f"settle = 0\n{since}")
    house.target("david", "file", f'path = "david.csv"\nformat = "csv"\nsettle = 0\n{since}')


def _expect_newcomer(house: House) -> None:
    now = int(house.clock())
    house.person(NEWCOMER, invented.weigh_in(now - DAY, kg=NEWCOMERS_KG, seed=5), zone=ZONE)


def _live(house: House, workplace: Workplace, years: int) -> None:
    """All that was measured, read and delivered until now."""
    now = int(workplace.clock())
    histories = dict(_histories(now, years))
    for person in workplace.settings.people:
        if person.name in histories:
            code = house.admin.code(person.name, house.callback_url)
            keep_login(workplace, person, workplace.app(), code)
            _remember(workplace, person, histories[person.name])
    anna = workplace.settings.person("anna")
    sign_in(_open_already(workplace), anna, anna.targets[0], _answers(house, "anna"))
    last = max(group["date"] for group in histories["anna"])
    house.admin.tell("garmin", "poison", timestamps=[last], status=415)
    for name in PEOPLE:
        road = workplace.road(workplace.settings.person(name))
        plan(road, None)
        for route in road.routes:
            serve(road, route)
    house.admin.tell("garmin", "poison", timestamps=[])


def _histories(now: int, years: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for seed, names in enumerate((PEOPLE[:2], PEOPLE[2:]), start=1):
        for name, (_, _, _, groups) in zip(
            names, invented.household(now, seed=seed, years=years), strict=True
        ):
            yield name, [*groups, *(_of_somebody_else(now) if name == "clara" else ())]


def _of_somebody_else(now: int) -> list[dict[str, Any]]:
    """Withings is not sure that it was she."""
    groups = invented.weigh_in(now - 2 * DAY, kg=HELD_KG, seed=3)
    return [{**group, "attrib": 1} for group in groups]


def _remember(workplace: Workplace, person: Person, groups: Iterable[Mapping[str, Any]]) -> None:
    """As if all this had been read from Withings ten minutes ago."""
    archive = workplace.archive(person.name)
    assert archive is not None
    now = workplace.clock()
    page = []
    for group in groups:
        raw = msgspec.json.encode(group)
        page.append((parse_group(raw, zone=ZONE), StoredGroup(raw.decode(), ZONE)))
    with workplace.database.transaction():
        archive.store(page, [], now)
        archive.advance_cursor(max(group.updated_at or 0 for group, _ in page))
        archive.note_checked(now - 600)
        if person.name in GOALS:
            goal = Decimal(GOALS[person.name]) * 1000
            keep_weight_goal(archive, Measurement(MeasureType.WEIGHT, int(goal), -3), now)


def _be_notified(workplace: Workplace) -> None:
    """As if Withings had told of everybody's readings this morning."""
    now = workplace.clock()
    for name in PEOPLE:
        archive = workplace.archive(name)
        assert archive is not None
        record = CareRecord(workplace.database, archive.account)
        record.begin(callback_of(workplace) or "")
        record.note_in_order(now - 3600, now + DAY)
        knock = Knock(archive.userid, 1, int(now - 7200), int(now - 7200))
        store_knocks(workplace.database, [(knock, now - 7200)])
        ids = [one.id for one in open_knocks(workplace.database, archive.account)]
        settle_knocks(workplace.database, ids, now - 7190)


def _open_already(workplace: Workplace) -> Callable[[], Any]:
    """The home folder is open already."""

    @contextmanager
    def opened() -> Iterator[Workplace]:
        yield workplace

    return opened


def _answers(house: House, person: str) -> Answers:
    email, password, code = house.accounts[person]
    return Answers(
        username=lambda: email, password=lambda: password, code=lambda: code or "", ticket=None
    )


def _resting(parts: Parts) -> Parts:
    """Everybody is looked at in two hours."""
    at = parts.clock() + 7000
    return msgspec.structs.replace(parts, next_ask=lambda person: at, wake=lambda *_, **__: None)


@contextmanager
def _serving(server: Server, parts: Parts, port: int, *, works: bool) -> Iterator[None]:
    if works:
        server.start()
    try:
        hear = server.reachable if works else None
        with listening(create_app(parts), port, hear):
            yield
    finally:
        server.stop()


@contextmanager
def listening(
    app: ASGIApp, port: int, hear: Callable[[str], object] | None = None
) -> Iterator[None]:
    """Pages at a port; ``hear`` is told their address."""
    ready, stop = threading.Event(), threading.Event()

    def begin(address: str) -> None:
        if hear is not None:
            hear(address)
        ready.set()

    def run() -> None:
        listen(app, "127.0.0.1", port, on_ready=begin, stop=stop)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        assert ready.wait(20)
        yield
    finally:
        stop.set()
        thread.join(10)


def _post(url: str, path: str, body: str) -> int:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=20)
    try:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, body, kind)
        return connection.getresponse().status
    finally:
        connection.close()
