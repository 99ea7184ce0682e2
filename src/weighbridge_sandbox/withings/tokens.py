"""Codes and tokens with the rules of the real token endpoint.

Sources: docs/reference/withings-api.md#consent and docs/reference/withings-api.md#tokens.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from weighbridge_sandbox.withings.answers import Repetitions, invalid

CODE_SECONDS = 30
ACCESS_SECONDS = 10_800
REFRESH_SECONDS = 365 * 86_400
OVERLAP_SECONDS = 8 * 3600
"""So long a replaced refresh token lives on, if the new access token is not used before."""
REPETITION_SECONDS = 10


class Code(msgspec.Struct, frozen=True):
    """What a person has consented to."""

    userid: int
    scope: str
    redirect_uri: str
    dies_at: float


class Refresh(msgspec.Struct):
    userid: int
    scope: str
    dies_at: float


class Access(msgspec.Struct):
    """``replaces`` is the refresh token that dies when this access token is first used."""

    userid: int
    scope: str
    dies_at: float
    replaces: str | None = None


class Tokens:
    """Everything that was issued and still counts. ``clock`` is the cloud's."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        client_id: str,
        client_secret: str,
        new: Callable[[], str] = lambda: secrets.token_hex(20),
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.repetitions = Repetitions(clock, REPETITION_SECONDS)
        self._clock = clock
        self._new = new
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Refresh] = {}

    def issue_code(self, userid: int, scope: str, redirect_uri: str) -> str:
        """A code for one exchange within 30 s, with the same redirect URI."""
        code = self._new()
        self._codes[code] = Code(userid, scope, redirect_uri, self._clock() + CODE_SECONDS)
        return code

    def request(self, params: dict[str, str]) -> dict[str, Any]:
        """``action=requesttoken``: the body of the answer. Raises Failure."""
        match params.get("grant_type"):
            case "authorization_code":
                self.check_client(params)
                return self.exchange(params)
            case "refresh_token":
                self.repetitions.check(*sorted(params.items()))
                self.check_client(params)
                return self.renew(params.get("refresh_token", ""))
        raise invalid("grant_type")

    def check_client(self, params: dict[str, str]) -> None:
        """Raises Failure unless client id and secret are ours."""
        if params.get("client_id") != self.client_id:
            raise invalid("client_id")
        if params.get("client_secret") != self.client_secret:
            raise invalid("client_secret")

    def exchange(self, params: dict[str, str]) -> dict[str, Any]:
        """A code for the first pair; ``userid`` is a string here. A code works once."""
        code = self._codes.pop(params.get("code", ""), None)
        if code is None or self._clock() >= code.dies_at:
            raise invalid("code")
        if params.get("redirect_uri") != code.redirect_uri:
            raise invalid("redirect_uri")
        body = self.issue(code.userid, code.scope)
        return {"userid": str(code.userid), **body, "csrf_token": self._new()}

    def renew(self, refresh_token: str) -> dict[str, Any]:
        """A refresh token for a new pair; ``userid`` is an integer here."""
        now = self._clock()
        old = self._refresh.get(refresh_token)
        if old is None or now >= old.dies_at:
            raise invalid("refresh_token")
        old.dies_at = min(old.dies_at, now + OVERLAP_SECONDS)
        body = self.issue(old.userid, old.scope, replaces=refresh_token)
        return {"userid": old.userid, **body}

    def issue(self, userid: int, scope: str, *, replaces: str | None = None) -> dict[str, Any]:
        """A new pair, with the keys in the order of the recordings."""
        now = self._clock()
        access, refresh = self._new(), self._new()
        self._access[access] = Access(userid, scope, now + ACCESS_SECONDS, replaces)
        self._refresh[refresh] = Refresh(userid, scope, now + REFRESH_SECONDS)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "scope": scope,
            "expires_in": ACCESS_SECONDS,
            "token_type": "Bearer",
        }

    def use(self, access_token: str) -> Access | None:
        """Whose token it is, or None. The first use ends the refresh token before it."""
        access = self._access.get(access_token)
        if access is None or self._clock() >= access.dies_at:
            return None
        if access.replaces is not None:
            self._refresh.pop(access.replaces, None)
            access.replaces = None
        return access

    def expire(self, userid: int, *, refresh: bool = False) -> None:
        """Make the access tokens of one user too old, on request the refresh tokens too."""
        now = self._clock()
        tokens: list[Access | Refresh] = [*self._access.values()]
        if refresh:
            tokens += self._refresh.values()
        for token in tokens:
            if token.userid == userid:
                token.dies_at = min(token.dies_at, now)

    def revoke(self, userid: int) -> None:
        """Forget every token and code of one user."""
        self._codes = {k: v for k, v in self._codes.items() if v.userid != userid}
        self._access = {k: v for k, v in self._access.items() if v.userid != userid}
        self._refresh = {k: v for k, v in self._refresh.items() if v.userid != userid}
