"""Whose readings a run of ``withings-sync`` delivers, with which user names and passwords, to which
targets, and of which days.

Arguments win over the environment, that over a file ``.env`` in the working folder, and that over
secret files. User names become the environment variables that Weighbridge reads itself. A
``weighbridge.toml`` in the home folder that names a person wins: then its targets count.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from weighbridge.compat.withings_sync.command_line import CommandOptions
from weighbridge.compat.withings_sync.state_import import APP_FILE, StateFiles
from weighbridge.config import (
    CONFIG_FILE,
    SECRET_FOLDER,
    Person,
    Settings,
    TargetSettings,
    home_folder,
    load,
    only_person,
)
from weighbridge.config.environment import ONLY_PERSON
from weighbridge.core.days import Window
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.measures import Reading
from weighbridge.core.secret import Secret
from weighbridge.storage.accounts import route_row
from weighbridge.storage.archive import Archive
from weighbridge.sync.services import Services
from weighbridge.sync.stored_readings import readings_between

ENV_FILE = ".env"
KINDS = ("garmin", "trainerroad")
"""The targets of this command, in the order in which they are served."""

VISIBLE = (
    "Everyone on this computer can read a password on the command line. Put it into "
    "GARMIN_PASSWORD or TRAINERROAD_PASSWORD, a file .env, or a file below /run/secrets."
)
_APP_VARIABLE = "WITHINGS_APP"


class RunPlan(msgspec.Struct, frozen=True):
    """The person and the targets of a run."""

    settings: Settings
    person: Person
    targets: tuple[TargetSettings, ...]


def read_plan(
    options: CommandOptions,
    credentials: Mapping[str, TargetCredentials],
    environ: Mapping[str, str],
    places: StateFiles,
) -> RunPlan:
    """The plan of a run. Raises ConfigProblem."""
    home = home_folder(options.config_folder, environ)
    settings = load(home, _translated(credentials, environ, _app_file(home, environ, places)))
    if settings.withings.client_id is None:
        raise _no_app()
    person = _only_person(settings)
    _refuse_unknown_targets(person, credentials, home)
    person = msgspec.structs.replace(
        person, targets=tuple(_with_features(target, options) for target in person.targets)
    )
    chosen = (target for kind in KINDS for target in person.targets if target.kind == kind)
    return RunPlan(settings, person, tuple(chosen))


def _no_app() -> ConfigProblem:
    from weighbridge.sources.withings.oauth import how_to_register

    return ConfigProblem(
        "No Withings application is known.",
        remedy="Let WITHINGS_APP name the withings_app.json of the program that you used so far "
        f"(a login works only with its own), or get one:\n{how_to_register().message()}",
    )


def _app_file(home: Path, environ: Mapping[str, str], places: StateFiles) -> Path | None:
    """The original's own file, unless there is one in the home folder or another was named."""
    found = places.app_file()
    if environ.get(_APP_VARIABLE) or not (home / APP_FILE).exists():
        return found
    return None


def _translated(
    credentials: Mapping[str, TargetCredentials], environ: Mapping[str, str], app: Path | None
) -> dict[str, str]:
    translated = dict(environ)
    for kind, known in credentials.items():
        if known.username:
            translated[f"{kind.upper()}_USERNAME"] = known.username
    if app is not None:
        translated[_APP_VARIABLE] = str(app)
    return translated


def _only_person(settings: Settings) -> Person:
    person = only_person(settings.directory) or settings.directory.find(ONLY_PERSON)
    if person is not None:
        return person
    raise ConfigProblem(
        f"{settings.home / CONFIG_FILE} names several people, and withings-sync serves one.",
        remedy="Run: weighbridge sync; or choose another home folder with --config-folder.",
    )


def _refuse_unknown_targets(
    person: Person, credentials: Mapping[str, TargetCredentials], home: Path
) -> None:
    """A user name without a target in the file is a mistake, and not ignored silently."""
    for kind, known in credentials.items():
        if known.username and not any(target.kind == kind for target in person.targets):
            raise ConfigProblem(
                f"{home / CONFIG_FILE} names {person.name}, but without a target {kind}.",
                remedy=f'Add [[person.target]] with kind = "{kind}" there.',
            )


def _with_features(target: TargetSettings, options: CommandOptions) -> TargetSettings:
    """Garmin gets blood pressure only with ``--features BLOOD_PRESSURE``."""
    if target.kind != "garmin":
        return target
    changed = msgspec.structs.replace(target.options, blood_pressure=options.blood_pressure)
    return msgspec.structs.replace(target, options=changed)


# --- User names and passwords ---------------------------------------------------------------------


