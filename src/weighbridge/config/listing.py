"""Every configured value with its origin, for printing: secrets are stars."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from weighbridge.config.field_values import fields_of, secrets_in
from weighbridge.config.settings import Settings
from weighbridge.core.secret import STARS, Secret

_SOUNDS_SECRET = re.compile(r"password|secret|token|api_?key", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")


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
