"""Nonces and signatures, which a few calls want instead of the secret.

Source: docs/reference/withings-api.md#signatures.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable

from weighbridge_sandbox.withings.answers import Failure, invalid

NONCE_SECONDS = 1800


class Nonces:
    """Nonces of one application: each works once, for 30 minutes."""

    def __init__(self, clock: Callable[[], float], *, client_id: str, client_secret: str) -> None:
        self._clock = clock
        self._client_id = client_id
        self._key = client_secret.encode()
        self._dies_at: dict[str, float] = {}

    def issue(self, params: dict[str, str]) -> dict[str, str]:
        """``action=getnonce``: the body of the answer. Raises Failure."""
        self._check(params, "action", "client_id", "timestamp")
        nonce = secrets.token_hex(16)
        self._dies_at[nonce] = self._clock() + NONCE_SECONDS
        return {"nonce": nonce}

    def check(self, params: dict[str, str]) -> None:
        """Raises Failure unless a call is signed with a nonce that was not used before."""
        dies_at = self._dies_at.pop(params.get("nonce", ""), 0.0)
        if self._clock() >= dies_at:
            raise invalid("nonce")
        self._check(params, "action", "client_id", "nonce")

    def _check(self, params: dict[str, str], *names: str) -> None:
        if params.get("client_id") != self._client_id:
            raise invalid("client_id")
        text = ",".join(params.get(name, "") for name in names)
        expected = hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, params.get("signature", "")):
            raise Failure(342, "The signature (using Oauth) is invalid")
