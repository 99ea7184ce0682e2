"""Signing in at Withings: the link a person opens, what comes back, the exchange for tokens.

The code lives 30 seconds and works once, so it is exchanged the moment it arrives
(docs/reference/withings-api.md#consent).
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from weighbridge.core.errors import ConfigProblem, LoginNeeded
from weighbridge.core.token_pair import TokenPair
from weighbridge.sources.withings.application import WithingsApp
from weighbridge.sources.withings.token_refresh import request_tokens

if TYPE_CHECKING:
    import httpx2

SCOPE = "user.metrics,user.info,user.activity"
"""Measurements; devices and height; everything else that Weighbridge may read one day."""
CONSENT_PATH = "/oauth2_user/authorize2"

_CODE = re.compile(r"[A-Za-z0-9._~+/=-]{6,512}", re.ASCII)


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
    app: WithingsApp, code: str, client: httpx2.Client, clock: Callable[[], float]
) -> TokenPair:
    """Turn a code into tokens, at once. Raises CodeExpired, ConfigProblem or RetryLater."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.callback_url}
    return request_tokens(app, client, form, clock=clock, scope=SCOPE)


def _consent_refused(error: str) -> LoginNeeded:
    known = re.fullmatch(r"[a-z_]{1,40}", error)
    if not known:
        return LoginNeeded(code="withings.consent_refused")
    return LoginNeeded(code="withings.consent_refused_because", error=error)
