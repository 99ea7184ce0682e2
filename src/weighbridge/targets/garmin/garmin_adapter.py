"""The one place that touches ``garminconnect`` (>= 0.3.20, < 0.4). Imported late: it is heavy.

The library is used below its own convenience: ``Client.request`` neither retries for half a minute
nor disguises errors (docs/reference/garmin.md#library-errors). Three of its ways are
replaced:

    _refresh_session        it renews silently, swallows refusals and locks out no other process;
                            here the owner of the login renews it, and a refusal ends the call
    _token_expires_soon     the owner of the login has looked already
    _establish_session      without tokens it falls back to a cookie that cannot be kept
"""

from __future__ import annotations

import logging
import ssl
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

from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, RetryLater, SignInBlocked
from weighbridge.core.network import TIME_LIMIT, within
from weighbridge.targets.base import WrongPassword
from weighbridge.targets.garmin.garmin_options import Endpoint
from weighbridge.targets.garmin.garmin_tokens import GarminTokens
from weighbridge.targets.http import HttpAnswer

_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    ssl.SSLCertVerificationError,
)


def trouble_of_network(error: OSError) -> RetryLater | OutcomeUnknown:
    """The decision after a request without an answer."""
    if not may_have_arrived(error):
        return unreachable(error)
    return OutcomeUnknown(code="garmin.broke", error=_name(error))


def may_have_arrived(error: BaseException) -> bool:
    """Whether the request may have reached Garmin. In doubt it may."""
    if isinstance(error, requests.RequestException) and isinstance(error, ValueError):
        return False  # an address or a header that cannot be sent at all
    return not any(isinstance(link, _NOT_SENT) for link in _links(error))


def unreachable(error: OSError, code: str = "garmin.unreachable") -> RetryLater:
    """Garmin did not get the request, or it makes no difference whether it did."""
    return RetryLater(code=code, error=_name(error))


def _name(error: BaseException) -> str:
    # The class only: the texts of the HTTP libraries repeat addresses and what they hold.
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


LIMITS = (10, 20)
"""Seconds to connect, and seconds of silence; a call as a whole ends after ``TIME_LIMIT``.
Token and sign-in calls get 30 seconds as a whole from the library."""

_DELAYS = tuple(name for name in vars(sso) if name.endswith(("DELAY_MIN_S", "DELAY_MAX_S")))

# Without this, warnings of the library reach the terminal of a person who did not ask for them.
logging.getLogger("garminconnect").addHandler(logging.NullHandler())


