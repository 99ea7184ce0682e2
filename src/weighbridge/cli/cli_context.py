"""What every command receives: the home folder, the environment and the verbosity."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from weighbridge.config import CONFIG_FILE, Person, Settings, everyone, load, only_person
from weighbridge.core.commands import command_line, login_command
from weighbridge.core.errors import ConfigProblem, LoginNeeded

if TYPE_CHECKING:
    from weighbridge.storage.database import Database


people_option = click.option(
    "--person", "people", multiple=True, metavar="NAME", help="Only this person."
)
targets_option = click.option(
    "--target", "targets", multiple=True, metavar="NAME", help="Only this target."
)


class CliContext(msgspec.Struct, frozen=True):
    """One call of the command line."""

    home: Path
    environ: Mapping[str, str]
    verbose: int = 0
    json_logs: bool = False

    def settings(self) -> Settings:
        """The configuration. Raises ConfigProblems with all mistakes at once."""
        return load(self.home, self.environ)


def open_database(settings: Settings) -> Database:
    """The database of the home folder, for commands that only read. It is not created here.

    Raises LoginNeeded before the first login, ConfigProblem without a configuration.
    """
    from weighbridge.storage.database import connect, has_database

    if not has_database(settings.home):
        refuse_unconfigured(settings)
        raise LoginNeeded("No account is connected yet.", remedy=f"Run: {first_login(settings)}")
    return connect(settings.home)


def is_configured(settings: Settings) -> bool:
    """False before the first set-up: no configuration file, no application in the environment."""
    return settings.withings.client_id is not None or (settings.home / CONFIG_FILE).exists()


def refuse_unconfigured(settings: Settings) -> None:
    """Raise ConfigProblem when nothing is configured yet."""
    if not is_configured(settings):
        raise ConfigProblem(
            f"There is no configuration yet: {settings.home / CONFIG_FILE} does not exist.",
            remedy=f"Run: {command_line('init')}",
        )


def first_login(settings: Settings) -> str:
    """The command that connects the first person."""
    people = settings.directory.page(limit=2)
    return login_command("withings", people[0].name if len(people) > 1 else None)


def chosen_person(settings: Settings, name: str | None) -> Person:
    """The named person; without a name, the only one. Raises ConfigProblem."""
    if name is not None:
        return settings.directory.person(name)
    if person := only_person(settings.directory):
        return person
    names = ", ".join(person.name for person in everyone(settings.directory))
    raise ConfigProblem(
        "The configuration has several people.", remedy=f"Add --person NAME: one of {names}."
    )


def chosen_people(settings: Settings, names: tuple[str, ...]) -> list[Person]:
    """The named people; without names, all people."""
    directory = settings.directory
    return [directory.person(name) for name in names] if names else list(everyone(directory))


def check_targets(people: list[Person], targets: tuple[str, ...]) -> None:
    """Raise ConfigProblem for a target that none of these people has."""
    known = {target.name for person in people for target in person.targets}
    for name in targets:
        if name not in known:
            listed = ", ".join(sorted(known))
            remedy = f"Choose one of these: {listed}." if listed else "Add one to weighbridge.toml."
            raise ConfigProblem(f'There is no target called "{name}".', remedy=remedy)
