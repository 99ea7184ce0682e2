"""One call of the Withings service: a form goes out, the body of a good answer comes back.

Everything else becomes a Problem: no connection, too slow, an HTTP error, half an answer
(docs/reference/withings-api.md#envelope), and every ``status`` but 0. The service answers HTTP 200
even for failures (docs/reference/withings-api.md#status-codes). The classes here refine those of
``core.errors``::

    LoginNeeded
      TokenRefused      the access token is expired or revoked: renew it once, repeat once
      RefreshRefused    the refresh token is dead: a person must log in
      CodeExpired       the code of a login is too old or was used: start the login again
    RetryLater
      TooManyCalls      wait ``wait`` seconds, all processes together, then repeat once
      CallbackRefused   it does not like the address that it is to notify: try again, for ever
    ConfigProblem
      NotForUs          it does not offer this to our application
    Problem
      NotUnderstood     the service refuses our parameters: no repetition would change that
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater
from weighbridge.core.form_client import CallFailed
from weighbridge.core.network import TIME_LIMIT, is_untrusted, within

if TYPE_CHECKING:
    from weighbridge.core.form_client import FormClient, FormResponse

SHORTEST_WAIT = 10.0
"""Seconds after status 601; identical calls are refused for that long
(docs/reference/withings-api.md#status-codes)."""
RATE_LIMIT_WAIT = 60.0
"""Seconds after "Too Many Requests" or HTTP 429 (docs/reference/withings-api.md#status-codes)."""
LONGEST_WAIT = 86_400.0
"""No answer of the service stops the application for longer than a day."""


class TokenRefused(LoginNeeded):
    """The access token is not accepted. Renewing it may help, once."""


class RefreshRefused(LoginNeeded):
    """The refresh token is not accepted. It will never be accepted again."""


class CodeExpired(LoginNeeded):
    """The code of a login lives 30 seconds and works once: this one does not work any more."""


class NotUnderstood(Problem):
    """The service finds our parameters wrong. Whose fault that is depends on the call.

    ``vague``: a 503 that names nothing of the application, neither id nor secret nor address.
    ``status``: the number of the answer, for calls that know more about it than this table.
    """

    def __init__(self, answer: str, *, vague: bool = False, status: int | None = None) -> None:
        super().__init__(code="withings.not_understood", answer=answer)
        self.vague = vague
        self.status = status


class TooManyCalls(RetryLater):
    """The service asks the whole application to wait for ``wait`` seconds."""

    def __init__(self, wait: float, answer: str) -> None:
        super().__init__(code="withings.wait", after=wait, seconds=round(wait), answer=answer)
        self.wait = wait


class CallbackRefused(RetryLater):
    """The service will not notify this address: not now, but often an hour later."""


class NotForUs(ConfigProblem):
    """The service knows the call and does not offer it to our application."""


_TOKEN_REFUSED = frozenset({100, 101, 102, 200, 401})
_OF_THE_APPLICATION = ("client_id", "client_secret", "redirect_uri", "callback")
_NOT_FOR_US = frozenset({214, 277, 2553, 2554, 2555})
_INVALID_PARAMS = (
    range(201, 214),
    range(216, 219),
    range(220, 222),
    (223, 225, 238, 254, 290, 297, 321, 400, 523, 532),
    range(227, 231),
    range(234, 237),
    range(240, 253),
    range(260, 268),
    range(271, 273),
    range(275, 277),
    range(283, 289),
    range(293, 296),
    range(300, 305),
    range(323, 354),
    range(380, 383),
    range(501, 512),
    range(3017, 3020),
)


def problem_of(status: int, text: str = "", wait_seconds: float | None = None) -> Problem:
    """The problem behind a ``status`` other than 0 (docs/reference/withings-api.md#status-codes).

    ``text`` is the ``error`` of the answer, already without secrets; ``wait_seconds`` comes from
    the body of a 601. A status that nobody knows counts as passing.
    """
    told = f"status {status}, {text}" if text else f"status {status}"
    if status in _TOKEN_REFUSED:
        return TokenRefused(code="withings.token_refused", answer=told)
    if status == 601:
        return _too_many_calls(told, text, wait_seconds)
    if status == 503:
        return _named_in_text(told, text.lower())
    if status in _NOT_FOR_US:
        return NotForUs(code="withings.not_offered", answer=told)
    if any(status in family for family in _INVALID_PARAMS):
        return NotUnderstood(told, status=status)
    return RetryLater(code="withings.passing", answer=told)


def _named_in_text(told: str, text: str) -> Problem:
    """503 has several meanings; its text tells (docs/reference/withings-api.md#status-codes)."""
    if "invalid refresh_token" in text:
        return RefreshRefused(code="withings.login_refused", answer=told)
    if "invalid code" in text:
        return CodeExpired(code="withings.code_expired", answer=told)
    vague = not any(name in text for name in _OF_THE_APPLICATION)
    return NotUnderstood(told, vague=vague, status=503)


def _too_many_calls(told: str, text: str, wait_seconds: float | None) -> TooManyCalls:
    """601 has two meanings: a repeated identical call (10 s) and the rate limit (60 s)."""
    least = RATE_LIMIT_WAIT if "too many" in text.lower() else SHORTEST_WAIT
    wait = bounded(wait_seconds, least)
    return TooManyCalls(wait, answer=told)


def problem_of_http(code: int, retry_after: float | None = None) -> Problem | None:
    """The problem behind an HTTP status, None if the body must decide.

    ``retry_after`` is what the header of that name asks for, in seconds.
    """
    if code == 429:
        wait = bounded(retry_after, RATE_LIMIT_WAIT)
        return TooManyCalls(wait, answer="HTTP 429")
    if code >= 500:
        after = None if retry_after is None else bounded(retry_after, 0.0)
        return RetryLater(code="withings.out_of_order", after=after, status=code)
    if 300 <= code < 400:
        return RetryLater(code="withings.elsewhere", status=code)
    return None


def bounded(asked: float | None, least: float) -> float:
    """The seconds to wait: what was asked for, not less than ``least``, not more than a day."""
    return min(max(least, asked or 0.0), LONGEST_WAIT)


_SECRET_FIELDS = frozenset({"client_secret", "code", "refresh_token", "access_token", "signature"})
_LONGEST_TEXT = 200


class _Envelope(msgspec.Struct):
    status: int
    body: msgspec.Raw = msgspec.Raw(b"")
    error: Any = None


class _Wait(msgspec.Struct):
    wait_seconds: float | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope, strict=False)
