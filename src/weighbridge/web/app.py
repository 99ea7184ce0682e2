"""The web edge put together: all routes behind the guard, and an answer for unforeseen errors."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount

from weighbridge.web import monitoring_routes, webhook
from weighbridge.web.auth import Auth
from weighbridge.web.render import Pages, static_routes, wants_a_page
from weighbridge.web.security import RequestGuard
from weighbridge.web.traceback_summary import where_of
from weighbridge.web.urls import prefix
from weighbridge.web.views import (
    connect,
    deliveries,
    diary,
    events,
    history,
    household,
    overview,
    setup_done,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from weighbridge.web.app_context import AppContext

_log = logging.getLogger(__name__)

_PAGES = (connect, overview, events, history, diary, deliveries, household, setup_done)
"""The modules that make pages. connect is first: the way back from Withings may lead to ``/``."""

_REASONS = {404: "not_found", 405: "not_understood"}


def create_app(context: AppContext) -> ASGIApp:
    """The ASGI app of one server; ``weighbridge.web.server`` serves it."""
    pages = Pages(context.settings)
    auth = Auth(context.authenticator, pages)
    found: list[BaseRoute] = [*webhook.routes(context), *monitoring_routes.routes(context, auth)]
    for module in _PAGES:
        found += module.routes(context, auth, pages)
    return put_together(found, auth, pages)


def put_together(found: list[BaseRoute], auth: Auth, pages: Pages) -> ASGIApp:
    """An app of these routes and the files that every page needs, behind the guard."""
    found = [*found, *static_routes()]
    refusals = Refusals(auth, pages)
    before = prefix(pages.settings)
    app = Starlette(
        # Some proxies take the prefix of their address away, some do not.
        routes=[*found, Mount(before, routes=found)] if before else found,
        exception_handlers={HTTPException: refusals.say_why, Exception: refusals.say_sorry},
    )
    app.router.redirect_slashes = False  # it would answer for secrets that do not exist
    return SafeErrors(RequestGuard(app, pages.settings))


class Refusals:
    """What is answered where no page is: in the layout for a browser, else one sentence."""

    def __init__(self, auth: Auth, pages: Pages) -> None:
        self._auth = auth
        self._pages = pages

    def say_why(self, request: Request, error: Exception) -> Response:
        """All 404 look the same: they tell nothing about our secrets and our people."""
        assert isinstance(error, HTTPException)
        reason = _REASONS.get(error.status_code)
        if reason is None:
            return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)
        self._auth.authenticate(request)
        return self._pages.refuse(request, error.status_code, reason, error.headers or {})

    def say_sorry(self, request: Request, error: Exception) -> Response:
        """After an unforeseen error. The layout itself may be what fails, so it is not needed."""
        if wants_a_page(request):
            with suppress(Exception):
                return self._pages.refuse(request, 500, "accident")
        text = self._pages.texts(request)("refusal.accident")
        return PlainTextResponse(f"{text}\n", 500)


class SwappableApp:
    """Forwards to an app that may be exchanged while the port stays open."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def change(self, app: ASGIApp) -> None:
        """From now on this app answers; requests under way end where they began. Any thread."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class SafeErrors:
    """Logs an error of a page without its text: that may hold a secret or an address with one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # Starlette has answered it, and passes it on to be logged
            _log.error(
                "page_failed", extra={"kind": type(error).__name__, "where": where_of(error)}
            )
