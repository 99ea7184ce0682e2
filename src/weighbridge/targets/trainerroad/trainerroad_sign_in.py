"""The interactive sign-in: the only place where a password is sent. One attempt a call.

Wrong passwords are answered with status 200, so only the body counts
(docs/reference/trainerroad.md#signing-in). Repeated sign-ins were answered with 429 in 2026
(withings-sync#254): then, and when the route is gone, the caller's circuit breaker opens and a
cookie from a browser is the way in.
"""

from __future__ import annotations

import re

import msgspec

from weighbridge.core.commands import login_command
from weighbridge.core.errors import ConfigProblem, LoginNeeded, RetryLater, SignInBlocked
from weighbridge.targets.base import SignedIn, WrongPassword, WrongTicket
from weighbridge.targets.trainerroad.trainerroad_account import ask_member, session_of
from weighbridge.targets.trainerroad.trainerroad_http import (
    COOKIE,
    HOME,
    TrainerRoadAnswer,
    Wire,
    connected,
    is_cookie,
)
from weighbridge.targets.trainerroad.trainerroad_profile import read_success

LOGIN = "/app/api/login/login"
LOGIN_PAGE = "/app/login"

_NAMED = re.compile(rf'{COOKIE}"?[\s=:]+"?([^\s;,"]+)')


def sign_in(url: str, username: str, password: str) -> SignedIn:
    """Sign in with user name (or e-mail) and password.

    Raises LoginNeeded (wrong password: try again at once), SignInBlocked (wait for hours),
    RetryLater (network or TrainerRoad out of order) and ConfigProblem.
    """
    if not (username and password):
        raise ConfigProblem(code="trainerroad.needs_both")
    content = _credentials(username, password)
    with connected(url) as wire:
        answer = wire.call("POST", LOGIN, page=LOGIN_PAGE, content=content)
        _check(answer)
        wire.cookie = answer.cookie
        signed_in = _signed_in(wire)
    if signed_in is None:
        raise LoginNeeded(code="trainerroad.session_invalid")
    return signed_in


def sign_in_with_cookie(url: str, text: str) -> SignedIn:
    """Take over a session that a person began in a browser.

    ``text`` is the value of the cookie, or anything that names it. Raises like ``sign_in``.
    """
    cookie = find_cookie(text)
    if cookie is None:
        raise WrongTicket(code="trainerroad.not_the_cookie", cookie=COOKIE)
    with connected(url) as wire:
        wire.cookie = cookie
        signed_in = _signed_in(wire)
    if signed_in is None:
        raise WrongTicket(code="trainerroad.cookie_refused")
    return signed_in


def find_cookie(text: str) -> str | None:
    """The value of the cookie in what a person pasted: alone, named, or in a whole header. Pure."""
    named = _NAMED.search(text)
    value = named[1] if named else text.strip().strip('"')
    return value if is_cookie(value) else None


def browser_url(url: str) -> str:
    """The page to sign in at with a browser."""
    return (url.rstrip("/") or HOME) + LOGIN_PAGE


def _credentials(username: str, password: str) -> bytes:
    content = {"username": username, "password": password, "returnUrl": None}
    try:
        return msgspec.json.encode(content)
    except UnicodeEncodeError:
        raise ConfigProblem(code="trainerroad.not_sendable") from None


def _check(answer: TrainerRoadAnswer) -> None:
    """Return when the sign-in worked."""
    success = read_success(answer.body) if answer.status == 200 else None
    if success is False or answer.status == 401:
        raise WrongPassword(code="trainerroad.wrong_password")
    if answer.status in {403, 429}:
        raise SignInBlocked(code="trainerroad.sign_in_blocked", status=answer.status)
    if answer.status == 408 or answer.status >= 500:
        raise RetryLater(code="trainerroad.sign_in_out_of_order", status=answer.status)
    if success is None:
        raise SignInBlocked(code="trainerroad.sign_in_changed", status=answer.status)
    if not answer.cookie:
        raise SignInBlocked(code="trainerroad.no_session")


def _signed_in(wire: Wire) -> SignedIn | None:
    """Whose session it is; None when it is nobody's."""
    answer, member = ask_member(wire, login_command("trainerroad"))
    if member is None:
        return None
    # The check may prolong the session by a new cookie, and then the first one may be dead.
    return SignedIn(session_of(answer.cookie or wire.cookie), member.account, member.name)