_WAIT = msgspec.json.Decoder(_Wait, strict=False)


def post(
    client: FormClient,
    url: str,
    form: Mapping[str, str],
    *,
    token: str | None = None,
    limit: float = TIME_LIMIT,
) -> msgspec.Raw:
    """Send a form and return the ``body`` of an answer with status 0; it may be empty.

    ``token`` travels as Bearer header, never in the URL. ``limit`` is in seconds, for the call as
    a whole. Raises the problems above; no message contains what is secret in the form.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = _send(client, url, form, headers, limit)
    secrets = [*_secrets_in(form), *([token] if token else [])]
    envelope = _envelope(response)
    if envelope is not None and envelope.status == 0 and 200 <= response.status < 300:
        return envelope.body
    raise _problem(response, envelope, secrets)


def _secrets_in(form: Mapping[str, str]) -> list[str]:
    """Of a callback it is the last part: it is the secret by which we are notified."""
    callback = form.get("callbackurl", "").rpartition("/")[2]
    return [*(form[name] for name in _SECRET_FIELDS & form.keys()), callback]


def _send(
    client: FormClient, url: str, form: Mapping[str, str], headers: dict[str, str], limit: float
) -> FormResponse:
    try:
        return within(limit, lambda: client.post(url, form, headers))
    except TimeoutError as error:
        raise RetryLater(code="withings.silent", seconds=round(limit)) from error
    except CallFailed as error:
        raise _no_connection(error) from error


def _no_connection(error: Exception) -> RetryLater:
    code = "withings.not_trusted" if is_untrusted(error) else "withings.no_connection"
    return RetryLater(code=code, error=printable(str(error)))


def _envelope(response: FormResponse) -> _Envelope | None:
    """The answer, None if it is not one: HTML of a proxy, half of it, the retired endpoint."""
    try:
        return _ENVELOPE.decode(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _problem(response: FormResponse, envelope: _Envelope | None, secrets: Iterable[str]) -> Problem:
    problem = problem_of_http(response.status, _retry_after(response.headers))
    if problem is not None:
        return problem
    if envelope is None or envelope.status == 0:
        if response.status == 401:
            return problem_of(401)
        return RetryLater(
            code="withings.not_an_answer", status=response.status, size=len(response.content)
        )
    text = envelope.error if isinstance(envelope.error, str) else ""
    return problem_of(envelope.status, printable(text, secrets), _wait_seconds(envelope.body))


def _wait_seconds(body: msgspec.Raw) -> float | None:
    try:
        return _WAIT.decode(body).wait_seconds
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None  # an empty list, or nothing at all


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, None if unknown. A date is compared with the answer's own date."""
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdecimal():
        return float(asked[:9])
    if not asked:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return (
            parsedate_to_datetime(asked) - parsedate_to_datetime(headers["date"])
        ).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None


def printable(text: str, secrets: Iterable[str] = ()) -> str:
    """A text of another side, fit for a message: no secret, no control character, not long."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return "".join(char for char in text if char.isprintable())[:_LONGEST_TEXT]
