"""Every configured value with its origin, fit to be printed: secrets are stars."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

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
    for key in ("withings", "server", "alerts"):
        yield from _values(key, getattr(settings, key), settings)
    for person in settings.people:
        key = f"person.{person.name}"
        yield from _values(key, person, settings, without=("targets",))
        for target in person.targets:
            inner = f"{key}.target.{target.name}"
            yield from _values(inner, target, settings, without=("options",))
            yield from _values(inner, target.options, settings)


def secrets(settings: Settings) -> Iterator[tuple[str, Secret]]:
    """All secrets with their dotted keys."""
    if settings.withings.client_secret is not None:
        yield "withings.client_secret", settings.withings.client_secret
    for number, secret in enumerate(settings.alerts.urls, start=1):
        yield f"alerts.urls.{number}", secret
    if settings.alerts.ping is not None:
        yield "alerts.ping", settings.alerts.ping
    for person in settings.people:
        for target in person.targets:
            for name in getattr(target.options, "__struct_fields__", ()):
                value = getattr(target.options, name)
                if isinstance(value, Secret):
                    yield f"person.{person.name}.target.{target.name}.{name}", value


def origin_of(key: str, secret: Secret, settings: Settings) -> str:
    """Where a secret stands, and where it leads when it is a reference."""
    origin = settings.origins.get(key, "default")
    if secret.kind == "value" or origin == secret.source:
        return origin
    return f"{origin}, {secret.source}"


def _values(
    key: str, struct: Any, settings: Settings, *, without: tuple[str, ...] = ()
) -> Iterator[Value]:
    for name in getattr(struct, "__struct_fields__", ()):
        if name not in without:
            value = getattr(struct, name)
            origin = settings.origins.get(f"{key}.{name}", "default")
            if isinstance(value, Secret):
                origin = origin_of(f"{key}.{name}", value, settings)
            yield Value(f"{key}.{name}", _shown(name, value), origin)


def _shown(name: str, value: Any) -> str | int | float | bool | None:
    if isinstance(value, Secret) or (value is not None and _SOUNDS_SECRET.search(name)):
        return value if isinstance(value, bool) else STARS
    if isinstance(value, tuple):
        return ", ".join(str(_shown(name, one)) for one in value) or None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value.isoformat() if isinstance(value, datetime.date) else str(value)
    return _PASSWORD_IN_URL.sub(rf"\1:{STARS}@", text)
