"""One HTTP call for targets: a broken connection and a status become decisions.

A call holds its time limit as a whole, follows no redirect and keeps no cookie. Errors name the
class of what went wrong only: the texts of HTTP libraries repeat addresses and what was received.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.core.network import TIME_LIMIT, http_client, is_loopback, within

if TYPE_CHECKING:
    import httpx2

_TURNED_AWAY = frozenset({403, 408, 429, 503})


class HttpAnswer(msgspec.Struct, frozen=True):
    """One answer, read completely."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    """Names in lower case; a name may come more than once."""

    def __repr__(self) -> str:
        return f"HttpAnswer({self.status})"

    @property
    def is_good(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str:
        """The first value of a header; "" without one."""
        return next(iter(self.header_list(name)), "")

    def header_list(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for known, value in self.headers if known == name.lower()]

    @property
    def retry_after(self) -> float | None:
        """Seconds that the other side asks us to wait; a date is compared with the answer's own."""
        asked = self.header("retry-after").strip()
        if asked.isascii() and asked.isdecimal():
            return float(asked[:9])
        from email.utils import parsedate_to_datetime

        try:
            until, now = map(parsedate_to_datetime, (asked, self.header("date")))
            return max(0.0, (until - now).total_seconds())
        except (TypeError, ValueError, IndexError):
            return None

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


class HttpCalls:
    """Calls to one service at ``url``. ``service`` is how people call it."""

    def __init__(
        self, client: httpx2.Client, service: str, url: str, *, limit: float = TIME_LIMIT
    ) -> None:
        self.url = url
        self._service = service
        self._client = client
        self._limit = limit

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] = {},
        content: bytes | Mapping[str, str] = b"",
        writes: bool = False,
    ) -> HttpAnswer:
        """Ask once, with a body or the fields of a form. ``writes``: it changes something there.

        Raises RetryLater without an answer, but OutcomeUnknown for a write that may have arrived.
        """
        import httpx2

        def ask() -> httpx2.Response:
            body = {"content": content} if isinstance(content, bytes) else {"data": content}
            return self._client.request(method, self.url + path, headers=dict(headers), **body)

        try:
            response = within(self._limit, ask)
        except (TimeoutError, httpx2.RequestError) as error:
            # Not chained: what the library says may repeat what was received.
            raise self._trouble(error, writes=writes) from None
        found = ((name.lower(), value) for name, value in response.headers.multi_items())
        return HttpAnswer(response.status_code, response.content, tuple(found))

    def _trouble(self, error: Exception, *, writes: bool) -> RetryLater | OutcomeUnknown:
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
            return OutcomeUnknown(code="http.broke", service=self._service, error=name)
        return RetryLater(code="http.silent", service=self._service, error=name)


def check_url(url: str) -> None:
    """Raises ValueError for the address of a stand-in that is neither https nor on this machine."""
    if not url or url.startswith("https://"):
        return
    parts = urlsplit(url)
    if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
        raise ValueError("url must begin with https:// (http:// only for this machine)")


@contextmanager
def http_calls(service: str, url: str) -> Iterator[HttpCalls]:
    """Calls to a service for the block. Raises ConfigProblem for a proxy that cannot be used."""
    address = url.rstrip("/")
    with http_client(address) as client:
        yield HttpCalls(client, service, address)


def trouble_of(answer: HttpAnswer, service: str, login: str, *, writes: bool) -> Problem | None:
    """The usual meaning of a status; None when it is 2xx. ``login``: the command for a login.

    ::

        401                   LoginNeeded
        403, 408, 429, 503    RetryLater, not before what Retry-After says
        other 5xx             RetryLater; of a write OutcomeUnknown
        everything else       Refused: it is about what was sent
    """
    status = answer.status
    if answer.is_good:
        return None
    if status == 401:
        return LoginNeeded(code="http.login_refused", service=service, login=login)
    if status in _TURNED_AWAY:
        after = answer.retry_after
        return RetryLater(code="http.turned_away", service=service, status=status, after=after)
    if status >= 500:
        if writes:
            return OutcomeUnknown(code="http.doubtful", service=service, status=status)
        return RetryLater(code="http.out_of_order", service=service, status=status)
    return Refused(code="http.refused", service=service, status=status)
