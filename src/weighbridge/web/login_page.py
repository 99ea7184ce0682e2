"""Signing in with the admin token, and signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.core.errors import RetryLater
from weighbridge.web.auth import Door, form_of, give_cookie, retry_after, take_cookie
from weighbridge.web.authenticator import WrongToken
from weighbridge.web.host_names import local_path
from weighbridge.web.render import Pages, session_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


class Entrance:
    """The page to sign in.

    Its form needs no word of a session: there is none yet, and whoever knows the token may come in.
    """

    def __init__(self, pages: Pages, door: Door) -> None:
        self._pages = pages
        self._door = door

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
            word = self._door.sign_in(request, form.get("token", ""))
        except WrongToken:
            return self._form(request, wanted, "wrong", status=403)
        except RetryLater as problem:
            wait = int(retry_after(problem)["Retry-After"])
            return self._form(request, wanted, "slowed", status=429, wait=wait)
        response = self._pages.go_to(wanted)
        give_cookie(request, response, word)
        return response

    def sign_out(self, request: Request) -> Response:
        """End the session, here and in the browser."""
        self._door.sign_out(request)
        response = self._pages.go_to("/sign-in")
        take_cookie(request, response)
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
