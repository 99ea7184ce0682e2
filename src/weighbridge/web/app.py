"""The web edge put together: all routes behind the guard, and an answer for unforeseen errors.

The routes for machines that watch the server are here. ``/healthz`` and ``/readyz`` are open to
everybody. ``/healthz`` touches nothing: what restarts a container by it must not do so because
Withings or a disk is in trouble. ``/metrics`` needs the admin token: it holds no name and no value
of a measurement, but counts tell when people are home.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from weighbridge.core.errors import Problem
from weighbridge.monitoring.health import PROVE_EVERY, WriteProbe, judge_readiness
from weighbridge.monitoring.metrics import render
from weighbridge.web import webhook
from weighbridge.web.auth import Auth
from weighbridge.web.change_feed import events_route
from weighbridge.web.render import NO_STORE, Pages, static_routes, wants_a_page
from weighbridge.web.security import RequestGuard
from weighbridge.web.urls import prefix
from weighbridge.web.views import connect, deliveries_page, diary, history, login_page, overview
from weighbridge.web.views.task_page import where_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from weighbridge.web.app_context import AppContext


LIFETIME = 1.0


class CachedAnswer[T]:
    """Calls ``make`` in a thread. Requests that come while it runs wait for the same answer.

    So a flood of questions costs one thread and one look at the database. For one event loop.
    """

    def __init__(self, make: Callable[[], T], lifetime: float = LIFETIME) -> None:
        self._make = make
        self._lifetime = lifetime
        self._running: asyncio.Task[T] | None = None
        self._answer: tuple[float, T] | None = None

    async def get(self) -> T:
        """The answer, at most ``lifetime`` seconds old. Raises what ``make`` raises."""
        if self._answer and asyncio.get_running_loop().time() < self._answer[0]:
            return self._answer[1]
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await asyncio.shield(self._running)  # for others it goes on

    async def _run(self) -> T:
        try:
            answer = await run_in_threadpool(self._make)
            self._answer = asyncio.get_running_loop().time() + self._lifetime, answer
            return answer
        finally:
            self._running = None


NOT_INSTALLED = (
    "Metrics need prometheus-client, which is not installed. "
    "Run: pip install 'weighbridge[metrics]'\n"
)


def monitoring_routes(context: AppContext, auth: Auth) -> list[BaseRoute]:
    """The three paths; GET and HEAD."""
    proof = WriteProbe(PROVE_EVERY)
    readiness = CachedAnswer(lambda: judge_readiness(context, proof))

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n", headers=NO_STORE)

    async def readyz(request: Request) -> Response:
        found = await readiness.get()
        return JSONResponse(
            msgspec.structs.asdict(found), 200 if found.ready else 503, headers=NO_STORE
        )

    def metrics(request: Request) -> Response:
        try:
            from prometheus_client import CONTENT_TYPE_LATEST
        except ModuleNotFoundError:
            return PlainTextResponse(NOT_INSTALLED, 501)
        return Response(render(context), headers={**NO_STORE, "Content-Type": CONTENT_TYPE_LATEST})

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", auth.require_token(metrics)),
    ]


_log = logging.getLogger(__name__)

_PAGES = (connect, overview, history, diary, deliveries_page, login_page)
"""The modules that make pages. connect is first: the way back from Withings may lead to ``/``."""

_REASONS = {404: "not_found", 405: "not_understood"}


def create_app(context: AppContext) -> ASGIApp:
    """The ASGI app of one server; ``weighbridge.web.server`` serves it."""
    pages = Pages(context.settings)
    auth = Auth(context.authenticator, pages)
    found: list[BaseRoute] = [
        *webhook.routes(context),
        *monitoring_routes(context, auth),
        events_route(context.live, auth),
    ]
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
            _log.error("page_failed", extra=_facts(error))


def _facts(error: Exception) -> dict[str, str]:
    """Of a problem its code as well: the same class may be a busy disk or a damaged one."""
    facts = {"kind": type(error).__name__, "where": where_of(error)}
    return {**facts, "problem": error.reason.code} if isinstance(error, Problem) else facts
