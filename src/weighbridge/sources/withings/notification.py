"""Notifications of Withings: the address that is notified, and what the body says. Pure.

A caller that knows the address may notify us, so it is shown shortened. A body is a hint, never
data: Withings signs nothing, so it only says where to look. What would steer us is read strictly:
who, what about, and for which time. Everything else may come and go.
Sources: docs/reference/withings-api.md#callbacks and #delivery.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import msgspec

CALLBACK_PATH = "/withings/notify/"
"""What follows in an address of ours is the secret."""
LONGEST_URL = 255
USUAL_PORTS = frozenset({80, 443})
LONG_WORD = 16
"""Characters. A part of a path that is as long as that may be a secret."""


def callback_at(public: str, secret: str) -> str:
    """The callback under a public address, for instance ``https://scale.example.org``."""
    return public.rstrip("/") + CALLBACK_PATH + secret


def shortened(url: str) -> str:
    """An address without what could be a secret in it: no user, no query, long words cut."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an address that cannot be read"
    place = f"[{host}]" if ":" in host else host
    words = [word if len(word) < LONG_WORD else f"{word[:4]}…" for word in parts.path.split("/")]
    shown = f"{parts.scheme}://{place}{f':{port}' if port else ''}{'/'.join(words)}"
    return "".join(char for char in shown if char.isprintable())


def rules_broken(url: str) -> list[str]:
    """Sentences about the rules that a callback breaks (docs/reference/withings-api.md#callbacks).

    They are warnings: the service alone decides, and it may be another one, as in a test.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ["It is no web address."]
    found = []
    if parts.scheme != "https":
        found.append("It does not begin with https.")
    if trouble := _trouble_with_host(host):
        found.append(trouble)
    if port is not None and port not in USUAL_PORTS:
        found.append(f"It names the port {port}; Withings wants 443.")
    if len(url) > LONGEST_URL:
        found.append(f"With its secret it has {len(url)} characters; {LONGEST_URL} are allowed.")
    return found


_AT_HOME = ("local", "lan", "home", "internal", "localdomain", "home.arpa")
"""Endings of names that are known at home only."""


def _trouble_with_host(host: str) -> str:
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "localhost is this machine, whoever says it."
    try:
        ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        return f"{name} is a bare address; Withings wants the name of a domain."
    if "." not in name or name.endswith(tuple(f".{ending}" for ending in _AT_HOME)):
        return f"{name or 'The host'} is not a name that the whole internet knows."
    return ""


DAY = 86_400
EARLIEST = 1_230_768_000
"""2009-01-01: the first scale of Withings came later that year."""
LONGEST_WINDOW = 400 * DAY
MOST_FIELDS = 32

PROFILE = 46
_GONE = frozenset({"unlink", "delete"})
_NOTHING_TO_FETCH = frozenset({PROFILE, 50, 51, 52, 98, 99, 100})
"""Profile and bed: Withings names no call for them (docs/reference/withings-api.md#subjects)."""
NOT_OF_MEASURES = _NOTHING_TO_FETCH | {16, 44}
"""They announce no measurement: steps, sleep, bed and profile."""

_RAW = re.compile(rb"[!-~]*")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_KNOWN = {
    "userid": re.compile(r"[0-9]{1,20}"),
    "appli": re.compile(r"[1-9][0-9]{0,3}"),
    "startdate": re.compile(r"[0-9]{1,11}"),
    "enddate": re.compile(r"[0-9]{1,11}"),
    "date": re.compile(r"[0-9]{1,11}|[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "action": re.compile(r"[a-z_]{1,32}"),
}


class InvalidNotification(ValueError):
    """The body is not a notification of Withings. The text never repeats the body."""


class Notification(msgspec.Struct, frozen=True):
    """Something happened at an account. The window is in seconds since 1970, both ends in it."""

    userid: str
    appli: int
    first_at: int | None = None
    last_at: int | None = None
    action: str | None = None

    @property
    def account_gone(self) -> bool:
        """The person took the application's access away, or deleted the account."""
        return self.appli == PROFILE and self.action in _GONE

    @property
    def asks_to_fetch(self) -> bool:
        """Whether there may be something new to read. Unknown kinds are looked after as well."""
        return self.appli not in _NOTHING_TO_FETCH


def read_notification(body: bytes, now: float) -> Notification:
    """Read a form body. Raises InvalidNotification. ``now``: seconds since 1970.

    A window must be plausible; a notification without one is good as well (appli 46 has none).
    """
    fields = _fields(body)
    try:
        userid, appli = fields["userid"], int(fields["appli"])
    except KeyError as missing:
        raise InvalidNotification(f"The field {missing} is missing.") from None
    first_at, last_at = _window(fields, now)
    return Notification(userid, appli, first_at, last_at, fields.get("action"))


def _fields(body: bytes) -> dict[str, str]:
    """The fields that we know, each at most once and well formed."""
    if not _RAW.fullmatch(body) or _BROKEN_ESCAPE.search(text := body.decode("ascii")):
        raise InvalidNotification("The body is not a form.")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InvalidNotification("The body is not a form.") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise InvalidNotification("The body is not a form.")
        if name in _KNOWN:
            _add(fields, name, value)
    return fields


def _add(fields: dict[str, str], name: str, value: str) -> None:
    if name in fields:
        raise InvalidNotification(f"The field {name!r} stands there twice.")
    if not _KNOWN[name].fullmatch(value):
        raise InvalidNotification(f"The field {name!r} is malformed.")
    fields[name] = value


def _window(fields: Mapping[str, str], now: float) -> tuple[int | None, int | None]:
    start, end, date = fields.get("startdate"), fields.get("enddate"), fields.get("date")
    if (start is None) != (end is None):
        raise InvalidNotification("The window has only one end.")
    if start is not None and end is not None:
        return _plausible(int(start), int(end), now + DAY)
    if date is None:
        return None, None
    if "-" not in date:
        return _plausible(int(date), int(date), now + DAY)
    midnight = _midnight(date)  # in which zone is not documented, so in UTC
    return _plausible(midnight, midnight + DAY - 1, now + 2 * DAY)


def _midnight(day: str) -> int:
    try:
        return (datetime.date.fromisoformat(day) - datetime.date(1970, 1, 1)).days * DAY
    except ValueError:
        raise InvalidNotification("There is no such day.") from None


def _plausible(first_at: int, last_at: int, latest: float) -> tuple[int, int]:
    """A window in which a measurement is plausible: no notification makes us fetch decades."""
    if last_at < first_at:
        raise InvalidNotification("The window ends before it begins.")
    if first_at < EARLIEST or last_at - first_at > LONGEST_WINDOW:
        raise InvalidNotification("The window is absurdly long, or long ago.")
    if last_at > latest:
        raise InvalidNotification("The window lies in the future.")
    return first_at, last_at
