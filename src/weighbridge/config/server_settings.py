"""The tables ``[server]`` and ``[alerts]``: how the server is reached, and who hears of trouble."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlsplit

from weighbridge.config.environment import LoadContext
from weighbridge.config.models import AlertSettings, ServerSettings
from weighbridge.config.sheet import TableReader
from weighbridge.config.value_rules import InvalidValue, describe, read_text
from weighbridge.core.secret import Secret, read_secret

_SERVER_KEYS = ("host", "port", "url", "poll_minutes", "proxies", "notify_from", "hosts")
_ALERT_KEYS = ("urls", "ping", "silent_days")
_SHORTEST_POLL, _LONGEST_POLL = 5, 1440  # minutes
_LARGEST_PORT = 65_535


def read_server(sheet: TableReader) -> ServerSettings:
    """The table ``[server]``; mistakes are noted."""
    sheet.refuse_unknown(_SERVER_KEYS)
    minutes = sheet.take("poll_minutes", _read_poll)
    found: dict[str, Any] = {
        "host": sheet.take("host", read_host),
        "port": sheet.take("port", read_port),
        "url": sheet.take("url", read_public_url),
        "poll": None if minutes is None else minutes * 60,
        "proxies": sheet.take("proxies", _read_networks),
        "notify_from": sheet.take("notify_from", _read_networks),
        "hosts": sheet.take("hosts", _read_hosts),
    }
    settings = ServerSettings(**{name: value for name, value in found.items() if value is not None})
    sheet.note_origins(settings, without=("poll",))
    _note_poll(sheet)
    return settings


def read_alerts(sheet: TableReader, around: LoadContext) -> AlertSettings:
    """The table ``[alerts]``; mistakes are noted."""
    sheet.refuse_unknown(_ALERT_KEYS)

    def read(written: object) -> Secret:
        return read_secret(written, home=around.home, environ=around.environ)

    found: dict[str, Any] = {
        "urls": sheet.take("urls", lambda written: tuple(read(one) for one in _as_list(written))),
        "ping": sheet.take("ping", read),
        "silent_days": sheet.take("silent_days", _read_days),
    }
    settings = AlertSettings(**{name: value for name, value in found.items() if value is not None})
    for secret in (*settings.urls, *([settings.ping] if settings.ping else [])):
        sheet.page.note_secret(secret)
    sheet.note_origins(settings)
    return settings


def _note_poll(sheet: TableReader) -> None:
    """The setting is in seconds, what a person writes is in minutes."""
    path = (*sheet.path, "poll_minutes")
    origin = sheet.page.origin(path) if "poll_minutes" in sheet.content else "default"
    sheet.page.origins[f"{sheet.key}.poll"] = origin


def read_host(value: object) -> str:
    """An address or a name of this machine."""
    host = read_text(value)
    if not host.isprintable() or any(sign in host for sign in " /[]"):
        raise InvalidValue(
            "is no address of this machine.", 'Write "127.0.0.1", or "0.0.0.0" for all.'
        )
    return host


def read_port(value: object) -> int:
    """A TCP port; 0 takes a free one."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(f"must be a whole number, not {describe(value)}.", "The usual is 9474.")
    if not 0 <= value <= _LARGEST_PORT:
        raise InvalidValue(f"must be between 0 and {_LARGEST_PORT}.", "The usual is 9474.")
    return value


def read_public_url(value: object) -> str:
    """The address under which the world reaches the server, without a slash at its end.

    What Withings would not like is no mistake here: it is warned about and tried all the same.
    """
    url = read_text(value).rstrip("/")
    remedy = 'Write it like "https://scale.example.org".'
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise InvalidValue("is no web address.", remedy) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable():
        raise InvalidValue("is no web address.", remedy)
    if parts.username or parts.password or parts.query or parts.fragment or " " in url:
        raise InvalidValue("may have a host, a port and a path, and nothing else.", remedy)
    return url


def _read_poll(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidValue(
            f"must be a number of minutes, not {describe(value)}.", "The usual is 180."
        )
    if not _SHORTEST_POLL <= value <= _LONGEST_POLL:
        raise InvalidValue(
            f"must be {_SHORTEST_POLL} to {_LONGEST_POLL} minutes.", "The usual is 180."
        )
    return float(value)


def _read_days(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidValue(f"must be a number of days, not {describe(value)}.", "The usual is 3.")
    if not 0 < value <= 366:
        raise InvalidValue("must be more than 0 and at most 366 days.", "The usual is 3.")
    return float(value)


def _read_networks(value: object) -> tuple[str, ...]:
    import ipaddress

    networks = tuple(read_text(one) for one in _as_list(value))
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            remedy = 'Write addresses or networks like "10.0.0.0/8".'
            raise InvalidValue(f"holds {network[:40]!a}, which is no network.", remedy) from None
    return networks


def _read_hosts(value: object) -> tuple[str, ...]:
    return tuple(read_host(one).lower() for one in _as_list(value))


def _as_list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise InvalidValue(f"must be a list, not {describe(value)}.", 'Write ["...", "..."].')
    return value
