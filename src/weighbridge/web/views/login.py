"""Signing in with the admin token, signing out, and the language menu in the footer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from weighbridge.core.errors import RetryLater
from weighbridge.i18n import LANGUAGES
from weighbridge.web.auth import (
    Auth,
    SignedInEndpoint,
    SignedInRequest,
    delete_session_cookie,
    form_of,
    retry_after,
    set_session_cookie,
)
from weighbridge.web.preferences import remember_language
from weighbridge.web.render import Pages
from weighbridge.web.sessions import WrongToken, session_of
from weighbridge.web.urls import local_path

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class Login:
    """The page on which to sign in.

    Its form has no CSRF token: there is no session yet, and anybody who knows the token may use it.
    """

    def __init__(self, pages: Pages, auth: Auth) -> None:
        self._pages = pages
        self._auth = auth

    def routes(self, sign_out: SignedInEndpoint | None = None) -> list[BaseRoute]:
        """What a visitor may use before there is a session. ``sign_out`` replaces ours."""
        auth = self._auth
        leave = auth.require_person(sign_out or self.sign_out)
        return [
            Route("/sign-in", auth.public(self.show)),
            Route("/sign-in", auth.public(self.sign_in), methods=["POST"]),
            Route("/sign-out", leave, methods=["POST"]),
            Route("/language", auth.public(self.choose_language), methods=["POST"]),
        ]

    def show(self, request: Request) -> Response:
        """The form; the admin who is signed in already goes on."""
        wanted = local_path(request.query_params.get("next", "/"))
        session = session_of(request)
        if session is not None and session.person is None:
            return self._pages.go_to(wanted)
        return self._form(request, wanted)

    def sign_in(self, request: Request) -> Response:
        """Begin a session and go where the visitor wanted to go."""
        form = form_of(request)
        wanted = local_path(form.get("next", "/"))
        try:
            cookie = self._auth.sign_in(request, form.get("token", ""))
        except WrongToken:
            return self._form(request, wanted, "wrong", status=403)
        except RetryLater as problem:
            wait = int(retry_after(problem)["Retry-After"])
            return self._form(request, wanted, "slowed", status=429, wait=wait)
        response = self._pages.go_to(wanted)
        set_session_cookie(request, response, cookie)
        return response

    def sign_out(self, request: SignedInRequest) -> Response:
        """End the session, here and in the browser."""
        self._auth.sign_out(request)
        response = self._pages.go_to("/sign-in")
        delete_session_cookie(request, response)
        return response

    def choose_language(self, request: Request) -> Response:
        """The language menu of any page; an unknown language changes nothing."""
        form = form_of(request)
        response = self._pages.go_to(local_path(form.get("next", "/")))
        if form.get("language") in LANGUAGES:
            remember_language(request, response, form["language"])
        return response

    def _form(
        self, request: Request, wanted: str, trouble: str = "", *, status: int = 200, wait: int = 0
    ) -> Response:
        """``trouble``: "wrong" or "slowed", then with the seconds to wait."""
        return self._pages.page(
            request,
            "sign-in.html",
            status=status,
            headers={"Retry-After": str(wait)} if wait else {},
            next=wanted,
            trouble=trouble,
            wait=wait,
        )
