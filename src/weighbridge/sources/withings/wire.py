"""One call of the Withings service: a form goes out, the body of a good answer comes back.

Everything else becomes a Problem here: no connection, too slow, an HTTP error, something that is
not JSON, half an answer, an unsuccessful status (docs/reference/withings-api.md#envelope).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge.core.errors import Problem, RetryLater
from weighbridge.core.network import TIME_LIMIT, is_untrusted, within
from weighbridge.sources.withings.status_codes import problem_of, problem_of_http

if TYPE_CHECKING:
    import httpx2

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
    client: httpx2.Client,
    url: str,
    form: Mapping[str, str],
    *,
    token: str | None = None,
    limit: float = TIME_LIMIT,
) -> msgspec.Raw:
    """Send a form and return the ``body`` of an answer with status 0; it may be empty.

    ``token`` travels as Bearer header, never in the URL. ``limit`` is in seconds, for the call as
    a whole. Raises the problems of ``status.py``; no message contains what is secret in the form.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = _send(client, url, form, headers, limit)
    secrets = [*_secrets_in(form), *([token] if token else [])]
    envelope = _envelope(response)
    if envelope is not None and envelope.status == 0 and response.is_success:
        return envelope.body
    raise _problem(response, envelope, secrets)


def _secrets_in(form: Mapping[str, str]) -> list[str]:
    """Of a callback it is the last part: it is the secret by which we are notified."""
    callback = form.get("callbackurl", "").rpartition("/")[2]
    return [*(form[name] for name in _SECRET_FIELDS & form.keys()), callback]


def _send(
    client: httpx2.Client, url: str, form: Mapping[str, str], headers: dict[str, str], limit: float
) -> httpx2.Response:
    import httpx2

    try:
        return within(limit, lambda: client.post(url, data=form, headers=headers))
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise RetryLater(code="withings.silent", seconds=round(limit)) from error
    except httpx2.RequestError as error:
        raise _no_connection(error) from error


def _no_connection(error: Exception) -> RetryLater:
    text = printable(str(error))
    reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
    code = "withings.not_trusted" if is_untrusted(error) else "withings.no_connection"
    return RetryLater(code=code, error=reason)


def _envelope(response: httpx2.Response) -> _Envelope | None:
    """The answer, None if it is not one: HTML of a proxy, half of it, the retired endpoint."""
    try:
        return _ENVELOPE.decode(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _problem(
    response: httpx2.Response, envelope: _Envelope | None, secrets: Iterable[str]
) -> Problem:
    problem = problem_of_http(response.status_code, _retry_after(response.headers))
    if problem is not None:
        return problem
    if envelope is None or envelope.status == 0:
        if response.status_code == 401:
            return problem_of(401)
        return RetryLater(
            code="withings.not_an_answer", status=response.status_code, size=len(response.content)
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
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdecimal():
        return float(asked[:9])
    if not asked:
        return None
    from email.utils import parsedate_to_datetime

    try:
        return (
            parsedate_to_datetime(asked) - parsedate_to_datetime(headers["Date"])
        ).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None


def printable(text: str, secrets: Iterable[str] = ()) -> str:
    """A text of another side, fit for a message: no secret, no control character, not long."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return "".join(char for char in text if char.isprintable())[:_LONGEST_TEXT]
