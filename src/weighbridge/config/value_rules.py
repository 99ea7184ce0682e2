"""What a single value of the configuration may be, where its type alone does not say it.

Each rule takes a value of the right type and returns it as it is kept, or raises ``InvalidValue``.
The tables in ``models`` name the rule of a field: ``Annotated[str, FieldRule(read_name)]``.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple

from weighbridge.core.network import is_loopback
from weighbridge.sources.withings import CALLBACK_URL

if TYPE_CHECKING:
    from urllib.parse import SplitResult

BEGINNING = datetime.date(1970, 1, 1)
"""What ``since = "all"`` means: no reading is older."""

_SMALLEST_CM, _LARGEST_CM = 50, 272  # the tallest person ever measured was 272 cm
_LONGEST_NAME = 64


class FieldRule(NamedTuple):
    """The rule of a field, in the ``Annotated`` type of a table."""

    read: Callable[[Any], Any]
    takes: Any = None
    """The type of the value in the file, where it is not the type of the field."""


class InvalidValue(ValueError):
    """A value that cannot be used. ``message`` continues the name of the key."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".rstrip())
        self.message = message
        self.remedy = remedy


def suggest(word: str, known: Iterable[str]) -> str:
    """``Did you mean "x"?`` for the nearest known word, or all that are known."""
    import difflib

    known = sorted(known)
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{near[0]}"?'
    return f"Known are: {', '.join(known)}." if known else "Remove it."


def read_text(value: str) -> str:
    """Text that is not empty."""
    if not value.strip():
        raise InvalidValue("is empty.", "Fill it in or remove the line.")
    return value


def read_name(value: str) -> str:
    """The name of a person or target, as it is used on the command line and in file names."""
    name = read_text(value)
    if name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise InvalidValue(
            f"is no usable name ({name[:20]!a}).",
            f"Use up to {_LONGEST_NAME} visible characters without spaces around them.",
        )
    return name


def read_height(value: float | Decimal) -> Decimal:
    """A height in centimetres, exact."""
    height = Decimal(str(value))
    if not (height.is_finite() and _SMALLEST_CM <= height <= _LARGEST_CM):
        raise InvalidValue(
            f"must be between {_SMALLEST_CM} and {_LARGEST_CM}, but is {value}.",
            "Write the height in centimetres.",
        )
    return height


def parse_height(text: str) -> Decimal:
    """A height as a person types it: ``172`` or ``172.5`` or ``172,5``."""
    try:
        return read_height(Decimal(text.strip().replace(",", ".")))
    except InvalidOperation:
        raise InvalidValue(f'"{text}" is no number.', "Write the height in centimetres.") from None


def read_timezone(value: str) -> str:
    """An IANA time zone that this computer knows."""
    import zoneinfo

    name = read_text(value)
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = suggest(name, zoneinfo.available_timezones())
        remedy = near if near.startswith("Did") else 'Write one like "Europe/Paris".'
        raise InvalidValue(f"{name[:40]!a} is no known time zone.", remedy) from None
    return name


def read_since(value: object) -> datetime.date:
    """The first day that is owed: a TOML date, the same as text, or ``"all"``."""
    if value == "all":
        return BEGINNING
    if isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            pass
    elif isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    raise InvalidValue("must be a day.", 'Write it like 2024-01-01, or "all".')


# --- Addresses ------------------------------------------------------------------------------------


def read_callback_url(value: str) -> str:
    """The redirect address as it is registered at Withings."""
    url = read_text(value)
    _split(url, remedy=f'Write one like "{CALLBACK_URL}".')
    return url


def read_cloud_url(value: str) -> str:
    """The address of a cloud or its stand-in. Tokens go there: ``http:`` is for loopback only."""
    url = read_text(value)
    parts = _split(url, remedy='Write one like "http://127.0.0.1:8080".')
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise InvalidValue(
            "would send secrets over the network without encryption.",
            "Use https:, or http: with 127.0.0.1 or localhost.",
        )
    return url


def read_public_url(value: str) -> str:
    """The address under which the world reaches the server, without a slash at its end.

    What Withings would not accept is no mistake here: the server warns about it and tries it.
    """
    url = read_text(value).rstrip("/")
    remedy = 'Write it like "https://scale.example.org".'
    parts = _split(url, remedy=remedy)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidValue("may have a host, a port and a path, and nothing else.", remedy)
    return url


def read_host(value: str) -> str:
    """An address or a name of this machine."""
    host = read_text(value)
    if not host.isprintable() or any(sign in host for sign in " /[]"):
        raise InvalidValue(
            "is no address of this machine.", 'Write "127.0.0.1", or "0.0.0.0" for all.'
        )
    return host


def read_hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    """Host names, in lower case."""
    return tuple(read_host(host).lower() for host in value)


def read_networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """IP addresses or networks."""
    import ipaddress

    for network in value:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            remedy = 'Write addresses or networks like "10.0.0.0/8".'
            raise InvalidValue(f"holds {network[:40]!a}, which is no network.", remedy) from None
    return value


def _split(url: str, *, remedy: str) -> SplitResult:
    """The parts of an absolute http or https address."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        raise InvalidValue("is no web address.", remedy) from None
    is_web = parts.scheme in ("http", "https") and parts.hostname
    if not is_web or not url.isprintable() or " " in url:
        raise InvalidValue("is no web address.", remedy)
    return parts
