"""OAuth 2 for targets: the consent in a browser, and access tokens that are refreshed (RFC 6749).

A person opens a link, agrees, and brings back the address at which the browser ended: it holds a
code. That works at a terminal and on the pages, also for a service that cannot reach this computer.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater
from weighbridge.core.secret import Secret
from weighbridge.targets.base import Context, Session, SignedIn, SignInAnswers, WrongTicket
from weighbridge.targets.http import http_calls, trouble_of


class TokenLife[T: msgspec.Struct](ABC):
    """The login of one person, kept in a session. ``login`` is the command for a new one."""

    def __init__(self, session: Session, login: str) -> None:
        self._session = session
        self._login = login

    @abstractmethod
    def read(self, stored: Any) -> T | None:
        """The tokens in what the session holds; None when it is absent or incomplete."""

    @abstractmethod
    def is_old(self, tokens: T) -> bool:
        """Whether tokens are to be renewed before they are used."""

    @abstractmethod
    def renewed(self, tokens: T) -> T:
        """Ask for new tokens, once. Only a complete answer may be returned.

        Raises LoginNeeded when the other side does not know these, and RetryLater.
        """

    @abstractmethod
    def never_logged_in(self) -> LoginNeeded:
        """What to say when there are no tokens."""

    def current(self) -> T:
        """Tokens that can be used. Raises LoginNeeded or RetryLater."""
        tokens = self._load()
        return self.renew(tokens) if self.is_old(tokens) else tokens

    def renew(self, stale: T) -> T:
        """Replace tokens that are old or were refused, unless another process already did."""
        with self._session.lease():
            tokens = self._load()
            if tokens != stale and not self.is_old(tokens):
                return tokens
            return self._renew(tokens)

    def login_needed(self, problem: Problem) -> LoginNeeded:
        """The same problem with the command that cures it."""
        return LoginNeeded(code="target.log_in", cause=problem, login=self._login)

    def _renew(self, tokens: T) -> T:
        try:
            fresh = self.renewed(tokens)
        except LoginNeeded as problem:
            raise self.login_needed(problem) from None
        # Stored before it is used: the old refresh token may be dead from now on.
        self._session.store(msgspec.to_builtins(fresh), account=self._session.account() or "")
        return fresh

    def _load(self) -> T:
        tokens = self.read(self._session.load())
        if tokens is None:
            raise self.never_logged_in()
        return tokens


MARGIN_SECONDS = 60.0
"""A token with less life than this is refreshed before it is used."""

_Token = Annotated[str, msgspec.Meta(pattern="^[!-~]+$")]  # it travels in a header


class OAuthApp(msgspec.Struct, frozen=True, kw_only=True):
    """An application that is registered at a service."""

    service: str
    """How people call the service."""
    authorize_url: str
    """The page on which a person agrees."""
    token_url: str
    client_id: str
    client_secret: Secret
    redirect_url: str
    """Where the browser ends, exactly as it is registered; nothing needs to be there."""
    scope: str = ""

    def link(self, state: str) -> str:
        """The page on which a person agrees, for this one attempt."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_url,
            "state": state,
            **({"scope": self.scope} if self.scope else {}),
        }
        return f"{self.authorize_url}?{urlencode(query)}"


class OAuthTokens(msgspec.Struct, frozen=True):
    """What is stored of a login. It is never shown."""

    access_token: str
    refresh_token: str
    expires_at: float
    """The end of the access token's life, by our clock, in epoch seconds."""

    def __repr__(self) -> str:
        return "OAuthTokens(***)"


class _TokenAnswer(msgspec.Struct):
    """RFC 6749, section 5.1. Without a new refresh token the old one stays."""

    access_token: _Token
    refresh_token: _Token | None = None
    expires_in: Annotated[float, msgspec.Meta(gt=0, le=10 * 366 * 86_400)] = 3600.0


Account = Callable[[str], tuple[str, str]]
"""``account(access_token)``: who that is, as the service names it, and the same for people."""


def sign_in(
    app: OAuthApp, answers: SignInAnswers, account: Account, clock: Callable[[], float]
) -> SignedIn:
    """Have a person agree, and exchange the code.

    Raises WrongTicket, RetryLater and ConfigProblem (the application is refused).
    """
    if answers.ticket is None:
        raise ConfigProblem(code="oauth.needs_browser", service=app.service)
    state = secrets.token_urlsafe(16)
    code = _code_in(answers.ticket(app.link(state)), state, app.service)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_url}
    tokens = _ask(app, form, clock, refused=WrongTicket(code="oauth.code", service=app.service))
    if not tokens.refresh_token:
        raise RetryLater(code="oauth.incomplete", service=app.service)
    user, name = account(tokens.access_token)
    return SignedIn(msgspec.to_builtins(tokens), user, name)


class OAuthLife(TokenLife[OAuthTokens]):
    """The login of one person, refreshed under a lease and stored before it is used."""

    def __init__(self, app: OAuthApp, context: Context) -> None:
        super().__init__(context.session, context.login_command)
        self._app = app
        self._clock = context.clock

    def read(self, stored: Any) -> OAuthTokens | None:
        try:
            return msgspec.convert(stored, OAuthTokens)
        except msgspec.ValidationError:
            return None

    def is_old(self, tokens: OAuthTokens) -> bool:
        return tokens.expires_at - self._clock() < MARGIN_SECONDS

    def renewed(self, tokens: OAuthTokens) -> OAuthTokens:
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        ended = LoginNeeded(code="oauth.ended", service=self._app.service)
        fresh = _ask(self._app, form, self._clock, refused=ended)
        if fresh.refresh_token:
            return fresh
        return msgspec.structs.replace(fresh, refresh_token=tokens.refresh_token)

    def never_logged_in(self) -> LoginNeeded:
        return LoginNeeded(code="oauth.not_logged_in", service=self._app.service, login=self._login)


def _code_in(pasted: str, state: str, service: str) -> str:
    """The code in what was brought back: the address of the last page, or the code alone."""
    text = pasted.strip()
    if "?" not in text and "=" not in text and text:
        return text
    query = parse_qs(urlsplit(text).query or text)
    code, answered = (query.get(name, [""])[0] for name in ("code", "state"))
    if not code or answered != state:
        raise WrongTicket(code="oauth.address", service=service)
    return code


def _ask(
    app: OAuthApp, form: Mapping[str, str], clock: Callable[[], float], *, refused: LoginNeeded
) -> OAuthTokens:
    """Ask the token endpoint once. Raises ``refused`` for a code or token that it does not know."""
    asked_at = clock()
    secret = {"client_id": app.client_id, "client_secret": app.client_secret.reveal()}
    with http_calls(app.service, app.token_url) as calls:
        answer = calls.call("POST", "", content={**form, **secret})
    if answer.status in {400, 401}:
        said = answer.json()
        error = said.get("error") if isinstance(said, dict) else None
        if error == "invalid_client":
            raise ConfigProblem(code="oauth.app_refused", service=app.service)
        raise refused
    if problem := trouble_of(answer, app.service, "", writes=False):
        raise RetryLater(code="oauth.refused", service=app.service, cause=problem)
    try:
        found = msgspec.json.decode(answer.body, type=_TokenAnswer, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Not chained: it could show what stood in the answer.
        raise RetryLater(code="oauth.incomplete", service=app.service) from None
    return OAuthTokens(found.access_token, found.refresh_token or "", asked_at + found.expires_in)
