"""One person's account at TrainerRoad: signing in, and one weight, compared, written, read back.

Signing in is the only place where a password is sent, one attempt a call. Wrong passwords are
answered with status 200, so only the body counts (docs/reference/trainerroad.md#signing-in).
Repeated sign-ins were answered with 429 in 2026 (withings-sync#254): then, and when the route is
gone, the caller's circuit breaker opens and a cookie from a browser is the way in.

Every other call first proves that the session lives and belongs to the account that was logged in
(docs/reference/trainerroad.md#profile).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge.core.commands import login_command
from weighbridge.core.errors import (
    ConfigProblem,
    LoginNeeded,
    OutcomeUnknown,
    Problem,
    RetryLater,
    SignInBlocked,
)
from weighbridge.targets.base import SignedIn, WrongPassword, WrongTicket
from weighbridge.targets.http import HttpAnswer
from weighbridge.targets.trainerroad.trainerroad_http import (
    CHANGED_PAUSE_SECONDS,
    COOKIE,
    HOME,
    Wire,
    connected,
    is_cookie,
    session_in,
    trouble_of_read,
    trouble_of_write,
)
from weighbridge.targets.trainerroad.trainerroad_profile import (
    Member,
    RiderProfile,
    read_member,
    read_profile,
    read_success,
)

if TYPE_CHECKING:
    from weighbridge.targets.base import Context


MEMBER = "/app/api/member-info"
PROFILE = "/app/api/profile/rider-information"
PROFILE_PAGE = "/app/profile/rider-information"


class Written(msgspec.Struct, frozen=True):
    """What became of one weight. ``ftp_changed``: it is not what the profile held before."""

    is_new: bool
    ftp_changed: bool = False


class RiderAccount:
    """The operations. Making one touches nothing; each operation connects and leaves again."""

    def __init__(self, url: str, context: Context) -> None:
        self._url = url
        self._session = context.session
        self._login = context.login_command

    def member(self) -> Member:
        """Who is logged in. Raises LoginNeeded when it is not the one who logged in here."""
        with connected(self._url) as wire:
            return self._prove(wire)

    def set_weight(self, kg: Decimal) -> Written:
        """Bring the profile to this weight; nothing is written when it has it already.

        Raises LoginNeeded, RetryLater, Refused, and OutcomeUnknown when it could not be read back.
        """
        with connected(self._url) as wire:
            self._prove(wire)
            before = self._read(wire)
            if before.holds(kg):
                return Written(is_new=False)
            doubt = self._write(wire, before.with_weight(kg))
            after = self._read_back(wire, doubt)
        if not after.took(kg, before):
            raise _not_taken(doubt)
        return Written(is_new=True, ftp_changed=after.ftp != before.ftp)

    def _prove(self, wire: Wire) -> Member:
        """People do not mix: compare who answers with who logged in."""
        wire.cookie = self._cookie()
        answer, member = ask_member(wire, self._login)
        if member is None:
            raise LoginNeeded(code="trainerroad.login_ended", login=self._login)
        if member.account != self._session.account():
            raise LoginNeeded(code="trainerroad.other_account", login=self._login)
        self._keep_renewed(wire, session_in(answer))
        return member

    def _cookie(self) -> str:
        cookie = read_session(self._session.load())
        if cookie is None:
            raise LoginNeeded(code="trainerroad.not_logged_in", login=self._login)
        return cookie

    def _keep_renewed(self, wire: Wire, fresh: str) -> None:
        """Sites prolong a session by a new cookie now and then; the older one may be dead."""
        if not fresh or fresh == wire.cookie:
            return
        with self._session.lease():
            # Unless another process has signed in or renewed it in the meantime.
            if self._cookie() == wire.cookie:
                account = self._session.account() or ""
                self._session.store(session_of(fresh), account=account)
        wire.cookie = fresh

    def _read(self, wire: Wire) -> RiderProfile:
        answer = wire.call("GET", PROFILE, page=PROFILE_PAGE)
        if answer.status != 200:
            raise trouble_of_read(answer, "profile", self._login)
        return read_profile(answer.body)

    def _write(self, wire: Wire, content: bytes) -> OutcomeUnknown | None:
        """Send the profile; returns what leaves its outcome in doubt. Raises what stops it."""
        try:
            answer = wire.call("PUT", PROFILE, page=PROFILE_PAGE, content=content)
            problem = trouble_of_write(answer, self._login)
        except OutcomeUnknown as doubt:
            return doubt
        if problem is None or isinstance(problem, OutcomeUnknown):
            return problem
        raise problem

    def _read_back(self, wire: Wire, doubt: OutcomeUnknown | None) -> RiderProfile:
        try:
            return self._read(wire)
        except Problem as problem:
            raise doubt or OutcomeUnknown(code="trainerroad.not_read_back") from problem


def ask_member(wire: Wire, login: str) -> tuple[HttpAnswer, Member | None]:
    """Who is signed in with the wire's cookie; no member: no one is. Raises RetryLater."""
    answer = wire.call("GET", MEMBER, page="/app/career")
    if answer.status != 200:
        raise trouble_of_read(answer, "session_check", login)
    return answer, read_member(answer.body)


def session_of(cookie: str) -> dict[str, str]:
    """What is stored of a login."""
    return {"cookie": cookie}


def read_session(secret: Any) -> str | None:
    """The cookie of a stored login, or None when there is none that could be sent."""
    cookie = secret.get("cookie") if isinstance(secret, dict) else None
    return cookie if isinstance(cookie, str) and is_cookie(cookie) else None


def _not_taken(doubt: OutcomeUnknown | None) -> RetryLater:
    if doubt is not None:
        return RetryLater(code="trainerroad.not_taken")
    return RetryLater(code="trainerroad.not_kept", after=CHANGED_PAUSE_SECONDS)


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
        wire.cookie = session_in(answer)
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


def _check(answer: HttpAnswer) -> None:
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
    if not session_in(answer):
        raise SignInBlocked(code="trainerroad.no_session")


def _signed_in(wire: Wire) -> SignedIn | None:
    """Whose session it is; None when it is nobody's."""
    answer, member = ask_member(wire, login_command("trainerroad"))
    if member is None:
        return None
    # The check may prolong the session by a new cookie, and then the first one may be dead.
    return SignedIn(session_of(session_in(answer) or wire.cookie), member.account, member.name)
