"""One HTTP request to TrainerRoad's web application, and what a broken connection means.

Headers as the web application sends them (docs/reference/trainerroad.md#signing-in). The session is
one cookie. It is set by hand, because the client keeps no cookies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.errors import OutcomeUnknown, RetryLater
from weighbridge.core.network import TIME_LIMIT, http_client, within

if TYPE_CHECKING:
    import httpx2

HOME = "https://www.trainerroad.com"
COOKIE = "SharedTrainerRoadAuth"

_COOKIE_TEXT = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
"""What a cookie may hold (RFC 6265, section 4.1.1)."""


class Answer(msgspec.Struct, frozen=True):
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

    def __init__(self, client: httpx2.Client, url: str, *, limit: float = TIME_LIMIT) -> None:
        self.cookie = ""
        self._client = client
        self._url = url
        self._limit = limit

    def call(self, method: str, path: str, *, page: str, content: bytes | None = None) -> Answer:
        """Ask once; ``page`` is the page of the web application that asks this.

        Raises RetryLater without an answer, but OutcomeUnknown for a PUT that may have arrived.
        """
        import httpx2

        headers = self._headers(page, has_content=content is not None)
        try:
            response = within(
                self._limit,
                lambda: self._client.request(
                    method, self._url + path, headers=headers, content=content
                ),
            )
        except (TimeoutError, httpx2.RequestError) as error:
            # Not chained: the texts of the HTTP library may repeat what was received.
            raise _trouble(error, writes=method == "PUT") from None
        return _answer(response)

    def _headers(self, page: str, *, has_content: bool) -> dict[str, str]:
        headers = {
            "Accept": "application/json, text/plain, */*",
            "Origin": self._url,
            "Referer": self._url + page,
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
    address = url.rstrip("/") or HOME
    with http_client(address) as client:
        yield Wire(client, address)


def is_cookie(text: str) -> bool:
    """Whether a text can be sent as the value of a cookie."""
    return _COOKIE_TEXT.fullmatch(text) is not None


def _answer(response: httpx2.Response) -> Answer:
    asked = response.headers.get("Retry-After", "").strip()
    return Answer(
        status=response.status_code,
        body=response.content,
        location=response.headers.get("Location", ""),
        retry_after=float(asked[:9]) if asked.isascii() and asked.isdecimal() else None,
        cookie=_session_in(response.headers.get_list("Set-Cookie")),
    )


def _session_in(cookies: Iterable[str]) -> str:
    """The session that was set last; a cookie that is taken away is empty."""
    found = ""
    for cookie in cookies:
        name, _, value = cookie.partition(";")[0].partition("=")
        if name.strip() == COOKIE:
            found = value.strip().strip('"')
    return found if is_cookie(found) else ""


def _trouble(error: Exception, *, writes: bool) -> RetryLater | OutcomeUnknown:
    import httpx2

    not_sent = (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.PoolTimeout,
        httpx2.ProxyError,
        httpx2.UnsupportedProtocol,
    )
    name = type(error).__name__
    if writes and not isinstance(error, not_sent):
        return OutcomeUnknown(code="trainerroad.write_broke", error=name)
    return RetryLater(code="trainerroad.silent", error=name)
