"""The home folder of the demo: people with four targets each, at clouds in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weighbridge.cli.cli_context import CliContext
from weighbridge.cli.login_target import Given
from weighbridge.cli.login_target import sign_in as sign_in_at_target
from weighbridge.cli.login_withings import connect
from weighbridge.cli.output import say
from weighbridge.cli.sandbox import fill
from weighbridge.cli.sync_output import progress_for, report
from weighbridge.config import CONFIG_FILE, Settings, everyone, load
from weighbridge.core.private_files import replace
from weighbridge.sync.pipeline import bring_up_to_date
from weighbridge.sync.services import Services
from weighbridge.targets.formats.fit_codec import read_pressures, read_weights
from weighbridge_sandbox.admin import Admin
from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.garmin import GarminCloud
from weighbridge_sandbox.garmin.accounts import GarminAccount
from weighbridge_sandbox.household import weigh_in
from weighbridge_sandbox.http import Sandbox
from weighbridge_sandbox.recorded import EVERYONE
from weighbridge_sandbox.withings import WithingsCloud
from weighbridge_sandbox.withings.tokens import Tokens

PASSWORD = "a-password-of-the-demo"  # noqa: S105  it opens only the sandbox
FORMATS = ("csv", "json", "fit")


class DemoHome:
    """A home folder whose people have accounts at the sandbox. ``people``: their names."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, tokens: Tokens, people: list[str], settle: float
    ) -> None:
        self.url = sandbox.url
        self.people = people
        self.folder = folder
        self.settle = settle
        self._tokens = tokens
        self._admin = Admin(sandbox.url)

    def write_configuration(self, *, port: int | None = None, broker: int | None = None) -> None:
        """Write a usual configuration, but with the addresses of the stand-ins.

        ``port``: the port of the server, which only this machine can reach. ``broker``: the port
        of an MQTT broker, one more target for each person.
        """
        tokens = self._tokens
        server = f'\n[server]\nport = {port}\nurl = "http://127.0.0.1:{port}"\n' if port else ""
        people = "".join(self._person(number, broker) for number in range(len(self.people)))
        text = (
            f'[withings]\nurl = "{self.url}"\nclient_id = "{tokens.client_id}"\n'
            f'client_secret = "{tokens.client_secret}"\n{server}{people}'
        )
        replace(self.folder / CONFIG_FILE, text.encode())

    def _person(self, number: int, broker: int | None) -> str:
        name = self.people[number]
        common = f"since = 1970-01-01\nsettle = {self.settle}\n"
        url = f"mqtt://127.0.0.1:{broker}"
        mqtt = f'\n[[person.target]]\nkind = "mqtt"\nurl = "{url}"\n' if broker else ""
        files = "".join(
            f'\n[[person.target]]\nkind = "file"\nname = "{form}"\nformat = "{form}"\n'
            f'path = "{name}.{form}"\n{common}'
            for form in FORMATS
        )
        return (
            f'\n[[person]]\nname = "{name}"\n\n[[person.target]]\nkind = "garmin"\n'
            f'url = "{self.url}"\nusername = "{_email(number)}"\n{common}{files}{mqtt}'
        )

    def sign_in(self) -> None:
        """Log everyone in at Withings and Garmin, as ``weighbridge login`` does."""
        settings = self._settings()
        with Services(settings) as services:
            for person in everyone(settings.directory):
                code = self._admin.code(person.name, settings.withings.callback_url)
                connect(services, person, code=code, paste=False, browser=False)
                given = Given(environ={"GARMIN_PASSWORD": PASSWORD})
                sign_in_at_target(services, person, person.target("garmin"), given)

    def sync(self, context: CliContext) -> None:
        """Sync everyone, with the progress and the report of ``weighbridge sync``."""
        settings = self._settings()
        with (
            progress_for(context, quiet=False) as progress,
            Services(settings, progress=progress) as services,
        ):
            people = everyone(settings.directory)
            outcomes = [bring_up_to_date(services.person_sync(person)) for person in people]
        report(outcomes, say)

    def weigh_in(self, person: str, kg: str) -> None:
        """A person steps on the scale."""
        self._admin.weigh_in(person, kg)

    def weigh_in_now(self, person: str, kg: str) -> None:
        """Like ``weigh_in``, but in this second: a new target is not sent older readings."""
        now = int(time.time())
        times = {"date": now, "created": now, "modified": now}
        self._admin.add_groups(person, [{**group, **times} for group in weigh_in(now, kg=kg)])

    def is_subscribed(self, person: str) -> bool:
        """Whether Withings would notify the server of a weigh-in."""
        return bool(self._admin.tell("withings", "subscriptions", profile=person))

    def newest_kg(self, person: str) -> str:
        """The weight in the last line of a person's file, "" when it has none."""
        lines = (self.folder / f"{person}.json").read_text("utf-8").splitlines()
        return str(json.loads(lines[-1]).get("weight_kg", "")) if lines else ""

    def counts(self) -> dict[str, int]:
        """``person: target`` → number of readings, counted at the target itself."""
        counts = {}
        for number, name in enumerate(self.people):
            garmin = sum(
                len(self._admin.tell("garmin", what, account=_email(number)))
                for what in ("weigh_ins", "pressures")
            )
            counts[f"{name}: Garmin Connect"] = garmin
            counts[f"{name}: {name}.csv"] = max(_lines(self.folder / f"{name}.csv") - 1, 0)
            counts[f"{name}: {name}.json"] = _lines(self.folder / f"{name}.json")
            counts[f"{name}: FIT files"] = _rows(self.folder, name)
        return counts

    def files(self) -> list[Path]:
        """The files that the demo leaves."""
        return sorted(
            path for path in self.folder.iterdir() if path.suffix.removeprefix(".") in FORMATS
        )

    def _settings(self) -> Settings:
        return load(self.folder, {})


@contextmanager
def open_demo_home(
    folder: Path, recorded: Path | None, years: int, *, settle: float
) -> Iterator[DemoHome]:
    """Start the stand-in clouds, fill them, and write the configuration that points at them."""
    clock = Clock()
    withings, garmin = WithingsCloud(clock=clock), GarminCloud(clock=clock, accounts=list)
    for problem in fill(withings, recorded, years):
        say(problem)
    people = [EVERYONE] if recorded else list(withings.household.profiles)
    for number, name in enumerate(people):
        account = GarminAccount(
            email=_email(number), password=PASSWORD, display_name=f"demo{number}", full_name=name
        )
        garmin.accounts.add(account)
    with Sandbox([withings, garmin], clock=clock) as sandbox:
        home = DemoHome(folder, sandbox, withings.tokens, people, settle)
        home.write_configuration()
        yield home


def _email(number: int) -> str:
    return f"demo{number}@example.test"


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _rows(folder: Path, name: str) -> int:
    weights, pressures = folder / f"{name}.fit", folder / f"{name}.blood_pressure.fit"
    count = len(read_weights(weights.read_bytes())) if weights.exists() else 0
    return count + (len(read_pressures(pressures.read_bytes())) if pressures.exists() else 0)
