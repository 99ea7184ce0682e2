"""A house to tell stories in: the real command in processes of its own, against the sandbox."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import forerunner
import msgspec

from weighbridge.sandbox.admin import Admin
from weighbridge.sandbox.clock import Clock
from weighbridge.sandbox.garmin import GarminCloud
from weighbridge.sandbox.http import Sandbox
from weighbridge.sandbox.trainerroad import TrainerRoadCloud
from weighbridge.sandbox.withings import WithingsCloud

if TYPE_CHECKING:
    from ssl import SSLContext

CALLBACK = "http://localhost:9473/callback"
TIME_LIMIT = 90
NOT_FROM_HERE = (
    *("WEIGHBRIDGE_", "WITHINGS_", "GARMIN", "TRAINERROAD"),
    *("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"),
    *("HTTP", "ALL_PROXY", "NO_PROXY", "SSL_CERT", "REQUESTS_CA", "CURL_CA"),
)
"""Beginnings of the environment variables of this machine that no story may depend on."""
LONG_AGO = "since = 2000-01-01"

ACCOUNTS = {
    "anna": ("anna@example.test", "anna-walks-home", None),
    "ben": ("ben@example.test", "ben-rides-uphill", "123456"),
}
"""The sandbox's Garmin accounts (``sandbox/garmin/accounts.py``): e-mail, password, code."""

RIDERS = {"anna": "anna-climbs-hills", "ben": "ben-likes-the-flat"}
"""The sandbox's TrainerRoad accounts (``sandbox/trainerroad/accounts.py``): their passwords."""