class TargetCredentials(msgspec.Struct, frozen=True):
    """User name and password for one target, as far as they are known."""

    username: str = ""
    password: Secret | None = None


def complete_environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, completed by a ``.env`` in this folder. Raises ConfigProblem."""
    path = folder / ENV_FILE
    try:
        if not path.is_file():
            return dict(environ)
        from dotenv import dotenv_values

        found = dotenv_values(path, encoding="utf-8-sig")
    except OSError as error:
        problem = f"The file {path} cannot be read ({error.strerror})."
        raise ConfigProblem(problem, remedy="Make it readable, or remove it.") from None
    except UnicodeDecodeError:
        # No cause is chained: it would carry the whole file.
        raise ConfigProblem(f"{path} is not UTF-8 text.", remedy="Save it as UTF-8.") from None
    return {name: value for name, value in found.items() if value is not None} | dict(environ)


def read_credentials(
    options: CommandOptions, environ: Mapping[str, str], *, secret_folder: Path = SECRET_FOLDER
) -> dict[str, TargetCredentials]:
    """Kind of target → its credentials. Raises ConfigProblem for an unreadable secret file."""
    return {kind: _credentials(kind, options, environ, secret_folder) for kind in KINDS}


def _credentials(
    kind: str, options: CommandOptions, environ: Mapping[str, str], folder: Path
) -> TargetCredentials:
    username, password = (
        _first_given(f"{kind}_{what}", options, environ, folder)
        for what in ("username", "password")
    )
    return TargetCredentials(username.reveal().strip() if username else "", password)


def _first_given(
    name: str, options: CommandOptions, environ: Mapping[str, str], folder: Path
) -> Secret | None:
    """Empty counts as absent."""
    if given := getattr(options, name):
        return Secret.of_value(given)
    if environ.get(name.upper(), "").strip():
        return Secret.of_variable(name.upper(), environ)
    file = folder / name
    try:
        return Secret.of_file(file) if file.is_file() else None
    except OSError:  # a folder that this account may not enter
        return None


# --- The days of a run ---------------------------------------------------------------------------

_LATE = 30 * 86_400
"""Seconds after its measurement in which a reading that arrives late is still found."""


class RunPeriod(msgspec.Struct, frozen=True):
    """The days of a run. ``since`` is the instant of the last run, None when days were named."""

    days: Window
    since: float | None = None

    def readings(self, archive: Archive) -> Iterator[Reading]:
        """The readings, oldest first. One that arrived late is new too."""
        start = self.days.start if self.since is None else int(self.since) - _LATE
        for reading in readings_between(archive, max(start, 0), self.days.end):
            if self.days.holds(reading) and self._is_new(reading):
                yield reading

    def _is_new(self, reading: Reading) -> bool:
        return self.since is None or max(reading.taken_at, reading.stored_at) >= int(self.since)

    def first_day(self, zone: str | None) -> datetime.date:
        """Where it begins, for the name of a file."""
        first = self.days.first if self.since is None else self.since
        return first if isinstance(first, datetime.date) else day_of(first or 0, zone)


def period_of(services: Services, plan: RunPlan, options: CommandOptions) -> RunPeriod:
    """The period of this run; ask before the run begins. A first run is about today."""
    zone = plan.person.timezone
    if options.fromdate is not None:
        return RunPeriod(Window(options.fromdate, options.todate, zone))
    since = _last_run(services, plan)
    if since is None:
        return RunPeriod(Window(services.clock(), options.todate, zone))
    return RunPeriod(Window(None, options.todate, zone), since)


def window_of(services: Services, plan: RunPlan, options: CommandOptions) -> Window | None:
    """The days to read again and to deliver; None: everything new, as usual.

    An end without a beginning begins with the last run; a day that is not over is no end.
    """
    zone = plan.person.timezone
    if options.fromdate is not None:
        return Window(options.fromdate, options.todate, zone)
    now = services.clock()
    if options.todate is None or options.todate >= day_of(now, zone):
        return None
    return Window(_last_run(services, plan) or now, options.todate, zone)


def day_of(instant: float, zone: str | None) -> datetime.date:
    """The day at an instant where the person lives; without a zone, where this computer is."""
    from zoneinfo import ZoneInfo

    place: datetime.tzinfo | None = None
    with suppress(LookupError, ValueError, OSError):
        place = ZoneInfo(zone) if zone else None
    return datetime.datetime.fromtimestamp(instant, place).date()


def _last_run(services: Services, plan: RunPlan) -> float | None:
    """The earliest of the last deliveries to each target; None before the first run."""
    rows = [route_row(services.database, plan.person.name, target.name) for target in plan.targets]
    instants = [row["succeeded_at"] or row["connected_at"] for row in rows if row]
    return min(instants, default=None)
