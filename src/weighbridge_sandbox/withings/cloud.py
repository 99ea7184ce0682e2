"""The Withings cloud, as far as Weighbridge needs it, with its real rules.

Its rules are those of docs/reference/withings-api.md#the-service, its answers look like recorded
ones.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.messages import Request, Response
from weighbridge_sandbox.requests import fields_of
from weighbridge_sandbox.withings.admin import WithingsActions
from weighbridge_sandbox.withings.answers import (
    Failure,
    Repetitions,
    invalid,
    not_logged_in,
    success,
    unknown_action,
)
from weighbridge_sandbox.withings.consent import ask_consent
from weighbridge_sandbox.withings.household import Household, Profile
from weighbridge_sandbox.withings.measures import PAGE_SIZE, read_measures
from weighbridge_sandbox.withings.notify import Subscriptions
from weighbridge_sandbox.withings.post import PostOffice
from weighbridge_sandbox.withings.signature import Nonces
from weighbridge_sandbox.withings.tokens import Tokens
from weighbridge_sandbox.withings.user import list_devices, list_goals

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105  # there is nothing behind it
_DATA_ACTIONS = frozenset({"getmeas", "getdevice", "getgoals"})
_SCOPES_OF = {
    "/measure": {"user.metrics"},
    "/v2/user": {"user.info", "user.metrics"},
    "/notify": {"user.metrics", "user.activity", "user.info"},
}
"""One of these scopes must have been granted (docs/reference/withings-api.md#scopes)."""


class WithingsCloud(WithingsActions):
    """Consent page, tokens, measurements, devices, goals and notifications of one household.

    ``household`` is filled by its own methods; ``admin.py`` is what ``/sandbox/withings/`` offers.
    """

    name = "withings"
    prefixes = ("/measure", "/notify", "/v2/", "/oauth2_user/")

    def __init__(
        self,
        *,
        clock: Callable[[], float] | None = None,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self.clock = Clock() if clock is None else clock
        self.household = Household(self.clock)
        self.tokens = Tokens(self.clock, client_id=client_id, client_secret=client_secret)
        self.nonces = Nonces(self.clock, client_id=client_id, client_secret=client_secret)
        self.subscriptions = Subscriptions()
        self.post_office = PostOffice()
        self.repetitions = Repetitions(self.clock, 0)
        self.page_size = page_size

    def answer(self, request: Request) -> Response | None:
        if not request.path.startswith(self.prefixes):
            return None
        params = read_params(request)
        if request.path == "/oauth2_user/authorize2":
            return ask_consent(params, self.household.profiles.values(), self.tokens)
        try:
            return self._serve(request, params)
        except Failure as failure:
            return failure.response()

    def close(self) -> None:
        self.post_office.close()

    def _serve(self, request: Request, params: dict[str, str]) -> Response:
        """One call of the API. Raises Failure."""
        action = params.get("action", "")
        match request.path, action:
            case "/v2/oauth2", "requesttoken":
                return success(self.tokens.request(params))
            case "/v2/oauth2", "revoke":
                return self._revoke(params)
            case "/v2/signature", "getnonce":
                return success(self.nonces.issue(params))
            case ("/measure", "getmeas") | ("/v2/user", "getdevice" | "getgoals") | ("/notify", _):
                profile = self._caller(request, params)
                return self._serve_user(profile, request.path, action, params)
        raise unknown_action()

    def _serve_user(
        self, profile: Profile, path: str, action: str, params: dict[str, str]
    ) -> Response:
        if action in _DATA_ACTIONS:
            self.repetitions.check(profile.userid, path, *sorted(params.items()))
        if action == "getmeas":
            return read_measures(profile, params, int(self.clock()), self.page_size)
        if action == "getdevice":
            return success(list_devices(profile))
        if action == "getgoals":
            return success(list_goals(profile))
        return success(self.subscriptions.answer(action, profile.userid, params))

    def _caller(self, request: Request, params: dict[str, str]) -> Profile:
        """Whose access token it is: the header's, else the form field's. Raises Failure."""
        header = request.headers.get("authorization", "")
        token = header.removeprefix("Bearer ") if header else params.pop("access_token", "")
        access = self.tokens.use(token)
        profile = self.household.by_userid(access.userid) if access else None
        if access is None or profile is None:
            raise not_logged_in()
        if _SCOPES_OF[request.path].isdisjoint(access.scope.split(",")):
            raise Failure(2553, "The scope that was granted does not cover this call")
        return profile

    def _revoke(self, params: dict[str, str]) -> Response:
        """``action=revoke``, signed with a nonce or, more simply, with the secret itself."""
        if "nonce" in params:
            self.nonces.check(params)
        else:
            self.tokens.check_client(params)
        userid = params.get("userid", "")
        profile = self.household.by_userid(int(userid)) if userid.isdecimal() else None
        if profile is None:
            raise invalid("userid")
        self.tokens.revoke(profile.userid)
        self.subscriptions.forget(profile.userid)
        return success({})


def read_params(request: Request) -> dict[str, str]:
    """Query, form and JSON fields together.

    Source: docs/reference/withings-api.md#hosts-and-calls.
    """
    params = fields_of(request)
    if "json" in request.headers.get("content-type", ""):
        try:
            content = request.json()
        except msgspec.DecodeError:
            return params
        if isinstance(content, dict):
            params |= {str(key): str(value) for key, value in content.items()}
    return params
