"""The one place that touches ``garminconnect`` (>= 0.3.20, < 0.4). Imported late: it is heavy.

The library is used below its own convenience: ``Client.request`` neither retries for half a minute
nor disguises errors (Garmin reference, section 2.7). Three of its ways are replaced:

    _refresh_session        it renews silently, swallows refusals and locks out no other process;
                            here whoever owns the login renews it, and a refusal ends the call
    _token_expires_soon     the owner of the login has looked already
    _establish_session      without tokens it falls back to a cookie that cannot be kept
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
import urllib3.exceptions
from garminconnect import (
    GarminConnectAuthenticationError,
    GarminConnectConnectionError,
    GarminConnectTooManyRequestsError,
)
from garminconnect.client import Client, sso

from weighbridge.errors import LoginNeeded, OutcomeUnknown, Problem, RetryLater
from weighbridge.garmin.answers import AGAIN, LOOKED_FOR, Answer
from weighbridge.garmin.library import Place
from weighbridge.garmin.tokens import Tokens

LIMITS = (10, 20)
"""Seconds to connect, and seconds of silence. Token and sign-in calls: 30 in all, by the library."""

_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
)
_DELAYS = tuple(name for name in vars(sso) if name.endswith(("DELAY_MIN_S", "DELAY_MAX_S")))

# Without this, warnings of the library reach the terminal of somebody who did not ask for them.
logging.getLogger("garminconnect").addHandler(logging.NullHandler())


class ExchangeFailed(GarminConnectAuthenticationError):
    """The sign-in worked and its ticket brought no tokens. Ends the library's chain of attempts."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Connection(Client):  # type: ignore[misc]
    """A connection to one account. ``renew`` gets new tokens for it when Garmin refuses the old."""

    def __init__(self, place: Place, renew: Callable[[], Tokens] | None = None) -> None:
        super().__init__(place.domain)
        self._renew = renew
        if place.url:
            url = place.url.rstrip("/")
            self._sso = self._connectapi = self._connect = url
            self._di_token_url = f"{url}/di-oauth2-service/oauth/token"

    def use(self, tokens: Tokens) -> None:
        """Speak with these tokens from now on."""
        self.di_token = tokens.di_token
        self.di_refresh_token = tokens.di_refresh_token
        self.di_client_id = tokens.di_client_id

    def tokens(self) -> Tokens:
        """What the connection holds; empty texts where it holds nothing."""
        return Tokens(self.di_token or "", self.di_refresh_token or "", self.di_client_id or "")

    def call(self, method: str, path: str, **content: Any) -> Answer:
        """One request to the API, repeated once when a renewed login cures a 401.

        ``content`` is ``params``, ``json`` or ``files``. Any status is an answer. Raises RetryLater
        when the request cannot have arrived, OutcomeUnknown when it may have.
        """
        try:
            response = self.request(
                method,
                "connectapi",
                path,
                timeout=LIMITS,
                allow_redirects=False,
                auth=_keep_headers,
                **content,
            )
        except GarminConnectConnectionError as error:
            response = error.response
        except OSError as error:
            raise trouble_of_network(error) from None
        return answer_of(response)

    def refresh(self, tokens: Tokens) -> Answer:
        """One request for a new pair. Raises RetryLater when no answer came."""
        form = {
            "grant_type": "refresh_token",
            "client_id": tokens.di_client_id,
            "refresh_token": tokens.di_refresh_token,
        }
        try:
            return answer_of(self._di_token_post(tokens.di_client_id, "application/json", form))
        except OSError as error:
            raise _unreachable(error) from None

    def exchange(self, ticket: str) -> None:
        """Turn the ticket of a browser's sign-in into tokens. Raises ExchangeFailed."""
        self._establish_session(ticket, service_url=f"{self._sso}/sso/embed")

    def _refresh_session(self) -> None:
        if self._renew is not None:
            self.use(self._renew())

    def _token_expires_soon(self) -> bool:
        return False

    def _establish_session(
        self, ticket: str, sess: Any = None, service_url: str | None = None
    ) -> None:
        try:
            self._exchange_service_ticket(ticket, service_url=service_url)
        except GarminConnectTooManyRequestsError:
            raise ExchangeFailed(RetryLater("Garmin issues no tokens just now.")) from None
        except GarminConnectAuthenticationError:
            raise ExchangeFailed(LoginNeeded("Garmin issued no tokens for this sign-in.")) from None
        except OSError as error:
            raise ExchangeFailed(_unreachable(error)) from None
        if not self.di_refresh_token:
            raise ExchangeFailed(LoginNeeded("Garmin issued a login that cannot be kept."))


def answer_of(response: Any) -> Answer:
    """The library's response, or its stand-in for a status 204, as an answer."""
    headers: Mapping[str, str] = getattr(response, "headers", {})
    lower = {str(name).lower(): str(value) for name, value in headers.items()}
    return Answer(int(response.status_code), lower, bytes(response.content))


def trouble_of_network(error: OSError) -> RetryLater | OutcomeUnknown:
    """The decision after a request without an answer: did it leave or not?"""
    if not may_have_arrived(error):
        return _unreachable(error)
    return OutcomeUnknown(
        f"The connection to Garmin broke before the answer came ({_name(error)}).",
        remedy=LOOKED_FOR,
    )


def may_have_arrived(error: BaseException) -> bool:
    """Whether the request may have reached Garmin. In doubt it may."""
    if isinstance(error, requests.RequestException) and isinstance(error, ValueError):
        return False  # an address or a header that cannot be sent at all
    return not any(isinstance(link, _NOT_SENT) or _is_distrust(link) for link in _links(error))


def reach(place: Place) -> None:
    """Raise RetryLater when the sign-in host cannot be reached or is out of order.

    The library's last word after a failed sign-in does not tell a dead network from a block.
    """
    try:
        answer = requests.get(f"{place.sso()}/sso/embed", timeout=LIMITS, allow_redirects=False)
    except OSError as error:
        raise _unreachable(error) from None
    if answer.status_code >= 500:
        raise RetryLater(
            f"Garmin's sign-in is out of order (status {answer.status_code}).",
            remedy="Try again in some minutes.",
        )


@contextmanager
def pauses_for(place: Place) -> Iterator[None]:
    """The library waits like a person between two pages; a stand-in on this machine does not care."""
    if not place.is_loopback():
        yield
        return
    kept = {name: getattr(sso, name) for name in _DELAYS}
    vars(sso).update(dict.fromkeys(_DELAYS, 0.0))
    try:
        yield
    finally:
        vars(sso).update(kept)


def _keep_headers(request: Any) -> Any:
    # Given as ``auth`` it keeps requests from replacing the token by an entry of ~/.netrc.
    return request


def _unreachable(error: OSError) -> RetryLater:
    return RetryLater(f"Garmin cannot be reached ({_name(error)}).", remedy=AGAIN)


def _name(error: BaseException) -> str:
    # The class only: the texts of the HTTP libraries repeat addresses with what stands in them.
    return type(error).__name__


def _links(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it was made of."""
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        parts = (*link.args, getattr(link, "reason", None), link.__cause__, link.__context__)
        waiting += [part for part in parts if isinstance(part, BaseException)]


def _is_distrust(error: BaseException) -> bool:
    import ssl  # noqa: PLC0415

    return isinstance(error, ssl.SSLCertVerificationError)
