"""What reading a configuration gives: the settings with their origins, or all mistakes. And every
value with its origin, for printing: secrets are stars.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from weighbridge.config.field_values import fields_of, secrets_in
from weighbridge.config.models import (
    AlertSettings,
    Directory,
    FileDirectory,
    Person,
    ServerSettings,
    WithingsSettings,
)
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import STARS, Secret

_SOUNDS_SECRET = re.compile(r"password|secret|token|api_?key", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")


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


class Value(msgspec.Struct, frozen=True):
    """One line of ``weighbridge config show``."""

    key: str
    value: str | int | float | bool | None
    origin: str


def values(settings: Settings) -> Iterator[Value]:
    """All values in the order of the file."""
    for key, table in _tables(settings):
        for name, field in fields_of(type(table)).items():
            if name not in ("target", "options"):
                yield _value(f"{key}.{name}", getattr(table, field.name), settings)


def secrets(settings: Settings) -> Iterator[tuple[str, Secret]]:
    """All secrets with their dotted keys."""
    for key, table in _tables(settings):
        for name, secret in secrets_in(table):
            yield f"{key}.{name}", secret


def origin_of(key: str, secret: Secret, settings: Settings) -> str:
    """Where a secret is written, and what it refers to when it is a reference."""
    origin = settings.origin(key)
    if secret.kind == "value" or origin == secret.source:
        return origin
    return f"{origin}, {secret.source}"


def _tables(settings: Settings) -> Iterator[tuple[str, msgspec.Struct]]:
    """Each table with its dotted key; a target's own options follow its common keys."""
    for name in ("withings", "server", "alerts"):
        yield name, getattr(settings, name)
    for person in settings.people:
        yield f"person.{person.name}", person
        for target in person.targets:
            key = f"person.{person.name}.target.{target.name}"
            yield key, target
            yield key, target.options


def _value(key: str, value: Any, settings: Settings) -> Value:
    if isinstance(value, Secret):
        return Value(key, STARS, origin_of(key, value, settings))
    name = key.rpartition(".")[2]
    return Value(key, _shown(name, value), settings.origin(key))


def _shown(name: str, value: Any) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Secret) or _SOUNDS_SECRET.search(name):
        return STARS
    if isinstance(value, tuple):
        return ", ".join(str(_shown(name, one)) for one in value) or None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, int | float):
        return value
    text = value.isoformat() if isinstance(value, datetime.date) else str(value)
    return _PASSWORD_IN_URL.sub(rf"\1:{STARS}@", text)
