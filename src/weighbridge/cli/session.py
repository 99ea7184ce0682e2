"""What every command is given: the home folder, the environment, how much to say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from weighbridge.config import Person, Settings, load
from weighbridge.errors import ConfigProblem


class Session(msgspec.Struct, frozen=True):
    """One call of the command line."""

    home: Path
    environ: Mapping[str, str]
    verbose: int = 0
    json_logs: bool = False

    def settings(self) -> Settings:
        """The configuration. Raises ConfigProblems with everything that is wrong."""
        return load(self.home, self.environ)


def say(text: str = "") -> None:
    """Talk goes to standard error, so that results can be piped."""
    click.echo(text, err=True)


def print_json(content: object) -> None:
    """One JSON document on standard output."""
    import msgspec.json

    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())


def chosen_person(settings: Settings, name: str | None) -> Person:
    """The person a command is about; the only one when no name was given."""
    if name is not None:
        return settings.person(name)
    if len(settings.people) == 1:
        return settings.people[0]
    names = ", ".join(person.name for person in settings.people)
    raise ConfigProblem(
        "The configuration has several people.", remedy=f"Add --person with one of: {names}."
    )


def chosen_people(settings: Settings, names: tuple[str, ...]) -> list[Person]:
    """Everybody, or those that were named."""
    return [settings.person(name) for name in names] if names else list(settings.people)
