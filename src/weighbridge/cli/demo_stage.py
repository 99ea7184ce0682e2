"""The stage of the demo: a sandbox in this process, a home folder, people with four targets."""

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
from weighbridge.config import CONFIG_FILE, Settings, load
from weighbridge.sync.services import Services
from weighbridge_sandbox.admin import Admin
from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.garmin import GarminCloud
from weighbridge_sandbox.garmin.accounts import Account
from weighbridge_sandbox.http import Sandbox
from weighbridge_sandbox.withings import WithingsCloud
from weighbridge_sandbox.withings.tokens import Tokens

MARK = ".weighbridge-demo"
PASSWORD = "a-password-of-the-demo"  # noqa: S105  opens nothing but the sandbox
FORMATS = (("csv", "csv"), ("json", "json"), ("fit", "fit"))


class Stage:
    """Everything that one demo needs. ``people`` are the names of the profiles."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, tokens: Tokens, people: list[str], settle: float
    ) -> None:
        self.url = sandbox.url
        self.people = people
        self.folder = folder
        self.settle = settle
        self._tokens = tokens
        self._admin = Admin(sandbox.url)
        (folder / MARK).touch()

    def write_configuration(self, *, port: int | None = None, broker: int | None = None) -> None:
        """A configuration like anybody's, but with the addresses of the stand-ins.

        ``port``: that of a server, which this machine alone can reach. ``broker``: that of an
        MQTT broker, one more target for everybody.
        """
        path = self.folder / CONFIG_FILE
        tokens = self._tokens
        place = f'port = {port}\nurl = "http://127.0.0.1:{port}"\n'
        people = "".join(self._person(number, broker) for number in range(len(self.people)))
        path.write_text(
            f'[withings]\nurl = "{self.url}"\nclient_id = "{tokens.client_id}"\n'
            f'client_secret = "{tokens.client_secret}"\n'
            + (f"\n[server]\n{place}" if port else "")
            + people,
            "utf-8",
        )
        path.chmod(0o600)

    def _person(self, number: int, broker: int | None) -> str:
        name = self.people[number]
        common = f"since = 1970-01-01\nsettle = {self.settle}\n"
        url = f"mqtt://127.0.0.1:{broker}"
        mqtt = f'\n[[person.target]]\nkind = "mqtt"\nurl = "{url}"\n' if broker else ""
        files = "".join(
            f'\n[[person.target]]\nkind = "file"\nname = "{shape}"\nformat = "{shape}"\n'
            f'path = "{name}.{end}"\n{common}'
            for shape, end in FORMATS
        )
        return (
            f'\n[[person]]\nname = "{name}"\n\n[[person.target]]\nkind = "garmin"\n'
            f'url = "{self.url}"\nusername = "{_email(number)}"\n{common}{files}{mqtt}'
        )

    def sign_in(self) -> None:
        """Everybody at Withings and at Garmin, as ``weighbridge login`` does it."""
        settings = self._settings()
        with Services(settings) as workplace:
            for person in settings.people:
                code = self._admin.code(person.name, settings.withings.callback_url)
                connect(workplace, person, code=code, paste=False, browser=False)
                given = Given(
                    username=None,
                    password_stdin=False,
                    password_file=None,
                    code=None,
                    ticket=None,
                    environ={"GARMIN_PASSWORD": PASSWORD},
                )
                sign_in_at_target(workplace, person, person.target("garmin"), given)

    def sync(self, session: CliContext) -> None:
        """``weighbridge sync`` for everybody, with its progress and its report."""
        from weighbridge.cli.sync_output import progress_for, report
        from weighbridge.sync.pipeline import bring_up_to_date

        settings = self._settings()
        with (
            progress_for(session, quiet=False) as progress,
            Services(settings, progress=progress) as workplace,
        ):
            outcomes = [bring_up_to_date(workplace.road(person)) for person in settings.people]
        report(outcomes, say)

    def weigh_in(self, person: str, kg: str) -> None:
        """Somebody steps on the scale."""
        self._admin.weigh_in(person, kg)

    def weigh_in_now(self, person: str, kg: str) -> None:
        """Like ``weigh_in``, but taken in this second: older ones are the past for a new target."""
        from weighbridge_sandbox.household import weigh_in

        now = int(time.time())
        times = {"date": now, "created": now, "modified": now}
        self._admin.add_groups(person, [{**group, **times} for group in weigh_in(now, kg=kg)])

    def is_subscribed(self, person: str) -> bool:
        """Whether Withings would tell a server of a weigh-in."""
        return bool(self._admin.tell("withings", "subscriptions", profile=person))

    def newest_kg(self, person: str) -> str:
        """The weight in the last line of a person's file, "" when it has none."""
        lines = (self.folder / f"{person}.json").read_text("utf-8").splitlines()
        return str(json.loads(lines[-1]).get("weight_kg", "")) if lines else ""

    def holdings(self) -> dict[str, int]:
        """``person: target`` → how many readings stand there, counted at the target itself."""
        held = {}
        for number, name in enumerate(self.people):
            garmin = sum(
                len(self._admin.tell("garmin", what, account=_email(number)))
                for what in ("weigh_ins", "pressures")
            )
            held[f"{name}: Garmin Connect"] = garmin
            held[f"{name}: {name}.csv"] = max(_lines(self.folder / f"{name}.csv") - 1, 0)
            held[f"{name}: {name}.json"] = _lines(self.folder / f"{name}.json")
            held[f"{name}: FIT files"] = _rows(self.folder, name)
        return held

    def files(self) -> list[Path]:
        """What is left to look at."""
        shapes = {f".{end}" for _, end in FORMATS}
        return sorted(path for path in self.folder.iterdir() if path.suffix in shapes)

    def _settings(self) -> Settings:
        return load(self.folder, {})


