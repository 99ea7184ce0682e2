"""What ``withings-sync`` was told, as settings of Weighbridge: one person and the targets of a run.

User names become the environment variables that Weighbridge reads itself. A ``weighbridge.toml``
in the home folder that names a person wins: then its targets count.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from weighbridge.compat.old_places import APP_FILE, Places
from weighbridge.compat.withings_sync.old_credentials import KINDS, Login
from weighbridge.compat.withings_sync.old_options import Options
from weighbridge.config import CONFIG_FILE, Person, Settings, TargetSettings, home_folder, load
from weighbridge.config.environment import ONLY_PERSON
from weighbridge.core.errors import ConfigProblem

APP = "WITHINGS_APP"


class Plan(msgspec.Struct, frozen=True):
    """Who is served, and where."""

    settings: Settings
    person: Person
    targets: tuple[TargetSettings, ...]


def read_plan(
    options: Options, logins: Mapping[str, Login], environ: Mapping[str, str], places: Places
) -> Plan:
    """The plan of a run. Raises ConfigProblem."""
    home = home_folder(options.config_folder, environ)
    settings = load(home, _translated(logins, environ, _app_file(home, environ, places)))
    if settings.withings.client_id is None:
        raise _no_app()
    person = _only_person(settings)
    _refuse_unknown_targets(person, logins, home)
    person = msgspec.structs.replace(
        person, targets=tuple(_with_features(target, options) for target in person.targets)
    )
    chosen = (target for kind in KINDS for target in person.targets if target.kind == kind)
    return Plan(settings, person, tuple(chosen))


def _no_app() -> ConfigProblem:
    from weighbridge.sources.withings.application import how_to_register

    return ConfigProblem(
        "No Withings application is known.",
        remedy="Let WITHINGS_APP name the withings_app.json of the program that you used so far "
        f"(a login works only with its own), or get one:\n{how_to_register().message()}",
    )


def _app_file(home: Path, environ: Mapping[str, str], places: Places) -> Path | None:
    """The original's own file, unless there is one in the home folder or another was named."""
    found = places.app_file()
    if environ.get(APP) or not (home / APP_FILE).exists():
        return found
    return None


def _translated(
    logins: Mapping[str, Login], environ: Mapping[str, str], app: Path | None
) -> dict[str, str]:
    translated = dict(environ)
    for kind, login in logins.items():
        if login.username:
            translated[f"{kind.upper()}_USERNAME"] = login.username
    if app is not None:
        translated[APP] = str(app)
    return translated


def _only_person(settings: Settings) -> Person:
    if len(settings.people) == 1:
        return settings.people[0]
    for person in settings.people:
        if person.name == ONLY_PERSON:
            return person
    raise ConfigProblem(
        f"{settings.home / CONFIG_FILE} names several people, and withings-sync serves one.",
        remedy="Run: weighbridge sync; or choose another home folder with --config-folder.",
    )


def _refuse_unknown_targets(person: Person, logins: Mapping[str, Login], home: Path) -> None:
    """A user name for which the file has no target must not be passed over in silence."""
    for kind, login in logins.items():
        if login.username and not any(target.kind == kind for target in person.targets):
            raise ConfigProblem(
                f"{home / CONFIG_FILE} names {person.name}, but without a target {kind}.",
                remedy=f'Add [[person.target]] with kind = "{kind}" there.',
            )


def _with_features(target: TargetSettings, options: Options) -> TargetSettings:
    """Garmin gets blood pressure only when this command is told so."""
    if target.kind != "garmin":
        return target
    changed = msgspec.structs.replace(target.options, blood_pressure=options.blood_pressure)
    return msgspec.structs.replace(target, options=changed)
