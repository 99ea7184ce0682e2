"""A configuration that was read: its tables, and where each value comes from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from weighbridge.config.directory import Directory, FileDirectory
from weighbridge.config.models import AlertSettings, Person, ServerSettings, WithingsSettings


class Settings(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Everything that is configured."""

    home: Path
    withings: WithingsSettings
    people: tuple[Person, ...]
    server: ServerSettings = ServerSettings()
    alerts: AlertSettings = AlertSettings()
    origins: Mapping[str, str] = {}
    """Dotted key (``person.anna.timezone``) → ``weighbridge.toml:12``, ``environment NAME``,
    ``file PATH`` or ``default``."""
    warnings: tuple[str, ...] = ()
    """Sentences about what works but should be changed."""

    @cached_property
    def directory(self) -> Directory:
        """Who the people are: the place to ask for one person, or for everyone page by page."""
        return FileDirectory(self.people)

    def person(self, name: str) -> Person:
        """The person of that name. Raises ConfigProblem when there is none."""
        return self.directory.person(name)