class Result(msgspec.Struct, frozen=True):
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, read as JSON."""
        return json.loads(self.out)


class House:
    """One home folder and one sandbox. People and targets are added by the story."""

    def __init__(
        self,
        home: Path,
        *,
        server_tls: SSLContext | None = None,
        client_tls: SSLContext | None = None,
    ) -> None:
        self.home = home
        self.callback_url = CALLBACK
        self.more_tables = ""
        """Further tables of the configuration."""
        self.accounts = dict(ACCOUNTS)
        self.prefix: list[str] = []
        """Words before every command, for instance to take rights away from it."""
        self.clock = Clock()
        self.withings = WithingsCloud(clock=self.clock)
        self.garmin = GarminCloud(clock=self.clock)
        self.trainerroad = TrainerRoadCloud(clock=self.clock)
        self.sandbox = Sandbox(
            [self.withings, self.garmin, self.trainerroad],
            clock=self.clock,
            ssl_context=server_tls,
        )
        self.sandbox.start()
        self.admin = Admin(self.sandbox.url, ssl_context=client_tls)
        self._people: dict[str, list[str]] = {}
        self._options: dict[str, str] = {}

    def close(self) -> None:
        """End the sandbox."""
        self.sandbox.close()

    # Setting the scene

    def person(
        self,
        name: str,
        groups: Iterable[Any] = (),
        *,
        options: str = "",
        zone: str = "Europe/Paris",
    ) -> None:
        """Somebody with a Withings profile of the same name, and a table in the configuration."""
        self.withings.household.add_profile(name, timezone=zone, groups=groups)
        self._people[name] = []
        self._options[name] = options

    def target(self, person: str, kind: str, options: str = LONG_AGO) -> None:
        """A target in the configuration. ``options`` are further lines of its table."""
        has_cloud = kind in {"garmin", "trainerroad"}
        url = f'url = "{self.sandbox.url}"\n' if has_cloud else ""
        table = f'[[person.target]]\nkind = "{kind}"\n{url}{options}\n'
        self._people[person].append(table)

    def open_account(self, name: str, zone: str) -> None:
        """One more account at Garmin, in a zone of its own."""
        email, password = f"{name}@example.test", f"{name}-opens-the-door"
        self.accounts[name] = (email, password, None)
        account = {"email": email, "password": password, "display_name": name, "timezone": zone}
        self.admin.tell("garmin", "accounts", create=account)

    def write_configuration(self) -> None:
        """Write ``weighbridge.toml`` as the story has told so far."""
        people = "".join(
            f'\n[[person]]\nname = "{name}"\n{self._options[name]}\n' + "\n".join(targets)
            for name, targets in self._people.items()
        )
        tokens = self.withings.tokens
        path = self.home / "weighbridge.toml"
        path.write_text(
            f'[withings]\nurl = "{self.sandbox.url}"\nclient_id = "{tokens.client_id}"\n'
            f'client_secret = "{tokens.client_secret}"\n'
            f'callback_url = "{self.callback_url}"\n{self.more_tables}{people}',
            "utf-8",
        )
        path.chmod(0o600)

    def move_in(self) -> None:
        """Write the configuration and sign everybody in, everywhere."""
        self.write_configuration()
        for name, targets in self._people.items():
            self.log_in(name)
            if any('kind = "garmin"' in target for target in targets):
                self.log_in_garmin(name)
            if any('kind = "trainerroad"' in target for target in targets):
                self.log_in_trainerroad(name)

    def log_in(self, person: str) -> Result:
        """Connect the Withings profile of the same name."""
        code = self.admin.code(person, self.callback_url)
        return self.run("login", "withings", "--person", person, "--code", code, expect=0)

    def log_in_garmin(self, person: str, account: str | None = None) -> Result:
        """Sign in at Garmin with the sandbox's account of that name."""
        email, password, code = self.accounts[account or person]
        arguments = ["login", "garmin", "--person", person, "--username", email]
        if code:
            arguments += ["--mfa-code", code]
        return self.run(*arguments, "--password-stdin", input=password + "\n", expect=0)

    def log_in_trainerroad(self, person: str, rider: str | None = None) -> Result:
        """Sign in at TrainerRoad with the sandbox's account of that name."""
        name = rider or person
        arguments = ["login", "trainerroad", "--person", person, "--password-stdin"]
        username = ["--username", f"{name}@example.test"]
        return self.run(*arguments, *username, input=RIDERS[name] + "\n", expect=0)

    # Doing things

    def environment(self, extra: Mapping[str, str] = {}) -> dict[str, str]:
        """What the command sees: nothing of the machine's own configuration."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.upper().startswith(NOT_FROM_HERE)
        }
        return {**kept, "WEIGHBRIDGE_HOME": str(self.home), "PYTHONWARNINGS": "error", **extra}

    def start(
        self, *arguments: str, env: Mapping[str, str] = {}, **more: Any
    ) -> subprocess.Popen[str]:
        """Begin a command and go on with the story."""
        return subprocess.Popen(
            [*self.prefix, sys.executable, "-m", "weighbridge", *arguments],
            env=self.environment(env),
            stdin=more.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def run(
        self,
        *arguments: str,
        expect: int | None = None,
        input: str | None = None,  # noqa: A002  the name that subprocess uses
        env: Mapping[str, str] = {},
    ) -> Result:
        """Run a command to its end. ``expect`` is the exit code that the story needs."""
        done = forerunner.run(
            [*self.prefix, sys.executable, "-m", "weighbridge", *arguments],
            self.environment(env),
            input=(input or "").encode(),
            timeout=TIME_LIMIT,
        )
        result = Result(done.returncode, text_of(done.stdout), text_of(done.stderr))
        assert "Traceback" not in result.err, result.err
        assert expect is None or result.code == expect, result
        return result

    def run_at_once(self, times: int, *arguments: str) -> list[Result]:
        """Run a command in several processes, all at the same time."""
        with ThreadPoolExecutor(times) as people:
            return list(people.map(lambda _: self.run(*arguments), range(times)))

    def sync(self, *arguments: str, expect: int | None = 0, **more: Any) -> Result:
        """``weighbridge sync``."""
        return self.run("sync", *arguments, expect=expect, **more)

    def kill_during(self, *arguments: str, **fault: Any) -> None:
        """Run a command and kill it (``kill -9``) at the moment the matching request is held."""
        self.admin.fault("hold", **fault)
        process = self.start(*arguments)
        try:
            self.admin.wait_for_hold(seconds=30)
        finally:
            process.kill()
            process.communicate()
        self.admin.clear_faults()
        self.admin.release()

    def kill_before_arrival(self, *arguments: str, **fault: Any) -> None:
        """Run a command and kill it while the matching request is held; it is never carried out."""
        self.admin.fault("delay", seconds=TIME_LIMIT, **fault)
        process = self.start(*arguments)
        try:
            self.wait_until(lambda: not self.admin.active_faults())
        finally:
            process.kill()
            process.communicate()

    def wait_until(self, happened: Callable[[], bool], seconds: float = 30.0) -> None:
        """Return as soon as something has happened."""
        end = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < end, "It did not happen."
            time.sleep(0.02)

    # Looking

    def weigh_ins(self, account: str) -> list[dict[str, Any]]:
        """What the Garmin account of a person holds, oldest first."""
        rows: list[dict[str, Any]] = self.admin.tell(
            "garmin", "weigh_ins", account=self.accounts[account][0]
        )
        return rows

    def pressures(self, account: str) -> list[dict[str, Any]]:
        """The blood pressures in the Garmin account of a person."""
        rows: list[dict[str, Any]] = self.admin.tell(
            "garmin", "pressures", account=self.accounts[account][0]
        )
        return rows

    def rider_kg(self, rider: str) -> float:
        """The weight in the TrainerRoad profile of a person."""
        profile = self.admin.tell("trainerroad", "profile", account=f"{rider}@example.test")
        return float(profile["weightKg"])

    def file_lines(self, name: str) -> list[str]:
        """The lines of a file in the home folder; none while it does not exist."""
        path = self.home / name
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def database(self, sql: str, *values: Any) -> list[Any]:
        """Run one statement on the archive, from outside; its rows."""
        with closing(sqlite3.connect(self.home / "weighbridge.db")) as connection, connection:
            return connection.execute(sql, values).fetchall()

    def requests(self, path: str | None = None, cloud: str | None = None) -> list[dict[str, Any]]:
        """What the sandbox was asked."""
        return self.admin.requests(path=path, cloud=cloud)


def text_of(said: bytes) -> str:
    """What was said, on any system."""
    return said.decode().replace("\r\n", "\n").replace("\r", "\n")


def group(
    grpid: int,
    date: int,
    *measures: tuple[int, int, int],
    created: int | None = None,
    modified: int | None = None,
    attrib: int = 0,
    device: str | None = "device-of-the-story",
    **more: Any,
) -> dict[str, Any]:
    """A measure group as getmeas answers it; ``measures`` are (type, value, unit)."""
    stored = date + 30 if created is None else created
    return {
        "grpid": grpid,
        "attrib": attrib,
        "date": date,
        "created": stored,
        "modified": stored if modified is None else modified,
        "category": 1,
        "deviceid": device,
        "hash_deviceid": device,
        "model": "Body+" if device else None,
        "modelid": 5 if device else None,
        "comment": None,
        "measures": [{"type": t, "value": v, "unit": u} for t, v, u in measures],
        **more,
    }


def weight(grpid: int, date: int, kg: str = "72.4", **more: Any) -> dict[str, Any]:
    """A weigh-in of one group."""
    grams = round(float(kg) * 1000)
    return group(grpid, date, (1, grams, -3), **more)


def pressure(grpid: int, date: int, systolic: int = 120, diastolic: int = 80, **more: Any) -> Any:
    """A blood pressure with pulse 61."""
    more.setdefault("device", "cuff-of-the-story")
    return group(grpid, date, (9, diastolic, 0), (10, systolic, 0), (11, 61, 0), **more)


def days_ago(days: float) -> int:
    """An instant, so many days before now."""
    return int(time.time() - days * 86_400)
