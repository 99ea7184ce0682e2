"""A server to measure, with a sandbox and a real Mosquitto: each in a process of its own.

This process makes the load and takes the times, so the server shares its interpreter with nothing.
All processes share the processors of this machine.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from mqtt_listener import Listener
from server_process import PATIENCE, WEIGHBRIDGE, ServerProcess, free_port, installed, until

from weighbridge.config.models import CALLBACK_URL
from weighbridge.sources.withings.notification import callback_at
from weighbridge.storage.sqlite import FILE_NAME, SqliteDatabase
from weighbridge.storage.subscription_store import current_secret
from weighbridge_sandbox.admin import Admin
from weighbridge_sandbox.household import many_groups

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
AT_ONCE = 2_000
"""Groups given to the sandbox in one call."""
QUIET = 7.0
"""Seconds without a new subscription. The server waits five seconds between two of them."""


class MeasuredServer(ServerProcess):
    """A server whose person, anna, has measure groups at the sandbox and an MQTT target."""

    def __init__(self, folder: Path, sandbox: dict[str, Any], broker: int) -> None:
        super().__init__(folder, free_port())
        self.admin = Admin(sandbox["url"])
        self.listener = Listener(broker)
        self._configure(sandbox, broker)
        self._withings = HTTPConnection(urlsplit(sandbox["url"]).netloc, timeout=PATIENCE)

    def _configure(self, sandbox: dict[str, Any], broker: int) -> None:
        path = self.folder / "weighbridge.toml"
        path.write_text(
            f'[withings]\nurl = "{sandbox["url"]}"\nclient_id = "{sandbox["client_id"]}"\n'
            f'client_secret = "{sandbox["client_secret"]}"\n\n[server]\nport = {self.port}\n'
            f'url = "{self.url}"\n\n[[person]]\nname = "anna"\n\n'
            f'[[person.target]]\nkind = "mqtt"\nurl = "mqtt://127.0.0.1:{broker}"\n',
            "utf-8",
        )
        path.chmod(0o600)

    def log_in(self) -> None:
        code = self.admin.code("anna", CALLBACK_URL)
        command = [*WEIGHBRIDGE, "login", "withings", "--code", code]
        subprocess.run(command, env=self.environment(), check=True, capture_output=True)

    def wait_for_first_sync(self) -> None:
        """Wait until everything is read, the state is published and all subscriptions exist."""
        until(lambda: self.listener.heard("/state"))
        count, since = -1, time.monotonic()
        while time.monotonic() - since < QUIET:
            found = len(self.admin.tell("withings", "subscriptions", profile="anna"))
            if found != count:
                count, since = found, time.monotonic()
            time.sleep(0.2)

    def status(self, path: str) -> int:
        """The status of a page; 0: no connection."""
        return self.request("GET", path, self.bearer()).status

    # Notifications

    @cached_property
    def callback(self) -> str:
        """The path that Withings notifies."""
        with SqliteDatabase(self.folder) as database:
            secret = current_secret(database, time.time())
        return urlsplit(callback_at(self.url, secret)).path

    def weigh_in(self, kg: str) -> int:
        """Anna steps on the scale, without a notification. Returns the time of the weigh-in."""
        return int(self.admin.weigh_in("anna", kg, notify=False)[0]["date"])

    def body(self, date: int, appli: int = 1) -> str:
        return f"userid={self._userid}&startdate={date - 1}&enddate={date}&appli={appli}"

    @cached_property
    def _userid(self) -> str:
        return str(self._query("SELECT userid FROM account"))

    def notifications(self) -> int:
        """The number of stored notifications."""
        return int(self._query("SELECT count(*) FROM notification"))

    # Withings

    def ask_again(self) -> float:
        """Seconds of the last request of the server, repeated by a bare HTTP client."""
        last = self.admin.requests(path="/measure")[-1]
        token = json.loads(self._query("SELECT secret FROM credential"))["access_token"]
        form = urlencode({"action": last["action"], **last["fields"]})
        kind = "application/x-www-form-urlencoded"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        begin = time.perf_counter()
        self._withings.request("POST", "/measure", form, headers)
        self._withings.getresponse().read()
        return time.perf_counter() - begin

    def requests(self) -> int:
        """The number of requests for measurements at the sandbox."""
        return len(self.admin.requests(path="/measure"))

    def _query(self, statement: str) -> Any:
        with closing(sqlite3.connect(self.folder / FILE_NAME, timeout=PATIENCE)) as database:
            return database.execute(statement).fetchone()[0]


@contextmanager
def server_with(groups: int) -> Iterator[MeasuredServer]:
    """A server that is not started yet, with ``groups`` measure groups to read."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        sandbox = stack.enter_context(_sandbox())
        broker = stack.enter_context(_broker(folder))
        server = MeasuredServer(folder, sandbox, broker)
        stack.callback(server.listener.close)
        stack.callback(server.stop)
        history = list(many_groups(groups, now=int(time.time())))
        for start in range(0, groups, AT_ONCE):
            server.admin.add_groups("anna", history[start : start + AT_ONCE], notify=False)
        server.log_in()
        yield server


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
        until(lambda: _is_listening(port))
        yield port


@contextmanager
def _running(command: list[str], **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=installed(), stderr=subprocess.DEVNULL, **streams)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def _is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
