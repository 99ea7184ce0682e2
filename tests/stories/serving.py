"""``weighbridge serve`` in a process of its own, and who lives in the house that it serves."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection
from pathlib import Path
from random import randrange
from typing import IO, Any

from house import House

from weighbridge.assembly import Workplace
from weighbridge.config import load
from weighbridge.connecting import keep_login
from weighbridge.sandbox.household import weigh_in
from weighbridge.server.subscriptions.upkeep import callback_of
from weighbridge.withings.subscriptions import subscribe

BRISK = Path(__file__).with_name("brisk.py")
END_SECONDS = 5.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
AN_HOUR = 3600.0


class Serving:
    """The server of one house, on a port of its own. ``brisk``: with shorter pauses."""

    def __init__(self, house: House, *, brisk: bool = False) -> None:
        self.house = house
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = house.home.with_name("serve.log")
        self._weigh_ins = 0
        self._command = [str(BRISK)] if brisk else ["-m", "weighbridge"]
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        house.more_tables = f'\n[server]\nport = {self.port}\nurl = "{self.url}"\n'

    # Moving in

    def workplace(self, ago: float = 0.0) -> Workplace:
        """The home folder, opened in this process, by a clock that is so many seconds late."""
        settings = load(self.house.home, {}, secret_folder=self.house.home)
        return Workplace(settings, clock=lambda: time.time() - ago)

    def move_in(self, *people: str) -> None:
        """An hour ago these people were connected, and their targets with them."""
        self.house.write_configuration()
        with self.workplace(AN_HOUR) as workplace:
            for name in people:
                code = self.house.admin.code(name, self.house.callback_url)
                person = workplace.settings.person(name)
                keep_login(workplace, person, workplace.app(), code)
            for person in workplace.settings.people:
                workplace.road(person)

    # Life

    def start(self) -> None:
        """Begin to serve. Returns when it is ready and has looked at everybody's account."""
        self.house.admin.tell("withings", "schedule", delays=[0.0, *[0.1] * 200])
        assert self._process is None
        self._log = self.log_file.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, *self._command, "-v", "serve"],
            env=self.house.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self.house.wait_until(self._is_ready)
        unread = "SELECT 1 FROM account WHERE checked_at IS NULL AND trouble IS NULL"
        self.house.wait_until(lambda: not self.house.database(unread))

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            return self.ask("GET", "/readyz") == 200
        except OSError:
            return False

    def stop(self) -> float:
        """SIGTERM; how many seconds the end took."""
        begun = time.monotonic()
        code = self._end(signal.SIGTERM)
        assert code == 0, self.log
        return time.monotonic() - begun

    def kill(self) -> None:
        """``kill -9``"""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        process, self._process = self._process, None
        process.send_signal(number)
        try:
            return process.wait(2 * END_SECONDS)
        finally:
            process.kill()
            process.wait()
            if self._log is not None:
                self._log.close()

    def close(self) -> None:
        """End it if the story did not, and look whether its log is fit to be seen."""
        if self._process is not None:
            self.thaw()
            self.stop()
        for sign in ("Traceback", "Exception ignored", " ERROR "):
            assert sign not in self.log, self.log
        for secret in self._secrets():
            assert secret not in self.log, self.log

    @property
    def log(self) -> str:
        """What it said so far, in all its lives."""
        return self.log_file.read_text("utf-8") if self.log_file.exists() else ""

    def _secrets(self) -> Iterator[str]:
        yield self.house.withings.tokens.client_secret
        yield (self.house.home / "admin-token").read_text().strip()
        yield from (password for _, password, _ in self.house.accounts.values())
        yield from (row[0] for row in self.house.database("SELECT secret FROM notify_secret"))
        for row in self.house.database("SELECT secret, previous FROM credential"):
            for text in filter(None, row):
                yield from _tokens(json.loads(text))

    # What others do with it

    def ask(self, method: str, path: str, body: bytes | str | None = None, **headers: str) -> int:
        """One request on a connection of its own; the status."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {**FORM, **headers} if body is not None else {})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def weigh_in(self, person: str, kg: str, *, notify: bool = True) -> int:
        """Somebody stepped on the scale some minutes ago, and it is online now; the instant.

        Each weigh-in is ten seconds after the one before.
        """
        now = int(time.time())
        self._weigh_ins += 1
        groups = weigh_in(now - 500 + 10 * self._weigh_ins, kg=kg, seed=self._weigh_ins)
        stored = [{**group, "created": now, "modified": now} for group in groups]
        self.house.admin.add_groups(person, stored, notify=notify)
        return int(groups[0]["date"])

    def notification(self, person: str, taken_at: int, appli: int = 1) -> str:
        """What Withings posts about it."""
        window = f"startdate={taken_at - 1}&enddate={taken_at}"
        return f"userid={self.userid(person)}&{window}&appli={appli}"

    @property
    def callback(self) -> str:
        """The address that Withings is to notify."""
        with self.workplace() as workplace:
            return callback_of(workplace) or ""

    def knock(self, body: str, callback: str | None = None) -> int:
        """A notification, posted by us and not by the sandbox."""
        return self.ask("POST", (callback or self.callback).removeprefix(self.url), body)

    def subscribe(
        self, *people: str, applis: Sequence[int] = (1, 2, 4, 46), callback: str | None = None
    ) -> None:
        """Have these people's readings told at once. The server itself pauses between two."""
        with self.workplace() as workplace:
            for person in people:
                for appli in applis:
                    account = workplace.source(person)
                    subscribe(account, callback or self.callback, appli)

    def subscriptions(self, person: str) -> set[tuple[int, str]]:
        """Subjects and addresses, as Withings knows them."""
        found = self.house.admin.tell("withings", "subscriptions", profile=person)
        return {(one["appli"], one["callbackurl"]) for one in found}

    def wait_for_subscriptions(self, person: str) -> None:
        """The server has subscribed by itself. It pauses long between two unless it is brisk."""
        row = "SELECT 1 FROM subscription_care WHERE listed_at IS NOT NULL AND trouble IS NULL"
        self.house.wait_until(lambda: bool(self.house.database(row)))
        assert (1, self.callback) in self.subscriptions(person)

    def userid(self, person: str) -> int:
        return self.house.withings.household.profile(person).userid

    def rest(self) -> None:
        """Return when every notification was delivered and followed."""
        self.house.wait_until(self._is_at_rest)

    def _is_at_rest(self) -> bool:
        told = all(letter["state"] == "delivered" for letter in self.house.admin.notifications())
        return told and not self.house.database("SELECT 1 FROM knock WHERE done_at IS NULL")

    def asked(self) -> int:
        """How often measurements were asked for."""
        return len(self.house.requests(path="/measure"))

    def integrity(self) -> str:
        """What SQLite thinks of the database."""
        text: str = self.house.database("PRAGMA integrity_check")[0][0]
        return text


def free_port() -> int:
    """A port that no outgoing connection takes while the server is away."""
    while True:
        port = randrange(12_000, 30_000)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _tokens(stored: Any) -> Iterator[str]:
    """Whatever is called a token in what is stored, however deep."""
    if isinstance(stored, list):
        for one in stored:
            yield from _tokens(one)
    for name, value in stored.items() if isinstance(stored, dict) else ():
        if isinstance(value, str) and "token" in name and len(value) > 15:
            yield value
        else:
            yield from _tokens(value)
