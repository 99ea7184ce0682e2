"""The sandbox's TrainerRoad: sign-in, session check, and the profile with the weight.

There is no public interface: what it answers is what clients of the web application saw, up to the
sign-in that was captured in September 2026 (docs/reference/trainerroad.md#signing-in). ``admin.py``
says what can be ordered.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from weighbridge_sandbox.accounts import Accounts
from weighbridge_sandbox.messages import Request, Response
from weighbridge_sandbox.trainerroad import profiles
from weighbridge_sandbox.trainerroad.accounts import Rider, first_accounts
from weighbridge_sandbox.trainerroad.admin import TrainerRoadActions
from weighbridge_sandbox.trainerroad.casing import CAMEL, HEADER, camel, pascal
from weighbridge_sandbox.trainerroad.profiles import Profiles
from weighbridge_sandbox.trainerroad.sessions import Cookies, cookie_header

LOGIN = "/app/api/login/login"
RETIRED_LOGIN = "/app/login"
MEMBER = "/app/api/member-info"

NOBODY = {"memberId": -1, "username": None}
"""No session is no error: the body says it (docs/reference/trainerroad.md#member)."""


class TrainerRoadCloud(TrainerRoadActions):
    """A stand-in for TrainerRoad. ``clock`` gives seconds since 1970.

    The same ``seed`` and the same requests give the same cookies.
    """

    name = "trainerroad"
    prefixes = ("/app/",)

    def __init__(self, *, clock: Callable[[], float], seed: int = 1) -> None:
        self._clock = clock
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """Forget everything: accounts, sessions, writes and what was ordered."""
        random = Random(self._seed)  # noqa: S311  # repeatable on purpose; it guards nothing
        self.accounts = Accounts(first_accounts(), first=51_000_001)
        self.sessions = Cookies(self._clock, random)
        self.profiles = Profiles(self._clock)
        self.always_pascal = False
        self.renews_cookie = False
        self.forgets_cookie = False

    def answer(self, request: Request) -> Response | None:
        """The answer, or None when the path is not one of TrainerRoad's."""
        path, method = request.path, request.method
        if not path.startswith(self.prefixes):
            return None
        if path == RETIRED_LOGIN:
            return _answer_retired_form(method)
        if path == LOGIN:
            return self._sign_in(request) if method == "POST" else Response(405)
        if path == MEMBER:
            return self._answer_member(request) if method == "GET" else Response(405)
        if path == profiles.PATH:
            return self._answer_profile(request)
        return Response.of_json({"message": "Not Found"}, 404)

    def _sign_in(self, request: Request) -> Response:
        """Always 200; ``success`` is what counts (docs/reference/trainerroad.md#signing-in)."""
        wanted = _credentials(request)
        if wanted is None:
            return Response.of_json({"message": "The request is invalid."}, 400)
        account = self.accounts.signed_in_by(wanted.get("username"), wanted.get("password"))
        if account is None:
            return self._cased(request, {"success": False, "redirectUrl": None})
        response = self._cased(request, {"success": True, "redirectUrl": _home(wanted, account)})
        if not self.forgets_cookie:
            response.headers |= cookie_header(self.sessions.begin(account.account_id))
        return response

    def _answer_member(self, request: Request) -> Response:
        member_id = self.sessions.member_of(request)
        if member_id is None:
            return self._cased(request, NOBODY)
        account = self.accounts.by_id(member_id)
        content = {"memberId": member_id, "username": account.username, "isActive": True}
        response = self._cased(request, content)
        if self.renews_cookie:
            self.renews_cookie = False
            self.sessions.expire(member_id)
            response.headers |= cookie_header(self.sessions.begin(member_id))
        return response

    def _answer_profile(self, request: Request) -> Response:
        member_id = self.sessions.member_of(request)
        if member_id is None:
            return Response.of_json({"message": "Authorization has been denied."}, 401)
        account = self.accounts.by_id(member_id)
        if request.method == "GET":
            return self._cased(request, self.profiles.read(account))
        if request.method == "PUT":
            return self.profiles.write(request, account)
        return Response(405)

    def _cased(self, request: Request, content: dict[str, Any]) -> Response:
        asked = request.headers.get(HEADER) == CAMEL and not self.always_pascal
        return Response.of_json(camel(content) if asked else pascal(content))


def _answer_retired_form(method: str) -> Response:
    """The form is gone since 2026: posting to it is answered with 429 (withings-sync#254)."""
    if method == "POST":
        return Response(429, {"Content-Type": "text/plain"}, b"Too Many Requests")
    return Response.of_html('<html><body><div id="root"></div></body></html>')


def _credentials(request: Request) -> dict[str, Any] | None:
    """The JSON object of a sign-in; None for a form, or whatever else it is."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        content = request.json()
    except (msgspec.DecodeError, ValueError):
        return None
    return camel(content) if isinstance(content, dict) else None


def _home(wanted: dict[str, Any], account: Rider) -> str:
    return str(wanted.get("returnUrl") or f"/app/career/{account.username}")