@contextmanager
def open_stage(
    folder: Path, recorded: Path | None, years: int, *, settle: float
) -> Iterator[Stage]:
    """Start the stand-in clouds, fill them, and write the configuration that points at them."""
    clock = Clock()
    withings, garmin = WithingsCloud(clock=clock), GarminCloud(clock=clock, accounts=list)
    people = _fill(withings, recorded, years)
    for number, name in enumerate(people):
        account = Account(
            email=_email(number), password=PASSWORD, display_name=f"demo{number}", full_name=name
        )
        garmin.accounts.add(account)
    with Sandbox([withings, garmin], clock=clock) as sandbox:
        stage = Stage(folder, sandbox, withings.tokens, people, settle)
        stage.write_configuration()
        yield stage


def _fill(withings: WithingsCloud, recorded: Path | None, years: int) -> list[str]:
    """Put people into the cloud; their names, the one to look at first."""
    if recorded is None:
        from weighbridge_sandbox.household import household

        profiles = household(int(withings.clock()), years=years)
        for name, userid, zone, groups in profiles:
            withings.household.add_profile(name, userid, zone, groups)
        return [profile[0] for profile in profiles]
    from weighbridge_sandbox.recorded import EVERYONE, load_folder

    recordings = load_folder(recorded)
    for problem in recordings.problems:
        say(problem)
    for name, zone, found in recordings.profiles():
        withings.household.add_profile(name, timezone=zone, groups=found)
    return [EVERYONE]


def _email(number: int) -> str:
    return f"demo{number}@example.test"


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _rows(folder: Path, name: str) -> int:
    from weighbridge.targets.formats.fit.fit_reader import read_pressures, read_weights

    weights, pressures = folder / f"{name}.fit", folder / f"{name}.blood_pressure.fit"
    count = len(read_weights(weights.read_bytes())) if weights.exists() else 0
    return count + (len(read_pressures(pressures.read_bytes())) if pressures.exists() else 0)
