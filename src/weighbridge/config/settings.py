"""What reading a configuration gives: the settings with their origins, or all mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from weighbridge.config.directory import Directory, FileDirectory
from weighbridge.config.models import AlertSettings, Person, ServerSettings, WithingsSettings
from weighbridge.core.errors import ConfigProblem


class Settings(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything that is configured."""

    home: Path
    withings: WithingsSettings
    people: tuple[Person, ...]
    server: ServerSettings = ServerSettings()
    alerts: AlertSettings = AlertSettings()
    origins: Mapping[str, str] = {}
    """Dotted key (``person.anna.timezone``) → ``weighbridge.toml:12``, ``environment NAME`` or
    ``file PATH``. A key without an origin has its default."""
    warnings: tuple[str, ...] = ()
    """Sentences about what works but should be changed."""

    @cached_property
    def directory(self) -> Directory:
        """Who the people are: the place to ask for one person, or for everyone page by page."""
        return FileDirectory(self.people)

    def origin(self, key: str) -> str:
        """Where the value of a dotted key comes from, or ``default``.

        Members of a list are numbered, ``alerts.urls.1``, and come from where the list does.
        """
        table, _, last = key.rpartition(".")
        return self.origins.get(table if last.isdecimal() else key, "default")


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is wrong in the configuration."""

    where: str
    """The file or the environment variable."""
    line: int | None
    key: str
    """The dotted key, as far as it is known."""
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}:{self.line}"
        return f"{place}: {self.message} {self.remedy}".rstrip()


class ConfigProblems(ConfigProblem):
    """Everything that is wrong in the configuration, at once."""

    def __init__(self, mistakes: Iterable[Mistake], *, path: Path) -> None:
        self.mistakes = tuple(mistakes)
        count = "a mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        lines = "".join(f"\n  {mistake}" for mistake in self.mistakes)
        super().__init__(
            f"The configuration has {count}:{lines}",
            remedy=f"Correct {path} or the environment, then run: weighbridge config check",
        )

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}"
