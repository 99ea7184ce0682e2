"""Sign-in with pages: ``/sso/...``, for the library's widget flow and for a person's browser.

The browser is the way out when Garmin takes programs for robots
(docs/reference/garmin.md#signing-in):
``/sso/signin?service=...`` asks for e-mail and password, and leads to ``/sso/embed?ticket=ST-...``,
whose address the person copies into ``weighbridge login garmin --ticket``.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from weighbridge_sandbox.garmin.accounts import GarminAccount
from weighbridge_sandbox.garmin.sessions import Session
from weighbridge_sandbox.garmin.sign_in import SignInFlow
from weighbridge_sandbox.messages import Request, Response

EMBED = "https://sso.garmin.com/sso/embed"
"""The service for which the page issues tickets when its address names none."""

_TITLE = "GARMIN Authentication Application"
_CREDENTIALS = """<form method="post">
<label>Email <input name="username" type="email" required></label>
<label>Password <input name="password" type="password" required></label>
<input type="hidden" name="embed" value="true">
<input type="hidden" name="_csrf" value="{csrf}">
<button>Sign In</button></form>"""
_CODE = """<form method="post" action="/sso/verifyMFA/loginEnterMfaCode">
<label>Security code <input name="mfa-code" autocomplete="one-time-code" required></label>
<input type="hidden" name="embed" value="true">
<input type="hidden" name="_csrf" value="{csrf}">
<input type="hidden" name="fromPage" value="setupEnterMfaCode">
<button>Verify</button></form>
<script>
var customerGuid = "{guid}";
var mfaMethod = "email";
var locale = "en_US";
var clientId = "";
fetch("/sso/verifyMFA/mfaCode?clientId=", {{method: "POST",
  headers: {{"Content-Type": "application/json"}}, body: JSON.stringify({{mfaMethod}})}});
</script>"""
_SUCCESS = """<meta http-equiv="refresh" content="0; url=/sso/embed?ticket={ticket}">
<p><a href="/sso/embed?ticket={ticket}">Continue</a></p>"""
_TICKET = """<p>Signed in. Copy the address of this page, or the ticket below, into the program that
asked for it. It can be used once and expires within seconds.</p><p><code>{ticket}</code></p>"""


class Widget(SignInFlow):
    """``/sso/...`` of the sign-in host."""

    def answer(self, request: Request) -> Response:
        """One page of the widget flow."""
        refusal = self._gate.refusal("widget")
        if refusal is not None:
            return refusal
        pages: dict[str, Callable[[Request], Response]] = {
            "GET /sso/embed": self._embed,
            "GET /sso/signin": self._form,
            "POST /sso/signin": self._sign_in,
            "POST /sso/verifyMFA/mfaCode": self._send_code,
            "POST /sso/verifyMFA/loginEnterMfaCode": self._verify_code,
        }
        page = pages.get(f"{request.method} {request.path}")
        return page(request) if page else _page("Not Found", "<p>There is no such page.</p>", 404)

    def _form(self, request: Request) -> Response:
        return self._ask(self._sessions.of_or_open(request))

    def _embed(self, request: Request) -> Response:
        ticket = request.query.get("ticket")
        if ticket is not None:
            return _page("Signed in", _TICKET.format(ticket=escape(ticket)))
        page = _page("GARMIN SSO Embed", "")
        page.headers |= self._sessions.of_or_open(request).cookie
        return page

    def _ask(self, session: Session, title: str = _TITLE) -> Response:
        page = _page(title, _CREDENTIALS.format(csrf=session.csrf))
        page.headers |= session.cookie
        return page

    def _sign_in(self, request: Request) -> Response:
        session = self._sessions.of(request)
        form = request.form()
        if session is None or form.get("_csrf") != session.csrf:
            return _page("Forbidden", "<p>Open the sign-in page again.</p>", 403)
        if self._gate.wants_captcha("widget"):
            return _page("Just a moment...", "<p>Show that you are a person.</p>")
        account = self._accounts.signed_in_by(form.get("username"), form.get("password"))
        if account is None:
            return self._ask(session, "Invalid sign in")
        session.service = request.query.get("service", EMBED)
        if account.mfa_code is None:
            return self._success(session, account)
        # Unlike the mobile flow nothing is sent yet: a client that does not ask for the code
        # waits for ever (jaroslawhartman/withings-sync#252, cyberjunky/python-garminconnect#386).
        self._wait_for_code(session, account, is_sent=False)
        return _ask_code(session, account)

    def _send_code(self, request: Request) -> Response:
        session = self._sessions.of(request)
        if session is None or session.account is None:
            return Response.of_json({"error": "no sign-in is waiting for a code"}, 403)
        session.code_sent = True
        return Response.of_json({"sent": True})

    def _verify_code(self, request: Request) -> Response:
        session = self._sessions.of(request)
        form = request.form()
        if session is None or session.account is None or form.get("_csrf") != session.csrf:
            return _page("Forbidden", "<p>Open the sign-in page again.</p>", 403)
        account = session.account
        if not session.code_sent or form.get("mfa-code") != account.mfa_code:
            return _ask_code(session, account)
        return self._success(session, account)

    def _success(self, session: Session, account: GarminAccount) -> Response:
        return _page("Success", _SUCCESS.format(ticket=self._ticket(session, account)))


def _ask_code(session: Session, account: GarminAccount) -> Response:
    return _page(_TITLE, _CODE.format(csrf=session.csrf, guid=f"sandbox-{account.account_id}"))


def _page(title: str, body: str, status: int = 200) -> Response:
    head = f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}</title></head>'
    return Response.of_html(f"{head}<body><h1>{title}</h1>{body}</body></html>", status)
