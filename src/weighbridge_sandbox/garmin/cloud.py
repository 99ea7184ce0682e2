"""The sandbox's Garmin: sign-in, tokens, profile, upload, weight and blood pressure.

What it answers is what the real service was seen to answer (docs/reference/garmin.md#calls), as far
as the library ``garminconnect`` and our own client use it. All hosts of Garmin stand on one port:
their paths do not collide. ``admin.py`` says what can be ordered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from weighbridge_sandbox.accounts import Accounts
from weighbridge_sandbox.garmin import pressure, tokens, upload, weight
from weighbridge_sandbox.garmin.accounts import GarminAccount, answer_profile, default_accounts
from weighbridge_sandbox.garmin.admin import GarminActions
from weighbridge_sandbox.garmin.pressure import Pressures
from weighbridge_sandbox.garmin.sessions import Sessions, Tickets
from weighbridge_sandbox.garmin.sign_in import Gate, SignIn
from weighbridge_sandbox.garmin.tokens import Tokens
from weighbridge_sandbox.garmin.upload import Uploads
from weighbridge_sandbox.garmin.weight import WeighIns
from weighbridge_sandbox.garmin.widget import Widget
from weighbridge_sandbox.messages import Request, Response

_REQUIRED = {
    "user-agent": "GCM-",
    "x-garmin-user-agent": "com.garmin.android.apps.connectmobile/",
    "x-garmin-paired-app-version": "",
    "x-garmin-client-platform": "",
    "x-app-ver": "",
    "x-lang": "",
    "x-gcexperience": "",
}
"""Header → how its value begins (docs/reference/garmin.md#headers)."""


class GarminCloud(GarminActions):
    """A stand-in for Garmin Connect. ``clock`` gives seconds since 1970.

    The same ``seed`` and the same requests give the same tokens and numbers.
    """

    name = "garmin"
    prefixes = (
        "/mobile/",
        "/portal/",
        "/sso/",
        "/di-oauth2-service/",
        "/userprofile-service/",
        "/upload-service/",
        "/weight-service/",
        "/bloodpressure-service/",
    )

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        seed: int = 1,
        accounts: Callable[[], Sequence[GarminAccount]] = default_accounts,
    ) -> None:
        self._clock = clock
        self._seed = seed
        self._first_accounts = accounts
        self.reset()

    def reset(self) -> None:
        """Forget everything: accounts, tokens, readings and what was ordered."""
        random = Random(self._seed)  # noqa: S311  # repeatable on purpose; it guards nothing
        self.accounts = Accounts(self._first_accounts(), first=81_000_001)
        self.gate = Gate()
        sessions, tickets = Sessions(random), Tickets(self._clock, random)
        self.sign_in = SignIn(self.accounts, sessions, tickets, self.gate)
        self.widget = Widget(self.accounts, sessions, tickets, self.gate)
        self.tokens = Tokens(self._clock, random, self.accounts, tickets)
        self.weigh_ins = WeighIns(self._clock)
        self.pressures = Pressures(self._clock)
        self.uploads = Uploads(self._clock, random, self.weigh_ins)

    def answer(self, request: Request) -> Response | None:
        """The answer, or None when the path is not one of Garmin's."""
        path = request.path
        if not path.startswith(self.prefixes):
            return None
        if path.startswith("/sso/"):
            return self.widget.answer(request)
        if path.startswith(("/mobile/", "/portal/")):
            return self.sign_in.answer(request)
        return self._answer_application(request)

    def _answer_application(self, request: Request) -> Response:
        """One call that only Garmin's own application makes."""
        missing = missing_headers(request)
        if missing:
            return Response.of_json({"message": f"HTTP 403 Forbidden: {missing}"}, 403)
        if request.path == tokens.PATH:
            return self.tokens.answer(request)
        account = self.tokens.account_of(request)
        if account is None:
            return Response.of_json({"message": "Token is not active"}, 401)
        return self._answer_account(request, account)

    def _answer_account(self, request: Request, account: GarminAccount) -> Response:
        """One call of somebody who is signed in."""
        path = request.path
        if path.startswith("/userprofile-service/"):
            return answer_profile(request, account)
        if path.startswith(weight.PREFIX):
            return self.weigh_ins.answer(request, account)
        if path.startswith(pressure.PREFIX):
            return self.pressures.answer(request, account)
        if path == upload.PATH and request.method == "POST":
            return self.uploads.answer(request, account)
        return Response.of_json({"message": "HTTP 404 Not Found"}, 404)


def missing_headers(request: Request) -> list[str]:
    """The headers of the Garmin application that the request lacks."""
    return [
        name
        for name, start in _REQUIRED.items()
        if not request.headers.get(name, "").startswith(start) or name not in request.headers
    ]
