"""A house in which the server runs: sandbox, real Mosquitto and server are processes of their own.

What makes load and takes the time is this process, so nobody shares an interpreter with what is
measured. All processes share this machine's processors.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from listener import Listener
from stand import CALLBACK

from weighbridge.sources.withings.notify_url import callback_at
from weighbridge.storage.database import FILE_NAME, Database
from weighbridge.storage.subscription_store import current_secret
from weighbridge_sandbox.admin import Admin
from weighbridge_sandbox.household import many_groups

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
PATIENCE = 60.0
"""Seconds that anything may take before the benchmark gives up."""
AT_ONCE = 2_000
"""Groups that are handed to the sandbox in one call."""
QUIET = 7.0
"""Seconds without a new subscription: the server leaves five between two of them."""


class House:
    """A home whose person, anna, has so many groups at the sandbox and an MQTT target."""

    def __init__(self, folder: Path, sandbox: dict[str, Any], broker: int) -> None:
        self.admin = Admin(sandbox["url"])
        self.listener = Listener(broker)
        self.port = free_port()
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self._configure(sandbox, broker)
        self._bare = HTTPConnection(urlsplit(sandbox["url"]).netloc, timeout=PATIENCE)

    def _configure(self, sandbox: dict[str, Any], broker: int) -> None:
        path = self._folder / "weighbridge.toml"
        path.write_text(
            f'[withings]\nurl = "{sandbox["url"]}"\nclient_id = "{sandbox["client_id"]}"\n'
            f'client_secret = "{sandbox["client_secret"]}"\n\n[server]\nport = {self.port}\n'
            f'url = "http://127.0.0.1:{self.port}"\n\n[[person]]\nname = "anna"\n\n'
            f'[[person.target]]\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:{broker}"\n',
            "utf-8",
        )
        path.chmod(0o600)

    def log_in(self) -> None:
        code = self.admin.code("anna", CALLBACK)
        command = [*WEIGHBRIDGE, "login", "withings", "--code", code]
        subprocess.run(command, env=self._environment(), check=True, capture_output=True)

    def _environment(self) -> dict[str, str]:
        return {**installed(), "WEIGHBRIDGE_HOME": str(self._folder)}

    # The server

    def start(self, page: str = "/readyz") -> float:
        """Seconds from the start of the process to the first 200 of a page."""
        begin = time.perf_counter()
        with (self._folder / "serve.log").open("ab") as log:
            self._server = subprocess.Popen(
                [*WEIGHBRIDGE, "serve"], env=self._environment(), stdout=log, stderr=log
            )
        until(lambda: self.status(page) == 200, pause=0.002)
        return time.perf_counter() - begin

    def stop(self) -> float:
        """Seconds from SIGTERM to the end of the process."""
        begin = time.perf_counter()
        if self._server is not None:
            self._server.terminate()
            self._server.wait(PATIENCE)
            self._server = None
        return time.perf_counter() - begin

    @property
    def pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    def is_alive(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def wait_for_first_sync(self) -> None:
        """Everything is read, the state is published, and all subscriptions are made."""
        until(lambda: self.listener.heard("/state"))
        count, since = -1, time.monotonic()
        while time.monotonic() - since < QUIET:
            found = len(self.admin.tell("withings", "subscriptions", profile="anna"))
            if found != count:
                count, since = found, time.monotonic()
            time.sleep(0.2)

    def status(self, path: str) -> int:
        """What a page answers; 0: nobody listens."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with closing(connection), suppress(OSError):
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._token()}"})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        return 0

    def _token(self) -> str:
        path = self._folder / "admin-token"
        return path.read_text("utf-8").strip() if path.exists() else "-"

    # Notifications

    @cached_property
    def callback(self) -> str:
        """The path that Withings notifies."""
        with Database(self._folder) as database:
            secret = current_secret(database, time.time())
        return urlsplit(callback_at(f"http://127.0.0.1:{self.port}", secret)).path

    def weigh_in(self, kg: str) -> int:
        """Somebody steps on the scale, and nobody is told yet: when it was."""
        return int(self.admin.weigh_in("anna", kg, notify=False)[0]["date"])

    def body(self, date: int, appli: int = 1) -> str:
        return f"userid={self._userid}&startdate={date - 1}&enddate={date}&appli={appli}"

    @cached_property
    def _userid(self) -> str:
        return str(self._asked("SELECT userid FROM account"))

    def notifications(self) -> int:
        """How many are stored."""
        return int(self._asked("SELECT count(*) FROM notification"))

    # Withings

    def ask_again(self) -> float:
        """Seconds of the last request of the server, made once more by nobody but a socket."""
        last = self.admin.requests(path="/measure")[-1]
        token = json.loads(self._asked("SELECT secret FROM credential"))["access_token"]
        form = urlencode({"action": last["action"], **last["fields"]})
        kind = "application/x-www-form-urlencoded"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        begin = time.perf_counter()
        self._bare.request("POST", "/measure", form, headers)
        self._bare.getresponse().read()
        return time.perf_counter() - begin

    def requests(self) -> int:
        """How often the sandbox was asked for measurements."""
        return len(self.admin.requests(path="/measure"))

    def _asked(self, question: str) -> Any:
        with closing(sqlite3.connect(self._folder / FILE_NAME, timeout=PATIENCE)) as database:
            return database.execute(question).fetchone()[0]


WEIGHBRIDGE = [sys.executable, "-m", "weighbridge"]


def installed() -> dict[str, str]:
    """The environment of an installed program, which has its bytecode."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


@contextmanager
def house_with(groups: int) -> Iterator[House]:
    """A house whose server is not started yet. Everything in it ends with the context."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        sandbox = stack.enter_context(_sandbox())
        broker = stack.enter_context(_broker(folder))
        house = House(folder, sandbox, broker)
        stack.callback(house.listener.close)
        stack.callback(house.stop)
        history = list(many_groups(groups, now=int(time.time())))
        for start in range(0, groups, AT_ONCE):
            house.admin.add_groups("anna", history[start : start + AT_ONCE], notify=False)
        house.log_in()
        yield house


@contextmanager
def _sandbox() -> Iterator[dict[str, Any]]:
    command = [*WEIGHBRIDGE, "sandbox", "--port", "0", "--empty", "--json"]
    with _running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())


@contextmanager
def _broker(folder: Path) -> Iterator[int]:
    if MOSQUITTO is None:
        raise SystemExit("The server is measured with a real broker. Install mosquitto.")
    port = free_port()
    configuration = folder / "mosquitto.conf"
    configuration.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
    with _running([MOSQUITTO, "-c", str(configuration)], stdout=subprocess.DEVNULL):
        until(lambda: _listens(port))
        yield port


@contextmanager
def _running(command: list[str], **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=installed(), stderr=subprocess.DEVNULL, **streams)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(condition: Callable[[], Any], pause: float = 0.05) -> None:
    """Wait until the condition says something true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("The benchmark gives up: it did not come to pass.")
        time.sleep(pause)
