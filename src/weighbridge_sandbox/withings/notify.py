"""Subscriptions to notifications: subscribe, list, get, update, revoke.

Source: docs/reference/withings-api.md#subscriptions.
"""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import msgspec

from weighbridge_sandbox.withings.answers import Failure, integer, invalid, unknown_action
from weighbridge_sandbox.withings.household import StoredGroup, measure_types

NEVER = 2147483647
"""``expires`` in every recording."""
CALLBACK_SECONDS = 2.0
"""A callback must answer within this time: the older of two figures
(docs/reference/withings-api.md#delivery)."""
LONGEST_URL = 255
TYPES_OF_APPLI = {
    1: frozenset({1, 5, 6, 8, 71, 73, 76, 77, 88, 91}),
    2: frozenset({12, 71, 73}),
    4: frozenset({9, 10, 11, 54}),
}
"""Which measure types are told of under which appli (docs/reference/withings-api.md#subjects)."""
APPLIS = frozenset({1, 2, 4, 16, 44, 46, 50, 51, 52, 54, 55, 58, 61, 62, 63})


class Subscription(msgspec.Struct):
    """One callback of one user for one appli."""

    userid: int
    appli: int
    callbackurl: str
    comment: str | None = None

    def shown(self) -> dict[str, Any]:
        """As ``list`` and ``get`` answer it, with the keys of the recordings."""
        return {
            "appli": self.appli,
            "callbackurl": self.callbackurl,
            "expires": NEVER,
            "comment": self.comment,
        }


class Subscriptions:
    """Who wants to be told what."""

    def __init__(self) -> None:
        self._all: list[Subscription] = []

    def answer(self, action: str, userid: int, params: dict[str, str]) -> dict[str, Any]:
        """The body of the answer to one notify call. Raises Failure."""
        actions = {
            "subscribe": self.subscribe,
            "list": self.show_all,
            "get": self.show,
            "update": self.update,
            "revoke": self.revoke,
        }
        if action not in actions:
            raise unknown_action()
        return actions[action](userid, params)

    def subscribe(self, userid: int, params: dict[str, str]) -> dict[str, Any]:
        """Remember a callback that answers HEAD with 200. The same pair again changes nothing."""
        url = params.get("callbackurl", "")
        appli = read_appli(params)
        probe(url)
        if self._find(userid, appli, url) is None:
            self._all.append(Subscription(userid, appli, url, params.get("comment")))
        return {}

    def show_all(self, userid: int, params: dict[str, str]) -> dict[str, Any]:
        appli = integer(params, "appli")
        mine = [s for s in self.of(userid) if appli in {None, s.appli}]
        return {"profiles": [subscription.shown() for subscription in mine]}

    def show(self, userid: int, params: dict[str, str]) -> dict[str, Any]:
        return self._named(userid, params, missing=343).shown()

    def update(self, userid: int, params: dict[str, str]) -> dict[str, Any]:
        """Change exactly one of callback, appli and comment."""
        subscription = self._named(userid, params, missing=343)
        news = [key for key in ("new_callbackurl", "new_appli", "comment") if params.get(key)]
        match news:
            case ["new_callbackurl"]:
                probe(params["new_callbackurl"])
                subscription.callbackurl = params["new_callbackurl"]
            case ["new_appli"]:
                subscription.appli = read_appli({"appli": params["new_appli"]})
            case ["comment"]:
                subscription.comment = params["comment"]
            case _:
                raise invalid("params: give one of new_callbackurl, new_appli, comment")
        return {}

    def revoke(self, userid: int, params: dict[str, str]) -> dict[str, Any]:
        self._all.remove(self._named(userid, params, missing=286))
        return {}

    def of(self, userid: int) -> list[Subscription]:
        return [subscription for subscription in self._all if subscription.userid == userid]

    def forget(self, userid: int) -> None:
        """Drop all subscriptions of one user: the application was removed."""
        self._all = [s for s in self._all if s.userid != userid]

    def _named(self, userid: int, params: dict[str, str], *, missing: int) -> Subscription:
        found = self._find(userid, read_appli(params), params.get("callbackurl", ""))
        if found is None:
            raise Failure(missing, "No such subscription was found")
        return found

    def _find(self, userid: int, appli: int, url: str) -> Subscription | None:
        same = (s for s in self.of(userid) if (s.appli, s.callbackurl) == (appli, url))
        return next(same, None)


def read_appli(params: dict[str, str]) -> int:
    """The appli of a request, 1 when it is not named. Raises Failure for an unknown one."""
    appli = integer(params, "appli", 1)
    if appli not in APPLIS:
        raise invalid("appli")
    return int(appli or 1)


def probe(url: str) -> None:
    """Ask the callback with HEAD. Raises Failure 293 unless it answers exactly 200.

    The real cloud wants https and a public name. The sandbox takes loopback addresses as well,
    with http, and refuses plain http to anybody else.
    """
    try:
        status = call(url, "HEAD") if is_allowed(url) and len(url) <= LONGEST_URL else 0
    except (OSError, HTTPException, ValueError):
        status = 0
    if status != 200:
        raise Failure(293, "Callback URL is either absent or incorrect")


def is_allowed(url: str) -> bool:
    """Whether somebody may be sent to this URL: https, or http that stays on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        local = host == "localhost" or (parts.scheme == "http" and ip_address(host).is_loopback)
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def call(url: str, method: str, body: bytes = b"") -> int:
    """One request to a callback, without redirects or proxies: its HTTP status.

    Raises OSError, HTTPException or ValueError when there is none.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=CALLBACK_SECONDS)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body or None, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def news_of(userid: int, groups: list[StoredGroup]) -> list[tuple[int, str]]:
    """What is told about groups: appli and form body, one for each appli and ``date``.

    ``startdate`` is a second before ``enddate``, as in the recordings.
    """
    told: dict[tuple[int, int], None] = {}
    for group in groups:
        types = measure_types(group)
        for appli, wanted in TYPES_OF_APPLI.items():
            if types & wanted:
                told[appli, group.taken_at] = None
    return [
        (appli, f"userid={userid}&startdate={date - 1}&enddate={date}&appli={appli}")
        for appli, date in told
    ]
