"""Tokens of the sandbox's Garmin: exchanged for a ticket, refreshed, rotated, expired, revoked."""

from __future__ import annotations

import base64
from collections.abc import Callable
from random import Random

import msgspec

from weighbridge_sandbox.garmin.accounts import GarminAccount, GarminAccounts
from weighbridge_sandbox.garmin.sessions import Tickets
from weighbridge_sandbox.messages import Request, Response

PATH = "/di-oauth2-service/oauth/token"
TICKET_GRANT = "https://connectapi.garmin.com/di-oauth2-service/oauth/grant/service_ticket"
CLIENT_IDS = frozenset(
    {
        "GARMIN_CONNECT_MOBILE_ANDROID_DI_2025Q2",
        "GARMIN_CONNECT_MOBILE_ANDROID_DI_2024Q4",
        "GARMIN_CONNECT_MOBILE_ANDROID_DI",
        "GARMIN_CONNECT_MOBILE_IOS_DI",
    }
)
ACCESS_LIFE = 20 * 3600
"""Seconds; 18 to 24 hours were seen (docs/reference/garmin.md#tokens)."""
REFRESH_LIFE = 30 * 86400
"""Seconds, counted from the last rotation."""


class _Grant(msgspec.Struct):
    account_id: int
    client_id: str
    until: float


class Tokens:
    """Every token that is valid. ``life`` is the life of new access tokens, in seconds."""

    def __init__(
        self, clock: Callable[[], float], random: Random, accounts: GarminAccounts, tickets: Tickets
    ) -> None:
        self.life: float = ACCESS_LIFE
        self._clock = clock
        self._random = random
        self._accounts = accounts
        self._tickets = tickets
        self._access: dict[str, _Grant] = {}
        self._refresh: dict[str, _Grant] = {}

    def answer(self, request: Request) -> Response:
        """The token endpoint: a ticket or a refresh token in, a new pair out, or a refusal."""
        form = request.form()
        client_id = form.get("client_id", "")
        if request.method != "POST":
            return _refuse("invalid_request", 405)
        if client_id not in CLIENT_IDS or request.headers.get("authorization") != _basic(client_id):
            return _refuse("invalid_client", 401)
        match form.get("grant_type"):
            case "refresh_token":
                return self._refreshed(form.get("refresh_token", ""), client_id)
            case grant if grant == TICKET_GRANT:
                account_id = self._tickets.spend(
                    form.get("service_ticket", ""), form.get("service_url", "")
                )
                return self._pair(account_id, client_id)
        return _refuse("unsupported_grant_type")

    def account_of(self, request: Request) -> GarminAccount | None:
        """Whose access token the request carries; None when it is missing, foreign or expired."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self._access.get(token)
        if scheme.lower() != "bearer" or grant is None or grant.until <= self._clock():
            return None
        return self._accounts.by_id(grant.account_id)

    def expire(self, account_id: int | None = None) -> int:
        """End access tokens now, of one account or of all. Returns how many."""
        return _drop(self._access, account_id)

    def revoke(self, account_id: int | None = None) -> int:
        """End refresh tokens now: nothing but a new sign-in helps. Returns how many."""
        return _drop(self._refresh, account_id)

    def _refreshed(self, token: str, client_id: str) -> Response:
        """A new pair. The old refresh token is dead from here on, whoever hears the answer."""
        grant = self._refresh.get(token)
        if grant is None or grant.client_id != client_id or grant.until <= self._clock():
            return _refuse("invalid_grant")
        del self._refresh[token]
        return self._pair(grant.account_id, client_id)

    def _pair(self, account_id: int | None, client_id: str) -> Response:
        if account_id is None:
            return _refuse("invalid_grant")
        now = self._clock()
        access = self._jwt(account_id, client_id, int(now + self.life))
        refresh = f"sandbox-refresh-{self._random.getrandbits(160):040x}"
        self._access[access] = _Grant(account_id, client_id, now + self.life)
        self._refresh[refresh] = _Grant(account_id, client_id, now + REFRESH_LIFE)
        return Response.of_json(
            {
                "access_token": access,
                "refresh_token": refresh,
                "token_type": "Bearer",
                "expires_in": int(self.life),
                "refresh_token_expires_in": REFRESH_LIFE,
                "scope": "CONNECT_READ CONNECT_WRITE",
            }
        )

    def _jwt(self, account_id: int, client_id: str, expires_at: int) -> str:
        """Three parts like the real one. The signature is noise: nobody can check it anyway."""
        head = {"alg": "RS256", "typ": "JWT", "kid": "sandbox"}
        claims = {
            "iss": "https://diauth.garmin.com",
            "sub": str(account_id),
            "client_id": client_id,
            "iat": int(self._clock()),
            "exp": expires_at,
            "jti": f"{self._random.getrandbits(128):032x}",
        }
        parts = [msgspec.json.encode(head), msgspec.json.encode(claims), self._random.randbytes(64)]
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _drop(grants: dict[str, _Grant], account_id: int | None) -> int:
    gone = [token for token, grant in grants.items() if account_id in (None, grant.account_id)]
    for token in gone:
        del grants[token]
    return len(gone)


def _basic(client_id: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:".encode()).decode()


def _refuse(error: str, status: int = 400) -> Response:
    return Response.of_json({"error": error}, status)
