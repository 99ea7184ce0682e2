"""Sign-in with JSON: the mobile flow and the portal flow.

Source: docs/reference/garmin.md#sign-in-requests.

Both load a page, post the credentials, post a code where one is asked for, and end with a
service ticket. ``Gate`` closes the flows on demand, as Garmin does when it takes a person for
a robot.
"""

from __future__ import annotations

from typing import Any

import msgspec

from weighbridge_sandbox.garmin.accounts import GarminAccount, GarminAccounts
from weighbridge_sandbox.garmin.sessions import Session, Sessions, Tickets
from weighbridge_sandbox.messages import Request, Response

FLOWS = ("mobile", "portal", "widget")
CAPTCHA = "captcha"

_SERVICES = {
    "GCM_IOS_DARK": "https://mobile.integration.garmin.com/gcm/ios",
    "GCM_ANDROID_DARK": "https://mobile.integration.garmin.com/gcm/android",
    "GarminConnect": "https://connect.garmin.com/app",
}
"""Client id → the only service for which it may ask for a ticket."""


class Gate:
    """Which sign-in flows are closed, and how they say so."""

    STATUSES = (403, 427, 429)

    def __init__(self) -> None:
        self.answer: int | str | None = None
        self.flows: frozenset[str] = frozenset()

    def close(self, answer: int | str | None, flows: list[str] | None = None) -> None:
        """Answer a status or ``captcha`` on these flows (None: on all). ``answer`` None opens all.

        Raises ValueError for an answer or a flow that does not exist.
        """
        if answer not in (*self.STATUSES, CAPTCHA, None):
            raise ValueError(f"answer must be one of {self.STATUSES}, {CAPTCHA!r} or null")
        unknown = set(flows or ()) - set(FLOWS)
        if unknown:
            raise ValueError(f"no flow is called {sorted(unknown)}; there are {FLOWS}")
        self.answer = answer
        self.flows = frozenset(FLOWS if flows is None else flows)

    def refusal(self, flow: str) -> Response | None:
        """The answer of a closed flow, or None when it is open or only wants a captcha."""
        if flow in self.flows and isinstance(self.answer, int):
            return Response.of_json({"error": {"status-code": str(self.answer)}}, self.answer)
        return None

    def wants_captcha(self, flow: str) -> bool:
        """Whether credentials are answered with a riddle that only a person can solve."""
        return flow in self.flows and self.answer == CAPTCHA


class SignInFlow:
    """What the flows have in common: whom they know, and the ticket at their end."""

    def __init__(
        self, accounts: GarminAccounts, sessions: Sessions, tickets: Tickets, gate: Gate
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._tickets = tickets
        self._gate = gate

    def _wait_for_code(self, session: Session, account: GarminAccount, *, is_sent: bool) -> None:
        session.account = account
        session.code_sent = is_sent

    def _ticket(self, session: Session, account: GarminAccount) -> str:
        session.account = None
        return self._tickets.issue(account, session.service)


class SignIn(SignInFlow):
    """``/mobile/...`` and ``/portal/...`` of the sign-in host."""

    def answer(self, request: Request) -> Response:
        """One step of the mobile or the portal flow."""
        flow, _, step = request.path.strip("/").partition("/")
        refusal = self._gate.refusal(flow)
        if refusal is not None:
            return refusal
        if request.method == "GET" and step.startswith("sso/") and step.endswith("/sign-in"):
            return self._page(request)
        if request.method == "POST" and step == "api/login":
            return self._log_in(request, flow)
        if request.method == "POST" and step == "api/mfa/verifyCode":
            return self._verify_code(request)
        return Response.of_json({"error": {"status-code": "404"}}, 404)

    def _page(self, request: Request) -> Response:
        headers = {"Content-Type": "text/html; charset=utf-8"}
        headers |= self._sessions.of_or_open(request).cookie
        return Response(headers=headers, body=b"<html><title>Garmin Connect</title></html>")

    def _log_in(self, request: Request, flow: str) -> Response:
        session = self._sessions.of(request)
        # Without the cookie of the sign-in page the real service answers 429, although nothing is
        # wrong with the address (docs/reference/garmin.md#sign-in-requests).
        if session is None or "referer" not in request.headers:
            return Response.of_json({"error": {"status-code": "429"}}, 429)
        service = _SERVICES.get(request.query.get("clientId", ""))
        if service is None or request.query.get("service") != service:
            return _status("INVALID_SERVICE")
        if self._gate.wants_captcha(flow):
            return _status("CAPTCHA_REQUIRED")
        wanted = _object_of(request)
        account = self._accounts.signed_in_by(wanted.get("username"), wanted.get("password"))
        if account is None:
            return _status("INVALID_USERNAME_PASSWORD")
        session.service = service
        return self._accept(session, account)

    def _accept(self, session: Session, account: GarminAccount) -> Response:
        if account.mfa_code is None:
            return self._success(session, account)
        self._wait_for_code(session, account, is_sent=True)
        return _status("MFA_REQUIRED", customerMfaInfo={"mfaLastMethodUsed": "email"})

    def _verify_code(self, request: Request) -> Response:
        session = self._sessions.of(request)
        if session is None or session.account is None:
            return _status("SESSION_EXPIRED")
        account = session.account
        if _object_of(request).get("mfaVerificationCode") != account.mfa_code:
            return _status("MFA_CODE_INVALID")
        return self._success(session, account)

    def _success(self, session: Session, account: GarminAccount) -> Response:
        return _status("SUCCESSFUL", serviceTicketId=self._ticket(session, account))


def _status(type_: str, **more: Any) -> Response:
    return Response.of_json({"responseStatus": {"type": type_, "message": ""}, **more})


def _object_of(request: Request) -> dict[str, Any]:
    """The JSON object of the body; anything else is an empty one and fails as wrong credentials."""
    try:
        content = request.json()
    except (msgspec.DecodeError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
