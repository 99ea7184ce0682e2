"""The login that cannot be lost: a pair of tokens and the rules for renewing it.

The access token lives three hours, the refresh token a year. Every renewal brings a new refresh
token; the old one dies eight hours later, or at the first use of the new *access* token
(docs/reference/withings-api.md#tokens). So: one renewer at a time across all processes, nothing
replaces a pair but a complete answer, and it is stored before its access token is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import msgspec

from weighbridge.core.commands import login_command
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater
from weighbridge.core.reason import Reason
from weighbridge.core.token_pair import TokenPair
from weighbridge.sources.withings.api_pause import PATIENCE, ApiPause, Patience, free
from weighbridge.sources.withings.application import WithingsApp
from weighbridge.sources.withings.status_codes import (
    NotUnderstood,
    RefreshRefused,
    TokenRefused,
)

if TYPE_CHECKING:
    import httpx2

TOKEN_PATH = "/v2/oauth2"  # noqa: S105 - a path, no secret
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

    def __init__(  # noqa: PLR0913  what is outside is passed in
        self,
        store: TokenStore,
        app: WithingsApp,
        client: httpx2.Client,
        brake: ApiPause,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        person: str | None = None,
        patience: float = PATIENCE,
        spend: Callable[[], None] = free,
    ) -> None:
        self._store = store
        self._app = app
        self._client = client
        self._clock = clock
        self._patience = Patience(brake, clock=clock, sleep=sleep, limit=patience, spend=spend)
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
        # The lease is taken inside, so that nobody holds it while the brake makes us wait.
        return self._patience.call(lambda: self._renewed_under_lease(stale))

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


_Token = Annotated[str, msgspec.Meta(pattern="^[!-~]+$")]  # it travels in a header


class _Answer(msgspec.Struct):
    """What a complete answer holds. ``userid`` is text or a number.

    Source: docs/reference/withings-api.md#token-requests.
    """

    userid: str | int
    access_token: _Token
    refresh_token: _Token
    expires_in: Annotated[int, msgspec.Meta(gt=0, le=10 * 366 * 86_400)]
    scope: Any = None


def request_tokens(
    app: WithingsApp,
    client: httpx2.Client,
    form: Mapping[str, str],
    *,
    clock: Callable[[], float],
    scope: str = "",
) -> TokenPair:
    """Ask the token endpoint once and accept nothing but a complete answer.

    ``scope`` is kept when the answer does not name one: it informs, nothing depends on it.
    Raises RefreshRefused, CodeExpired, ConfigProblem (the application is refused) or RetryLater.
    """
    from weighbridge.sources.withings.wire import post

    issued_at = int(clock())
    sent = {
        "action": "requesttoken",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        **form,
    }
    try:
        body = post(client, app.api_url + TOKEN_PATH, sent)
    except (NotUnderstood, TokenRefused) as problem:
        raise _refused(problem, form["grant_type"]) from problem
    answer = _complete(body)
    return TokenPair(
        userid=str(answer.userid),
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        expires_at=issued_at + answer.expires_in,
        scope=answer.scope if isinstance(answer.scope, str) and answer.scope else scope,
        issued_at=issued_at,
    )


def _refused(problem: NotUnderstood | TokenRefused, grant: str) -> Problem:
    """It is about the application, and no login would cure it.

    A renewal that was right yesterday is right today: a vague complaint about it will pass.
    """
    if grant == "refresh_token" and isinstance(problem, NotUnderstood) and problem.vague:
        return RetryLater(code="withings.not_renewed", cause=problem)
    return ConfigProblem(code="withings.application_refused", cause=problem)


def _complete(body: msgspec.Raw) -> _Answer:
    try:
        answer = msgspec.json.decode(body, type=_Answer, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        answer = None
    if answer is None or not answer.userid:
        # No cause is chained: it could show what stood in the answer.
        raise RetryLater(code="withings.tokens_incomplete")
    return answer
