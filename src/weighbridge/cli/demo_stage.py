"""The stage of the demo: a sandbox in this process, a home folder, people with four targets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weighbridge.assembly import Workplace
from weighbridge.cli.login_target import Given
from weighbridge.cli.login_target import sign_in as sign_in_at_target
from weighbridge.cli.login_withings import connect
from weighbridge.cli.session import Session, say
from weighbridge.config import CONFIG_FILE, Settings, load
from weighbridge.sandbox.admin import Admin
from weighbridge.sandbox.clock import Clock
from weighbridge.sandbox.garmin import GarminCloud
from weighbridge.sandbox.garmin.accounts import Account
from weighbridge.sandbox.http import Sandbox
from weighbridge.sandbox.withings import WithingsCloud

MARK = ".weighbridge-demo"
PASSWORD = "a-password-of-the-demo"  # noqa: S105  opens nothing but the sandbox
FORMATS = (("csv", "csv"), ("json", "json"), ("fit", "fit"))


class Stage:
    """Everything that one demo needs. ``people`` are the names of the profiles."""

    def __init__(self, folder: Path, sandbox: Sandbox, people: list[str], settle: float) -> None:
        self.url = sandbox.url
        self.people = people
        self._folder = folder
        self._admin = Admin(sandbox.url)
        self._settle = settle
        (folder / MARK).touch()

    def write_configuration(self, withings: WithingsCloud) -> None:
        """A configuration like anybody's, but with the addresses of the stand-ins."""
        path = self._folder / CONFIG_FILE
        tokens = withings.tokens
        people = "".join(self._person(number) for number in range(len(self.people)))
        path.write_text(
            f'[withings]\nurl = "{self.url}"\nclient_id = "{tokens.client_id}"\n'
            f'client_secret = "{tokens.client_secret}"\n{people}',
            "utf-8",
        )
        path.chmod(0o600)

    def _person(self, number: int) -> str:
        name = self.people[number]
        common = f"since = 1970-01-01\nsettle = {self._settle}\n"
        files = "".join(
            f'\n[[person.target]]\nkind = "file"\nname = "{shape}"\nformat = "{shape}"\n'
            f'path = "{name}.{end}"\n{common}'
            for shape, end in FORMATS
        )
        return (
            f'\n[[person]]\nname = "{name}"\n\n[[person.target]]\nkind = "garmin"\n'
            f'url = "{self.url}"\nusername = "{_email(number)}"\n{common}{files}'
        )

    def sign_in(self) -> None:
        """Everybody at Withings and at Garmin, as ``weighbridge login`` does it."""
        settings = self._settings()
        with Workplace(settings) as workplace:
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

    def sync(self, session: Session) -> None:
        """``weighbridge sync`` for everybody, with its progress and its report."""
        from weighbridge.cli.sync_progress import progress_for
        from weighbridge.cli.sync_report import report
        from weighbridge.pipeline import bring_up_to_date

        settings = self._settings()
        with (
            progress_for(session, quiet=False) as progress,
            Workplace(settings, progress=progress) as workplace,
        ):
            outcomes = [bring_up_to_date(workplace.road(person)) for person in settings.people]
        report(outcomes, say)

    def weigh_in(self, person: str, kg: str) -> None:
        """Somebody steps on the scale."""
        self._admin.weigh_in(person, kg)

    def holdings(self) -> dict[str, int]:
        """``person: target`` → how many readings stand there, counted at the target itself."""
        held = {}
        for number, name in enumerate(self.people):
            garmin = sum(
                len(self._admin.tell("garmin", what, account=_email(number)))
                for what in ("weigh_ins", "pressures")
            )
            held[f"{name}: Garmin Connect"] = garmin
            held[f"{name}: {name}.csv"] = max(_lines(self._folder / f"{name}.csv") - 1, 0)
            held[f"{name}: {name}.json"] = _lines(self._folder / f"{name}.json")
            held[f"{name}: FIT files"] = _rows(self._folder, name)
        return held

    def files(self) -> list[Path]:
        """What is left to look at."""
        shapes = {f".{end}" for _, end in FORMATS}
        return sorted(path for path in self._folder.iterdir() if path.suffix in shapes)

    def _settings(self) -> Settings:
        return load(self._folder, {})


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
        stage = Stage(folder, sandbox, people, settle)
        stage.write_configuration(withings)
        yield stage


def _fill(withings: WithingsCloud, recorded: Path | None, years: int) -> list[str]:
    """Put people into the cloud; their names, the one to look at first."""
    if recorded is None:
        from weighbridge.sandbox.household import household

        profiles = household(int(withings.clock()), years=years)
        for name, userid, zone, groups in profiles:
            withings.household.add_profile(name, userid, zone, groups)
        return [profile[0] for profile in profiles]
    from weighbridge.sandbox.recorded import EVERYONE, load_folder

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
    from weighbridge.fit.reader import read_pressures, read_weights

    weights, pressures = folder / f"{name}.fit", folder / f"{name}.blood_pressure.fit"
    count = len(read_weights(weights.read_bytes())) if weights.exists() else 0
    return count + (len(read_pressures(pressures.read_bytes())) if pressures.exists() else 0)
