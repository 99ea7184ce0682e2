"""A home whose people and targets stand as a test needs it, and somebody who listens for alerts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx2
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from weighbridge.archive.archive import connect_account
from weighbridge.archive.database import Database
from weighbridge.archive.ledger import Ledger
from weighbridge.assembly import Workplace
from weighbridge.config import load
from weighbridge.errors import LoginNeeded
from weighbridge.plan.planner import Add
from weighbridge.plan.state import State
from weighbridge.sandbox.http import Request, Response, Sandbox
from weighbridge.secret import Secret
from weighbridge.server.counts import Counts
from weighbridge.server.edge.listening import listen
from weighbridge.server.pages.admission import Admission
from weighbridge.server.parts import Parts

START = 1_760_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
POLL = 3 * HOUR
TOO_LONG = 2 * POLL + 16 * MINUTE
TOKEN = "only-the-admin-knows-this"

TARGETS = '[[person.target]]\nkind = "garmin"\n[[person.target]]\nkind = "file"\npath = "a.csv"\n'


class World:
    """One home folder and a clock that the test turns."""

    def __init__(self, home: Path, *people: str, alerts: str = "", targets: str = TARGETS) -> None:
        self.home = home
        self.people = people or ("anna",)
        self.now = START
        self.configure(alerts, targets)
        for person in self.people:
            self.connect(person)

    def configure(self, alerts: str = "", targets: str = TARGETS, *people: str) -> None:
        blocks = [f'[[person]]\nname = "{p}"\n{targets}' for p in people or self.people]
        self.home.mkdir(exist_ok=True)
        path = self.home / "weighbridge.toml"
        path.write_text("\n".join([f"[alerts]\n{alerts}" if alerts else "", *blocks]), "utf-8")
        path.chmod(0o600)
        self.parts = Parts(
            settings=load(self.home, {}),
            clock=lambda: self.now,
            open=self.open,
            wake=lambda person, **more: None,
            started_at=self.now,
            intake=cast(Any, None),
            counts=Counts(),
            admission=Admission(Secret.of_value(TOKEN), lambda: self.now),
        )

    def open(self) -> Workplace:
        return Workplace(self.parts.settings, clock=lambda: self.now)

    @contextmanager
    def database(self) -> Iterator[Database]:
        with Database(self.home) as database:
            yield database

    # How things stand

    def connect(self, person: str) -> None:
        """Log in at Withings, and at Garmin."""
        with self.open() as place, place.database.transaction():
            connect_account(place.database, person, f"user of {person}", lambda: self.now)
            for service, account in (("withings", f"user of {person}"), ("target garmin", person)):
                place.database.run(
                    "store_credential",
                    person=person,
                    service=service,
                    account=account,
                    secret="{}",
                    now=self.now,
                )
        self.answer(person)

    def answer(self, *people: str) -> None:
        """Withings answers, now."""
        with self.open() as place:
            for person in people or self.people:
                archive = place.archive(person)
                assert archive
                archive.note_checked(self.now)

    def refuse(self, person: str, trouble: str = "Withings does not answer.") -> None:
        """Withings could not be read."""
        with self.open() as place:
            archive = place.archive(person)
            assert archive
            archive.note_trouble(trouble, self.now)

    def log_out(self, person: str) -> None:
        with self.open() as place:
            place.tokens(person).mark_login_needed("The login was withdrawn.")

    def spoil_subscription(self, person: str, trouble: str = "Withings refuses it (293).") -> None:
        with self.database() as database:
            account = database.one("account_of", person=person)
            assert account
            database.run("begin_care", account=account["id"], callback="https://x.test/y")
            database.run(
                "note_care_trouble",
                account=account["id"],
                trouble=trouble,
                now=self.now,
                next_try_at=0,
            )

    def mend_subscription(self, person: str) -> None:
        with self.database() as database:
            account = database.one("account_of", person=person)
            assert account
            database.run("note_cared", account=account["id"], now=self.now, next_try_at=0)

    @contextmanager
    def ledger(self, person: str = "anna", target: str = "garmin") -> Iterator[Ledger]:
        with self.database() as database:
            ledger = Ledger(database, person, target, self.now)
            ledger.keep_fingerprint("as it was planned")
            yield ledger

    def owe(
        self,
        number: int,
        state: State = State.PLANNED,
        *,
        person: str = "anna",
        target: str = "garmin",
    ) -> None:
        """A reading, taken and planned now, that waits in a state."""
        with self.ledger(person, target) as ledger, ledger.database.transaction():
            taken_at = int(self.now) + number
            step = Add(f"reading-{number}", taken_at, 0, "r", state, 0.0, None)
            ledger.write_down([step], self.now)

    def deliver(self, number: int, **where: str) -> None:
        self.owe(number, State.DELIVERED, **where)
        with self.ledger(**where) as ledger:
            ledger.database._connection.execute(
                "UPDATE delivery SET done_at = ? WHERE state = 'delivered' AND done_at IS NULL",
                [self.now],
            )
            ledger.note_success(self.now)

    def need_login(self, target: str = "garmin", person: str = "anna") -> None:
        with self.ledger(person, target) as ledger:
            ledger.note_trouble(LoginNeeded.__name__, "The Garmin login has ended.", self.now)
            ledger.block("The Garmin login has ended.")

    def wake(self, target: str = "garmin", person: str = "anna") -> None:
        with self.ledger(person, target) as ledger:
            ledger.wake()

    # What was told

    def rows(self, table: str) -> list[dict[str, Any]]:
        with self.database() as database:
            return [dict(row) for row in database._connection.execute(f"SELECT * FROM {table}")]


class Receiver:
    """The service behind an alert channel and behind the ping address."""

    name = "receiver"

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        """(path, what was said)"""
        self.pings = 0
        self.status = 200
        self.before_answer: Callable[[], object] = lambda: None

    def answer(self, request: Request) -> Response | None:
        self.before_answer()
        if self.status == 200:
            if request.method == "GET":
                self.pings += 1
            else:
                self.heard.append((request.path, request.json()["message"]))
        return Response(self.status)

    @property
    def sentences(self) -> list[str]:
        return [text for _, text in self.heard]


@contextmanager
def receiver() -> Iterator[tuple[Receiver, str]]:
    """A receiver, and the configuration of two channels and the ping address that lead to it."""
    made = Receiver()
    with Sandbox([made]) as sandbox:
        host = sandbox.url.removeprefix("http://")
        yield made, f'urls = ["json://{host}/one"]\nping = "{sandbox.url}/ping-secret"'


# --- Asking a real server ---------------------------------------------------------------------


@contextmanager
def served(routes: list[BaseRoute]) -> Iterator[httpx2.Client]:
    """The routes behind a real uvicorn; ask them through the client."""
    ready, stop = threading.Event(), threading.Event()
    found: list[str] = []

    def run() -> None:
        listen(
            Starlette(routes=routes),
            "127.0.0.1",
            0,
            on_ready=lambda url: (found.append(url), ready.set()),
            stop=stop,
        )

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        with httpx2.Client(base_url=found[0], trust_env=False) as client:
            yield client
    finally:
        stop.set()
        thread.join(10)


def decoded(response: httpx2.Response) -> Any:
    return json.loads(response.content)
