"""Who may call an endpoint: every route is wrapped by one of the four functions of ``Auth``.

The endpoints inside are plain functions. Each call runs in a thread of its own, so it may read the
database and ask other services; the event loop of the server never waits for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from weighbridge.config import everyone
from weighbridge.core.errors import RetryLater
from weighbridge.web.render import Message, Pages, may_be_a_page
from weighbridge.web.sessions import (
    SESSION_SECONDS,
    Authenticator,
    BrowserSession,
    WrongToken,
    session_of,
)

type Endpoint = Callable[[Request], Response]
type SignedInEndpoint = Callable[[SignedInRequest], Response]
type Guarded = Callable[[Request], Awaitable[Response]]

LARGEST_FORM = 16_384
"""Bytes."""
_FORM = "application/x-www-form-urlencoded"
_COOKIE = "weighbridge-session"
_READING = ("GET", "HEAD")

_SIGNED_OUT = Message("login.signed_out_title", ("login.signed_out",), "login.sign_in", "/sign-in")
_FOREIGN_FORM = Message("login.foreign_form_title", ("login.foreign_form",), "layout.home")


class SignedInRequest(Request):
    """What an endpoint behind ``require_admin`` or ``require_person`` gets."""

    def __init__(self, request: Request, visitor: BrowserSession) -> None:
        super().__init__(request.scope, request.receive)
        self.visitor = visitor

    @property
    def is_admin(self) -> bool:
        """Whether the visitor may see everything."""
        return self.visitor.person is None


class Auth:
    """Wraps the endpoints of one server, and begins and ends sessions."""

    def __init__(self, authenticator: Authenticator, pages: Pages) -> None:
        self._authenticator = authenticator
        self.sessions = authenticator.sessions
        self._pages = pages

    def require_admin(self, endpoint: SignedInEndpoint) -> Guarded:
        """For the admin. A form without the CSRF token of the session is refused."""
        return self._signed_in(endpoint, for_admin=True)

    def require_person(self, endpoint: SignedInEndpoint) -> Guarded:
        """For the admin, and for a person who came by a person link.

        The endpoint itself must ask ``may_see`` or ``visible``: a person sees no other person.
        """
        return self._signed_in(endpoint, for_admin=False)

    def public(self, endpoint: Endpoint) -> Guarded:
        """For everybody; the endpoint may ask ``session_of``."""

        async def open_to_all(request: Request) -> Response:
            self.authenticate(request)
            if request.method not in _READING:
                form = await _read_form(request)
                if form is None:
                    return self._foreign_form(request)
                request.state.form = form
            return await run_in_threadpool(endpoint, request)

        return open_to_all

    def require_token(self, endpoint: Endpoint) -> Guarded:
        """For programs that send ``Authorization: Bearer TOKEN``, and for the admin.

        Only for what changes nothing: no form is read here.
        """

        async def checked(request: Request) -> Response:
            session = self.authenticate(request)
            if session is None or session.person is not None:
                refusal = self._refuse_token(request)
                if refusal is not None:
                    return refusal
            return await run_in_threadpool(endpoint, request)

        return checked

    def may_see(self, request: Request, person: str) -> bool:
        """Whether there is such a person and the visitor may know of it.

        If not, answer with ``Pages.not_found``: exactly as if there were no such person.
        """
        session = session_of(request)
        if session is None or session.person not in (None, person):
            return False
        return self._pages.settings.directory.find(person) is not None

    def visible(self, request: Request) -> list[str]:
        """The names of the people whom the visitor may see, in the order of the configuration."""
        session = session_of(request)
        if session is None:
            return []
        directory = self._pages.settings.directory
        if session.person is not None:
            return [session.person] if directory.find(session.person) else []
        return [person.name for person in everyone(directory)]

    def authenticate(self, request: Request) -> BrowserSession | None:
        """Find the session of the request and keep it there, for ``session_of``."""
        cookie = request.cookies.get(_cookie_name(request))
        request.state.session = self.sessions.find(cookie) if cookie else None
        return session_of(request)

    def sign_in(self, request: Request, token: str) -> str:
        """Begin a session of the admin; returns the value of its cookie.

        Raises what ``Authenticator.sign_in`` raises.
        """
        cookie = self._authenticator.sign_in(token, address_of(request))
        self.sign_out(request)
        return cookie

    def start_session(self, request: Request, person: str, link: str) -> str:
        """Begin the session of a person who came by a link; returns the value of its cookie."""
        self.sign_out(request)
        return self.sessions.start(person, link)

    def sign_out(self, request: Request) -> None:
        """End the session of this browser."""
        self.sessions.end(request.cookies.get(_cookie_name(request), ""))

    def _signed_in(self, endpoint: SignedInEndpoint, *, for_admin: bool) -> Guarded:
        async def guarded(request: Request) -> Response:
            session = self.authenticate(request)
            if session is None:
                return self._ask_to_sign_in(request)
            if for_admin and session.person is not None:
                return await run_in_threadpool(self._pages.refuse, request, 403, "only_admin")
            if request.method not in _READING:
                form = await _read_form(request)
                if form is None or not session.has_csrf(form.get("csrf", "")):
                    return self._foreign_form(request)
                request.state.form = form
            return await run_in_threadpool(endpoint, SignedInRequest(request, session))

        return guarded

    def _ask_to_sign_in(self, request: Request) -> Response:
        if request.method not in _READING:
            return self._pages.message(request, _SIGNED_OUT, status=403)
        if not may_be_a_page(request):
            return self._pages.refuse(request, 401, "signed_out")
        wanted = self._pages.path_of(request)
        if request.url.query:
            wanted += f"?{request.url.query}"
        return self._pages.go_to("/sign-in", next=wanted)

    def _foreign_form(self, request: Request) -> Response:
        return self._pages.message(request, _FOREIGN_FORM, status=403)

    def _refuse_token(self, request: Request) -> Response | None:
        """None: the program sent the admin token."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            words = "Send the admin token: Authorization: Bearer TOKEN\n"
            return PlainTextResponse(words, 401, {"WWW-Authenticate": "Bearer"})
        try:
            self._authenticator.check(token, address_of(request))
        except WrongToken as problem:
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return PlainTextResponse(f"{problem}\n", 401, headers)
        except RetryLater as problem:
            return PlainTextResponse(f"{problem}\n", 429, retry_after(problem))
        return None


