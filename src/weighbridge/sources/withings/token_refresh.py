"""The login that cannot be lost: a pair of tokens and the rules for renewing it.

The access token lives three hours, the refresh token a year. Every renewal brings a new refresh
token; the old one dies eight hours later, or at the first use of the new *access* token
(docs/reference/withings-api.md#tokens). So: one renewer at a time across all processes, nothing
replaces a pair but a complete answer, and it is stored before its access token is used.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from weighbridge.core.commands import login_command
from weighbridge.core.errors import LoginNeeded
from weighbridge.core.reason import Reason
from weighbridge.core.secret import TokenPair
from weighbridge.sources.withings.call_policy import CallPolicy
from weighbridge.sources.withings.oauth import WithingsApp, request_tokens
from weighbridge.sources.withings.wire import RefreshRefused

if TYPE_CHECKING:
    from weighbridge.core.form_client import FormClient

MARGIN = 60
"""An access token is not used in the last seconds of its life: the call takes time, too."""
GRACE = 8 * 3600
"""Seconds for which a replaced refresh token still works
(docs/reference/withings-api.md#tokens)."""
LEASE = 70.0
"""Seconds for which a renewal holds the lease: two calls of 30 seconds and the storing."""


class TokenStore(Protocol):
    """Where the tokens of one Withings account of one person are kept."""

    def load(self) -> TokenPair | None:
        """The newest pair, None if nobody has logged in."""

    def previous(self) -> TokenPair | None:
        """The pair before the newest one."""

    def store(self, pair: TokenPair) -> None:
        """Keep a new pair, in one transaction; the old one becomes ``previous``."""

    def mark_login_needed(self, why: Reason) -> None:
        """Write down that only a person can go on."""

    def lease(self, seconds: float) -> AbstractContextManager[None]:
        """Held by one process at a time. Waits for its turn; RetryLater if that takes too long."""


class TokenRefresh:
    """Hands out access tokens that work. Everything outside is passed in."""

    def __init__(
        self,
        store: TokenStore,
        app: WithingsApp,
        client: FormClient,
        policy: CallPolicy,
        person: str | None = None,
    ) -> None:
        self._store = store
        self._app = app
        self._client = client
        self._policy = policy
        self._clock = policy.clock
        self._login = login_command("withings", person)

    def access(self) -> str:
        """A valid access token: the stored one for its whole life, else a renewed one.

        Raises LoginNeeded, ConfigProblem (the application is refused) or RetryLater.
        """
        pair = self._load()
        if self._alive(pair):
            return pair.access_token
        return self._renewed(pair.access_token)

    def refused(self, token: str) -> str:
        """Another access token, after the service refused this one: renewed by us or by others."""
        return self._renewed(token)

    def login_needed(self, refusal: LoginNeeded) -> LoginNeeded:
        """Write down that a person must log in, and return the problem to raise."""
        problem = LoginNeeded(code="withings.log_in", cause=refusal, login=self._login)
        self._store.mark_login_needed(refusal.reason)
        return problem

    def _load(self) -> TokenPair:
        pair = self._store.load()
        if pair is None:
            raise LoginNeeded(code="withings.never_logged_in", login=self._login)
        return pair

    def _alive(self, pair: TokenPair) -> bool:
        return self._clock() < pair.expires_at - MARGIN

    def _renewed(self, stale: str) -> str:
        # The lease is taken inside, so that nobody holds it while a pause makes us wait.
        return self._policy.call(lambda: self._renewed_under_lease(stale))

    def _renewed_under_lease(self, stale: str) -> str:
        with self._store.lease(LEASE):
            pair = self._load()
            if pair.access_token != stale and self._alive(pair):
                return pair.access_token  # another process was faster
            fresh = self._renew(pair)
            self._store.store(fresh)  # before its first use: that kills the old refresh token
            return fresh.access_token

    def _renew(self, pair: TokenPair) -> TokenPair:
        try:
            return self._exchange(pair)
        except RefreshRefused as refusal:
            older = self._store.previous()
            if older is None or not self._may_still_work(older, pair):
                raise self.login_needed(refusal) from refusal
        try:
            return self._exchange(older)
        except RefreshRefused as refusal:
            raise self.login_needed(refusal) from refusal

    def _may_still_work(self, older: TokenPair, pair: TokenPair) -> bool:
        return (
            older.userid == pair.userid
            and older.refresh_token != pair.refresh_token
            and self._clock() - pair.issued_at < GRACE
        )

    def _exchange(self, pair: TokenPair) -> TokenPair:
        form = {"grant_type": "refresh_token", "refresh_token": pair.refresh_token}
        fresh = request_tokens(self._app, self._client, form, clock=self._clock, scope=pair.scope)
        if fresh.userid != pair.userid:
            raise self.login_needed(
                LoginNeeded(
                    code="withings.answered_for_other",
                    account=fresh.userid,
                    expected=pair.userid,
                )
            )
        return fresh
