"""One HTTP request to TrainerRoad's web application, and what a broken connection means.

Headers as the web application sends them (docs/reference/trainerroad.md#signing-in). The session is
one cookie. It is set by hand, because the client keeps no cookies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from weighbridge.targets.http import HttpCalls, http_calls

HOME = "https://www.trainerroad.com"
COOKIE = "SharedTrainerRoadAuth"

_COOKIE_TEXT = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
"""What a cookie may hold (RFC 6265, section 4.1.1)."""


class TrainerRoadAnswer(msgspec.Struct, frozen=True):
    """One answer, read completely. ``cookie`` is the session that it brought, "" when none."""

    status: int
    body: bytes = b""
    location: str = ""
    retry_after: float | None = None
    cookie: str = ""

    def __repr__(self) -> str:
        return f"Answer({self.status})"


class Wire:
    """The web application at ``url``. ``cookie`` is the session that every request carries."""

    def __init__(self, calls: HttpCalls) -> None:
        self.cookie = ""
        self._calls = calls

    def call(
        self, method: str, path: str, *, page: str, content: bytes | None = None
    ) -> TrainerRoadAnswer:
        """Ask once; ``page`` is the page of the web application that asks this.

        Raises RetryLater without an answer, but OutcomeUnknown for a PUT that may have arrived.
        """
        answer = self._calls.call(
            method,
            path,
            headers=self._headers(page, has_content=content is not None),
            content=content or b"",
            writes=method == "PUT",
        )
        return TrainerRoadAnswer(
            status=answer.status,
            body=answer.body,
            location=answer.header("location"),
            retry_after=answer.retry_after,
            cookie=_session_in(answer.header_list("set-cookie")),
        )

    def _headers(self, page: str, *, has_content: bool) -> dict[str, str]:
        headers = {
            "Accept": "application/json, text/plain, */*",
            "Origin": self._calls.url,
            "Referer": self._calls.url + page,
            "trainerroad-jsonformat": "camel-case",
        }
        if has_content:
            headers["Content-Type"] = "application/json"
        if self.cookie:
            headers["Cookie"] = f"{COOKIE}={self.cookie}"
        return headers


@contextmanager
def connected(url: str) -> Iterator[Wire]:
    """A wire for the block. ``url`` is a stand-in, "" for the real TrainerRoad."""
    with http_calls("TrainerRoad", url or HOME) as calls:
        yield Wire(calls)


def is_cookie(text: str) -> bool:
    """Whether a text can be sent as the value of a cookie."""
    return _COOKIE_TEXT.fullmatch(text) is not None


def _session_in(cookies: Iterable[str]) -> str:
    """The session that was set last; a cookie that is taken away is empty."""
    found = ""
    for cookie in cookies:
        name, _, value = cookie.partition(";")[0].partition("=")
        if name.strip() == COOKIE:
            found = value.strip().strip('"')
    return found if is_cookie(found) else ""
