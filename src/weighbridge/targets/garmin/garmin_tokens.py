"""How long a Garmin login lives, and its renewal: one at a time across all processes.

The refresh token dies at its first use and its successor comes in the answer
(docs/reference/garmin.md#tokens); ``TokenLife`` is made for that.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge.core.errors import ConfigProblem, LoginNeeded, RetryLater
from weighbridge.targets.base import Session
from weighbridge.targets.garmin.garmin_answers import trouble_of_read
from weighbridge.targets.http import HttpAnswer
from weighbridge.targets.oauth_login import TokenLife

if TYPE_CHECKING:
    pass


MARGIN_SECONDS = 900.0
"""A token with less life than this is renewed before it is used."""


_FOREVER = 1e12
"""Seconds; an end beyond this is none."""


class GarminTokens(msgspec.Struct, frozen=True):
    """What is stored of a login: the library's three values and whose login it is."""

    di_token: str
    di_refresh_token: str
    di_client_id: str
    profile_id: str = ""
    display_name: str = ""

    def __repr__(self) -> str:
        return "Tokens(***)"


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT says about itself; empty for anything else. Never raises.

    The signature is Garmin's own affair: the claims only say when to ask for a new token.
    """
    try:
        payload = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def expires_at(token: str) -> float | None:
    """The end of a JWT in seconds since 1970; None when it does not say."""
    end = claims_of(token).get("exp")
    if not isinstance(end, (int, float)) or isinstance(end, bool):
        return None
    return float(end) if abs(end) < _FOREVER else None


def read_tokens(secret: Any) -> GarminTokens | None:
    """The stored login, or None when it is absent or incomplete."""
    try:
        tokens = msgspec.convert(secret, GarminTokens)
    except msgspec.ValidationError:
        return None
    complete = tokens.di_token and tokens.di_refresh_token and tokens.di_client_id
    return tokens if complete else None


def renewed(answer: HttpAnswer, old: GarminTokens) -> GarminTokens:
    """The pair that a refresh brought. Only a complete answer replaces anything.

    Raises LoginNeeded on 400 and 401, RetryLater on everything else.
    """
    if answer.status in {400, 401}:
        raise LoginNeeded(code="garmin.login_ended")
    content = answer.json()
    if not answer.is_good or not isinstance(content, dict):
        raise trouble_of_read(answer, "renewal")
    access, refresh = content.get("access_token"), content.get("refresh_token")
    if not isinstance(access, str) or not access:
        raise RetryLater(code="garmin.renewal_incomplete")
    kept = refresh if isinstance(refresh, str) and refresh else old.di_refresh_token
    client = claims_of(access).get("client_id")
    if not isinstance(client, str) or not client:
        client = old.di_client_id
    return msgspec.structs.replace(old, di_token=access, di_refresh_token=kept, di_client_id=client)


class GarminTokenLife(TokenLife[GarminTokens]):
    """The login of one person. ``refresh`` makes exactly one request to the token host."""

    def __init__(
        self,
        session: Session,
        clock: Callable[[], float],
        refresh: Callable[[GarminTokens], HttpAnswer],
        login: str,
    ) -> None:
        super().__init__(session, login)
        self._clock = clock
        self._refresh = refresh

    def read(self, stored: Any) -> GarminTokens | None:
        return read_tokens(stored)

    def is_old(self, tokens: GarminTokens) -> bool:
        end = expires_at(tokens.di_token)  # a token that does not say is used as it is
        return end is not None and end - self._clock() < MARGIN_SECONDS

    def renewed(self, tokens: GarminTokens) -> GarminTokens:
        return renewed(self._refresh(tokens), tokens)

    def never_logged_in(self) -> LoginNeeded:
        return LoginNeeded(code="garmin.not_logged_in", login=self._login)


_NEEDED = (
    "login",
    "resume_login",
    "request",
    "_di_token_post",
    "_establish_session",
    "_exchange_service_ticket",
    "_refresh_session",
    "_token_expires_soon",
)
"""What ``garmin_adapter`` calls or replaces, so that a release without it is noticed before use."""


def require_library() -> None:
    """Load the library. Raises ConfigProblem when it is absent or another one than we know."""
    trust_the_same_authorities()
    try:
        from garminconnect.client import Client
    except ImportError as error:
        raise ConfigProblem(
            code="garmin.package_missing", package=error.name or "garminconnect"
        ) from None
    if not all(hasattr(Client, name) for name in _NEEDED):
        raise ConfigProblem(code="garmin.package_unknown")


def trust_the_same_authorities() -> None:
    """Let ``SSL_CERT_FILE`` count for ``requests`` too, which only knows a name of its own.

    Otherwise the login passes and the profile call fails
    (docs/reference/garmin.md#test-server).
    """
    file = os.environ.get("SSL_CERT_FILE")
    if file and not os.environ.get("REQUESTS_CA_BUNDLE") and not os.environ.get("CURL_CA_BUNDLE"):
        os.environ["REQUESTS_CA_BUNDLE"] = file
