"""Signing in at Withings: the registered application, the link that a person opens, the tokens.

The code that comes back lives 30 seconds and works once, so it is exchanged the moment it arrives
(docs/reference/withings-api.md#consent).
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs, urlencode

import msgspec

from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater
from weighbridge.core.reason import Reason, reason
from weighbridge.core.secret import TokenPair
from weighbridge.sources.withings import CALLBACK_URL
from weighbridge.sources.withings.wire import NotUnderstood, TokenRefused, post

if TYPE_CHECKING:
    from weighbridge.core.form_client import FormClient

API_URL = "https://wbsapi.withings.net"
CONSENT_URL = "https://account.withings.com"
TOKEN_PATH = "/v2/oauth2"  # noqa: S105 - a path, no secret
SCOPE = "user.metrics,user.info,user.activity"
"""Measurements; devices and height; everything else that Weighbridge may read one day."""
CONSENT_PATH = "/oauth2_user/authorize2"

_CODE = re.compile(r"[A-Za-z0-9._~+/=-]{6,512}", re.ASCII)


def how_to_register() -> Reason:
    """Five lines for a person who has no application (docs/reference/withings-api.md#consent)."""
    return reason("withings.how_to_register", callback=CALLBACK_URL)


class WithingsApp(msgspec.Struct, frozen=True):
    """What Withings knows the application by. The secret never appears when it is printed."""

    client_id: str
    client_secret: str
    callback_url: str = CALLBACK_URL
    url: str | None = None
    """Another address for all of Withings, for instance a sandbox; None: the real one."""

    @property
    def api_url(self) -> str:
        """The host of tokens and data (docs/reference/withings-api.md#hosts-and-calls)."""
        return (self.url or API_URL).rstrip("/")

    @property
    def consent_url(self) -> str:
        """The host of the consent page, without a slash at its end."""
        return (self.url or CONSENT_URL).rstrip("/")

    def __repr__(self) -> str:
        return (
            f"WithingsApp(client_id={self.client_id!r}, client_secret='***', "
            f"callback_url={self.callback_url!r}, url={self.url!r})"
        )

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("client_id", self.client_id), ("callback_url", self.callback_url)]


class _AppFile(msgspec.Struct):
    client_id: str
    consumer_secret: str
    callback_url: str = CALLBACK_URL


def read_app_file(path: Path) -> WithingsApp:
    """Read the ``withings_app.json`` format: ``client_id``, ``consumer_secret``, ``callback_url``.

    Other keys are ignored; without ``callback_url`` the default stands. Raises ConfigProblem.
    """
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")  # Windows editors write a mark
        file = msgspec.json.decode(content, type=_AppFile)
    except OSError as error:
        raise ConfigProblem(
            code="withings.application_unreadable", path=str(path), error=error.strerror
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigProblem(
            code="withings.application_unusable", path=str(path), error=str(error)
        ) from None
    if not file.client_id or not file.consumer_secret:
        raise ConfigProblem(code="withings.application_empty", path=str(path))
    return WithingsApp(file.client_id, file.consumer_secret, file.callback_url)


def new_state(random: Callable[[int], bytes] = os.urandom) -> str:
    """A word that nobody can guess, for one sign-in."""
    return random(24).hex()


def consent_url(app: WithingsApp, state: str, scope: str = SCOPE, base: str | None = None) -> str:
    """The link under which a person allows the application to read the measurements.

    ``base`` is the host of the consent page; None: the application's own.
    """
    query = urlencode(
        {
            "response_type": "code",
            "client_id": app.client_id,
            "scope": scope,
            "redirect_uri": app.callback_url,
            "state": state,
        },
        safe=",",
    )
    return f"{(base or app.consent_url).rstrip('/')}{CONSENT_PATH}?{query}"


def same(left: str, right: str) -> bool:
    """Compare two secrets in a time that tells nothing about them."""
    return hmac.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))


def read_redirect(query: str, state: str) -> str:
    """The code in the query of a redirect back to us.

    Raises ConfigProblem when it holds no code or belongs to another sign-in, LoginNeeded when
    consent was refused. A refusal may come without a state, because the vendor says nothing
    about refusals (docs/reference/withings-api.md#consent), a code may not.
    """
    fields = {name: texts[-1] for name, texts in parse_qs(query).items()}
    if not fields.keys() & {"code", "error"}:
        raise ConfigProblem(code="withings.no_code")
    if not same(fields.get("state", "" if "code" in fields else state), state):
        raise ConfigProblem(code="withings.other_login")
    if "error" in fields:
        raise _consent_refused(fields["error"])
    return _checked(fields["code"])


def read_pasted(text: str, state: str) -> str:
    """The code in what a person pasted: the bare code or the whole redirect address.

    Raises ConfigProblem for what cannot be a code, LoginNeeded when consent was refused.
    """
    text = text.strip(" \t\r\n\"'<>")
    if not text:
        raise ConfigProblem(code="withings.nothing_pasted")
    if CONSENT_PATH in text:
        raise ConfigProblem(code="withings.link_pasted")
    if not any(mark in text for mark in ("://", "code=", "error=")):
        return _checked(text)
    address = "".join(text.split())  # a terminal breaks long lines
    query = address.partition("?")[2] or address
    return read_redirect(query.partition("#")[0], state)


def _checked(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise ConfigProblem(code="withings.not_a_code")
    return code


def exchange(
    app: WithingsApp, code: str, client: FormClient, clock: Callable[[], float]
) -> TokenPair:
    """Turn a code into tokens, at once. Raises CodeExpired, ConfigProblem or RetryLater."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.callback_url}
    return request_tokens(app, client, form, clock=clock, scope=SCOPE)


def _consent_refused(error: str) -> LoginNeeded:
    known = re.fullmatch(r"[a-z_]{1,40}", error)
    if not known:
        return LoginNeeded(code="withings.consent_refused")
    return LoginNeeded(code="withings.consent_refused_because", error=error)


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
    client: FormClient,
    form: Mapping[str, str],
    *,
    clock: Callable[[], float],
    scope: str = "",
) -> TokenPair:
    """Ask the token endpoint once and accept nothing but a complete answer.

    ``scope`` is kept when the answer does not name one: it informs, nothing depends on it.
    Raises RefreshRefused, CodeExpired, ConfigProblem (the application is refused) or RetryLater.
    """
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
