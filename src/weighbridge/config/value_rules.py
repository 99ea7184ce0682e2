"""What a single value of the configuration may be. Each rule takes a value as TOML or a person
gave it and returns it as it is kept, or raises ``InvalidValue`` with a sentence about it.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from weighbridge.config.models import Ambiguous

BEGINNING = datetime.date(1970, 1, 1)
"""What ``since = "all"`` means: no reading is older."""

_SMALLEST_CM, _LARGEST_CM = 50, 272  # the tallest person ever measured was 272 cm
_LONGEST_SETTLE = 3600  # seconds; ``sync`` waits for it
_LONGEST_NAME = 64
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_WORDS: tuple[tuple[Any, str], ...] = (  # bool first: it is an int for Python
    (bool, "true or false"),
    (str, "text"),
    (int | float | Decimal, "a number"),
    (datetime.date | datetime.time, "a date or time"),
    (dict, "a table"),
    (list, "a list"),
)


class InvalidValue(ValueError):
    """A value that cannot be used. ``message`` continues the name of the key."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".rstrip())
        self.message = message
        self.remedy = remedy


def describe(value: object) -> str:
    """What kind of TOML value this is, for messages; never the value itself."""
    words = (word for types, word in _WORDS if isinstance(value, types))
    return next(words, "something else")


def suggest(word: str, known: Iterable[str]) -> str:
    """``Did you mean "x"?`` for the nearest known word, or all that are known."""
    import difflib

    known = sorted(known)
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{near[0]}"?'
    return f"Known are: {', '.join(known)}." if known else "Remove it."


def read_text(value: object) -> str:
    """Text that is not empty."""
    if not isinstance(value, str):
        raise InvalidValue(f"must be text, not {describe(value)}.", "Put it in quotation marks.")
    if not value.strip():
        raise InvalidValue("is empty.", "Fill it in or remove the line.")
    return value


def read_name(value: object) -> str:
    """The name of a person or target, as it is used on the command line and in file names."""
    name = read_text(value)
    if name != name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise InvalidValue(
            f"is no usable name ({name[:20]!a}).",
            f"Use up to {_LONGEST_NAME} visible characters without spaces around them.",
        )
    return name


def read_height(value: object) -> Decimal:
    """A height in centimetres, exact."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise InvalidValue(f"must be a number, not {describe(value)}.", "Write it without quotes.")
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


def read_timezone(value: object) -> str:
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


def read_settle(value: object) -> float:
    """Seconds that a reading must rest."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue(
            f"must be a number of seconds, not {describe(value)}.", "The usual is 10."
        )
    if not (math.isfinite(value) and 0 <= value <= _LONGEST_SETTLE):
        raise InvalidValue(
            f"must be 0 to {_LONGEST_SETTLE} seconds, but is {value}.",
            "The usual is 10; 0 delivers at once and again when the reading grows.",
        )
    return float(value)


def read_ambiguous(value: object) -> Ambiguous:
    """What to do with a reading of doubtful owner."""
    for known in get_args(Ambiguous):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise InvalidValue("is not one of its values.", 'Write "hold", "deliver" or "skip".')


def read_callback_url(value: object) -> str:
    """The redirect address as it is registered at Withings."""
    url = read_text(value)
    if _host_of(url) is None:
        raise InvalidValue("is no web address.", 'Write one like "http://localhost:9473/callback".')
    return url


def read_cloud_url(value: object) -> str:
    """The address of a cloud or its stand-in. Tokens travel there, so ``http:`` must stay here."""
    url = read_text(value)
    host = _host_of(url)
    if host is None:
        raise InvalidValue("is no web address.", 'Write one like "http://127.0.0.1:8080".')
    if url.lower().startswith("http:") and not _is_loopback(host):
        raise InvalidValue(
            "would send secrets over the network without encryption.",
            "Use https:, or http: with 127.0.0.1 or localhost.",
        )
    return url


def _host_of(url: str) -> str | None:
    """The host of an absolute http or https address, or None."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not url.isprintable() or " " in url:
        return None
    return parts.hostname


def _is_loopback(host: str) -> bool:
    if host in _LOOPBACK:
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.endswith(".localhost")