class TicketError(GarminConnectAuthenticationError):
    """The sign-in worked but its ticket brought no tokens.

    As an authentication error it ends the library's chain: the next attempt would send the
    password again.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class GarminConnection(Client):
    """A connection to one account. ``renew`` gets new tokens for it when Garmin refuses the old."""

    def __init__(self, place: Endpoint, renew: Callable[[], GarminTokens] | None = None) -> None:
        super().__init__(place.domain)
        _bound(self._api_session)
        self._place = place
        self._renew = renew
        if place.url:
            url = place.url.rstrip("/")
            self._sso = self._connectapi = self._connect = url
            self._di_token_url = f"{url}/di-oauth2-service/oauth/token"

    def use(self, tokens: GarminTokens) -> None:
        """Speak with these tokens from now on."""
        self.di_token = tokens.di_token
        self.di_refresh_token = tokens.di_refresh_token
        self.di_client_id = tokens.di_client_id

    def tokens(self) -> GarminTokens:
        """What the connection holds; empty texts where it holds nothing."""
        return GarminTokens(
            self.di_token or "", self.di_refresh_token or "", self.di_client_id or ""
        )

    def call(self, method: str, path: str, **content: Any) -> HttpAnswer:
        """One request to the API, repeated once when a renewed login cures a 401.

        ``content`` is ``params``, ``json`` or ``files``. Any status is an answer. Raises RetryLater
        when the request cannot have arrived, OutcomeUnknown when it may have.
        """
        options = {"timeout": LIMITS, "allow_redirects": False, "auth": _keep_headers}
        try:
            response = self.request(method, "connectapi", path, **options, **content)
        except GarminConnectConnectionError as error:
            response = error.response
        except OSError as error:
            raise trouble_of_network(error) from None
        return answer_of(response)

    def refresh(self, tokens: GarminTokens) -> HttpAnswer:
        """One request for a new pair. Raises RetryLater when no answer came."""
        form = {
            "grant_type": "refresh_token",
            "client_id": tokens.di_client_id,
            "refresh_token": tokens.di_refresh_token,
        }
        try:
            return answer_of(self._di_token_post(tokens.di_client_id, "application/json", form))
        except OSError as error:
            raise unreachable(error) from None

    def sign_in(self, username: str, password: str) -> bool:
        """One sign-in. Returns whether a code is asked for (``confirm``)."""
        with _sign_in_troubles(), pauses_for(self._place):
            try:
                state, _ = self.login(username, password, return_on_mfa=True)
            except GarminConnectConnectionError:
                # Its last word does not tell a dead network from a block.
                reach(self._place)
                raise
        return state is not None

    def confirm(self, code: str) -> bool:
        """Give the code of the second factor. False: it is wrong, and another one may be given."""
        with _sign_in_troubles():
            try:
                self.resume_login(None, code)
            except TicketError:
                raise
            except GarminConnectAuthenticationError:
                return False
        return True

    def exchange(self, ticket: str) -> None:
        """Turn the ticket of a browser's sign-in into tokens."""
        with _sign_in_troubles():
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
            raise TicketError(SignInBlocked(code="garmin.tokens_blocked")) from None
        except GarminConnectAuthenticationError:
            problem = LoginNeeded(code="garmin.no_tokens")
            raise TicketError(problem) from None
        except OSError as error:
            raise TicketError(unreachable(error, "garmin.sign_in_unreachable")) from None


def answer_of(response: Any) -> HttpAnswer:
    """The library's response, or its stand-in for a status 204, as an answer."""
    headers: Mapping[str, str] = getattr(response, "headers", {})
    lower = tuple((str(name).lower(), str(value)) for name, value in headers.items())
    return HttpAnswer(int(response.status_code), bytes(response.content), lower)


def reach(place: Endpoint) -> None:
    """Raise RetryLater when the sign-in host cannot be reached or is out of order."""
    try:
        answer = requests.get(f"{place.sso()}/sso/embed", timeout=LIMITS, allow_redirects=False)
    except OSError as error:
        raise unreachable(error, "garmin.sign_in_unreachable") from None
    if answer.status_code >= 500:
        raise RetryLater(code="garmin.sign_in_out_of_order", status=answer.status_code)


@contextmanager
def pauses_for(place: Endpoint) -> Iterator[None]:
    """The library waits between two pages like a person; a stand-in here needs no wait."""
    if not place.is_local():
        yield
        return
    kept = {name: getattr(sso, name) for name in _DELAYS}
    vars(sso).update(dict.fromkeys(_DELAYS, 0.0))
    try:
        yield
    finally:
        vars(sso).update(kept)


@contextmanager
def _sign_in_troubles() -> Iterator[None]:
    """The library's errors of a sign-in as decisions."""
    try:
        yield
    except TicketError as error:
        raise error.problem from None
    except GarminConnectAuthenticationError:
        raise WrongPassword(code="garmin.wrong_password") from None
    except (GarminConnectTooManyRequestsError, GarminConnectConnectionError):
        raise SignInBlocked(code="garmin.sign_in_blocked") from None
    except OSError as error:
        raise unreachable(error, "garmin.sign_in_unreachable") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise RetryLater(code="garmin.sign_in_changed") from None


def _bound(session: requests.Session) -> None:
    """Let no request of a session take longer than the limit, however slowly bytes drip in.

    Only the request itself moves to another thread; renewing a login stays in the caller's.
    """
    request = session.request

    def bounded(*arguments: Any, **options: Any) -> requests.Response:
        return within(TIME_LIMIT, lambda: request(*arguments, **options))

    session.request = bounded  # type: ignore[method-assign]


def _keep_headers(request: Any) -> Any:
    # Given as ``auth`` it keeps requests from replacing the token by an entry of ~/.netrc.
    return request
