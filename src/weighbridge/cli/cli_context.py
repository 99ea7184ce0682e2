"""What every command is given: the home folder, the environment, how much to say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from weighbridge.config import CONFIG_FILE, Person, Settings, load
from weighbridge.core.errors import ConfigProblem, LoginNeeded

if TYPE_CHECKING:
    from weighbridge.storage.database import Database


class CliContext(msgspec.Struct, frozen=True):
    """One call of the command line."""

    home: Path
    environ: Mapping[str, str]
    verbose: int = 0
    json_logs: bool = False

    def settings(self) -> Settings:
        """The configuration. Raises ConfigProblems with everything that is wrong."""
        return load(self.home, self.environ)


def open_database(settings: Settings) -> Database:
    """The database of the home folder, for commands that only look: none is made here.

    Raises LoginNeeded before the first login, ConfigProblem when nothing is configured either.
    """
    from weighbridge.storage.database import FILE_NAME, Database

    if not (settings.home / FILE_NAME).exists():
        refuse_unconfigured(settings)
        raise LoginNeeded("Nothing was connected yet.", remedy=f"Run: {first_login(settings)}")
    return Database(settings.home)


def is_configured(settings: Settings) -> bool:
    """False for a beginner: there is no file, and the environment names no application."""
    return settings.withings.client_id is not None or (settings.home / CONFIG_FILE).exists()


def refuse_unconfigured(settings: Settings) -> None:
    """Lead a beginner to the beginning. Raises ConfigProblem."""
    if not is_configured(settings):
        raise ConfigProblem(
            f"There is no configuration yet: {settings.home / CONFIG_FILE} does not exist.",
            remedy="Begin with: weighbridge init",
        )


def first_login(settings: Settings) -> str:
    """The command that connects the first person."""
    several = len(settings.people) > 1
    return "weighbridge login withings" + (
        f" --person {in_shell(settings.people[0].name)}" if several else ""
    )


def in_shell(word: str) -> str:
    """A word as it must be typed in a command."""
    import shlex

    return shlex.quote(word)


def chosen_person(settings: Settings, name: str | None) -> Person:
    """The person a command is about; the only one when no name was given."""
    if name is not None:
        return settings.person(name)
    if len(settings.people) == 1:
        return settings.people[0]
    names = ", ".join(person.name for person in settings.people)
    raise ConfigProblem(
        "The configuration has several people.", remedy=f"Add --person with one of these: {names}."
    )


def chosen_people(settings: Settings, names: tuple[str, ...]) -> list[Person]:
    """Everybody, or those that were named."""
    return [settings.person(name) for name in names] if names else list(settings.people)


def check_targets(people: list[Person], targets: tuple[str, ...]) -> None:
    """Raise ConfigProblem for a target that nobody of these people has."""
    known = {target.name for person in people for target in person.targets}
    for name in targets:
        if name not in known:
            listed = ", ".join(sorted(known))
            remedy = f"Choose one of these: {listed}." if listed else "Add one to weighbridge.toml."
            raise ConfigProblem(f'There is no target called "{name}".', remedy=remedy)
