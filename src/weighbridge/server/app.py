"""The web edge put together: all routes behind the guard, and an answer for what nobody foresaw."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from weighbridge.server import connect, health, metrics, notifications
from weighbridge.server.addresses import prefix
from weighbridge.server.guard import Guard

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from weighbridge.server.parts import Parts

_log = logging.getLogger(__name__)

_TEXTS = {
    404: "There is no page under this address.",
    405: "This address does not understand that kind of request.",
}


def create_app(parts: Parts) -> ASGIApp:
    """The ASGI app of one server; ``weighbridge.server.listening`` serves it."""
    found = [
        *notifications.routes(parts),
        *connect.routes(parts),
        *health.routes(parts),
        *metrics.routes(parts),
    ]
    before = prefix(parts.settings)
    pages = Starlette(
        # Some proxies take the prefix of their address away, some do not.
        routes=[*found, Mount(before, routes=found)] if before else found,
        exception_handlers={HTTPException: _say_why, Exception: _say_sorry},
    )
    pages.router.redirect_slashes = False  # it would answer for secrets that nobody has
    return Discreet(Guard(pages, parts.settings))


def _say_why(request: Request, error: Exception) -> Response:
    """One sentence for a status. All 404 look the same: they tell nothing about our secrets."""
    assert isinstance(error, HTTPException)
    text = _TEXTS.get(error.status_code, error.detail)
    return PlainTextResponse(f"{text}\n", error.status_code, error.headers)


def _say_sorry(request: Request, error: Exception) -> Response:
    text = "Something went wrong in Weighbridge. Look into its log, then try again."
    return PlainTextResponse(f"{text}\n", 500)


class Discreet:
    """Logs an error of a page without its text: that may hold a secret or an address with one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # Starlette has answered it, and passes it on to be logged
            _log.error("page_failed", extra={"kind": type(error).__name__, "where": _where(error)})


def _where(error: Exception) -> str:
    """The lines on the way to the error, the last one first."""
    frames = traceback.extract_tb(error.__traceback__)[:-6:-1]
    return " < ".join(f"{Path(frame.filename).stem}:{frame.lineno}" for frame in frames)