def form_of(request: Request) -> Mapping[str, str]:
    """The fields of the form that was sent; it was read and checked before the endpoint ran."""
    form: Mapping[str, str] = request.state.form
    return form


def set_session_cookie(request: Request, response: Response, cookie: str) -> None:
    """Send the cookie of a session.

    SameSite=Lax and not Strict: the way back from Withings begins on another site, and the browser
    must say then who it is. A Lax cookie goes with no form that another site makes it send.
    """
    response.set_cookie(
        _cookie_name(request),
        cookie,
        max_age=int(SESSION_SECONDS),
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def delete_session_cookie(request: Request, response: Response) -> None:
    """Have the browser forget its session."""
    response.delete_cookie(
        _cookie_name(request), path="/", secure=_is_secure(request), httponly=True, samesite="lax"
    )


def retry_after(problem: RetryLater) -> dict[str, str]:
    """The header that says when to come again, in whole seconds."""
    return {"Retry-After": f"{int(problem.after or 0) + 1}"}


def address_of(request: Request) -> str:
    """The visitor's IP address; ``RequestGuard`` has put in what a trusted proxy says."""
    return request.client.host if request.client else ""


def _cookie_name(request: Request) -> str:
    """``__Host-``: browsers take such a cookie over TLS only, and from this host itself only."""
    return f"__Host-{_COOKIE}" if _is_secure(request) else _COOKIE


def _is_secure(request: Request) -> bool:
    """``RequestGuard`` has put in the scheme that a trusted proxy names."""
    return bool(request.scope["scheme"] == "https")


async def _read_form(request: Request) -> dict[str, str] | None:
    """The fields of a small form; None for anything else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            return None
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=100))
    except ValueError:
        return None
