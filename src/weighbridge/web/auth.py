"""The door before every page: who is it, and was the form made here?

Endpoints behind it are plain functions. They run in a thread of their own, so they may read the
archive and ask other services; the loop of the server never waits for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from weighbridge.core.errors import RetryLater
from weighbridge.web.authenticator import Admission, WrongToken
from weighbridge.web.render import Pages, may_be_a_page, session_of
from weighbridge.web.sessions import AGE, BrowserSession

if TYPE_CHECKING:
    from starlette.requests import Request

Endpoint = Callable[["Request"], Response]
Guarded = Callable[["Request"], Awaitable[Response]]

LARGEST_FORM = 16_384
"""Bytes."""
_FORM = "application/x-www-form-urlencoded"
_NAME = "weighbridge-session"


class Door:
    """Lets visitors in to the pages of one server."""

    def __init__(self, admission: Admission, pages: Pages) -> None:
        self._admission = admission
        self._pages = pages

    def admin(self, endpoint: Endpoint) -> Guarded:
        """For the admin. Forms without the word of the session are refused."""
        return self._guarded(endpoint, for_admin=True)

    def member(self, endpoint: Endpoint) -> Guarded:
        """For the admin, and for whoever came by a person link.

        The endpoint itself must ask ``may_see`` or ``visible``: a person sees no other person.
        """
        return self._guarded(endpoint, for_admin=False)

    def may_see(self, request: Request, person: str) -> bool:
        """Whether there is such a person and the visitor may know of it.

        If not, answer with ``Pages.not_found``: exactly as if there were nobody.
        """
        return person in self.visible(request)

    def visible(self, request: Request) -> list[str]:
        """The names of the people whom the visitor may see, as they are configured."""
        session = session_of(request)
        if session is None:
            return []
        names = [person.name for person in self._pages.settings.people]
        return [name for name in names if session.person in (None, name)]

    def _guarded(self, endpoint: Endpoint, *, for_admin: bool) -> Guarded:
        async def guarded(request: Request) -> Response:
            session = self.recognise(request)
            if session is None:
                return self._ask_in(request)
            if for_admin and session.person is not None:
                return await run_in_threadpool(self._pages.refuse, request, 403, "only_admin")
            if request.method not in ("GET", "HEAD"):
                form = await _read_form(request)
                if form is None or not session.wrote(form.get("csrf", "")):
                    return self._strange_form(request)
                request.state.form = form
            return await run_in_threadpool(endpoint, request)

        return guarded

    def anybody(self, endpoint: Endpoint) -> Guarded:
        """For everybody; the endpoint may ask ``session_of``."""

        async def open_to_all(request: Request) -> Response:
            self.recognise(request)
            if request.method not in ("GET", "HEAD"):
                form = await _read_form(request)
                if form is None:
                    return self._strange_form(request)
                request.state.form = form
            return await run_in_threadpool(endpoint, request)

        return open_to_all

    def script(self, endpoint: Endpoint) -> Guarded:
        """For programs that send ``Authorization: Bearer TOKEN``, and for the admin.

        Only for what changes nothing: no form is read here.
        """

        async def checked(request: Request) -> Response:
            session = self.recognise(request)
            if session is None or session.person is not None:
                refusal = self._refuse_script(request)
                if refusal is not None:
                    return refusal
            return await run_in_threadpool(endpoint, request)

        return checked

    def sign_in(self, request: Request, token: str) -> str:
        """What the cookie shall say. Raises what ``Admission.sign_in`` raises."""
        word = self._admission.sign_in(token, address_of(request))
        self._admission.sign_out(request.cookies.get(_cookie(request), ""))
        return word

    def sign_out(self, request: Request) -> None:
        """End the session of this browser."""
        self._admission.sign_out(request.cookies.get(_cookie(request), ""))

    def let_in(self, request: Request, person: str, link: str) -> str:
        """What the cookie of somebody shall say who came by a person link."""
        self._admission.sign_out(request.cookies.get(_cookie(request), ""))
        return self._admission.let_in(person, link)

    def recognise(self, request: Request) -> BrowserSession | None:
        """Find out who it is, for ``session_of``."""
        word = request.cookies.get(_cookie(request))
        request.state.session = self._admission.session(word) if word else None
        return session_of(request)

    def _ask_in(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return self._pages.page(request, "signed-out.html", status=403)
        if not may_be_a_page(request):
            return self._pages.refuse(request, 401, "signed_out")
        wanted = self._pages.path_of(request)
        if request.url.query:
            wanted += f"?{request.url.query}"
        return self._pages.go_to("/sign-in", next=wanted)

    def _strange_form(self, request: Request) -> Response:
        return self._pages.page(request, "strange-form.html", status=403)

    def _refuse_script(self, request: Request) -> Response | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            words = "Send the admin token: Authorization: Bearer TOKEN\n"
            return PlainTextResponse(words, 401, {"WWW-Authenticate": "Bearer"})
        try:
            self._admission.check(token, address_of(request))
        except WrongToken as problem:
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return PlainTextResponse(f"{problem}\n", 401, headers)
        except RetryLater as problem:
            return PlainTextResponse(f"{problem}\n", 429, retry_after(problem))
        return None


def form_of(request: Request) -> Mapping[str, str]:
    """The fields of the form that was sent. The door has read and checked it."""
    form: Mapping[str, str] = request.state.form
    return form


def give_cookie(request: Request, response: Response, word: str) -> None:
    """The cookie of a session.

    SameSite=Lax and not Strict: the way back from Withings begins on another site, and the browser
    must say then who it is. A Lax cookie goes with no form that another site makes it send.
    """
    response.set_cookie(
        _cookie(request),
        word,
        max_age=int(AGE),
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def take_cookie(request: Request, response: Response) -> None:
    """Have the browser forget its session."""
    response.delete_cookie(
        _cookie(request), path="/", secure=_is_secure(request), httponly=True, samesite="lax"
    )


def retry_after(problem: RetryLater) -> dict[str, str]:
    """The header that says when to come again, in whole seconds."""
    return {"Retry-After": f"{int(problem.after or 0) + 1}"}


def _cookie(request: Request) -> str:
    """``__Host-``: browsers take such a cookie over TLS only, and from this host itself only."""
    return f"__Host-{_NAME}" if _is_secure(request) else _NAME


def _is_secure(request: Request) -> bool:
    """The guard has put in the scheme that a trusted proxy names."""
    return bool(request.scope["scheme"] == "https")


def address_of(request: Request) -> str:
    """Where the visitor comes from; the guard has put in what a trusted proxy says."""
    return request.client.host if request.client else ""


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
