"""``/healthz``, ``/readyz`` and ``/metrics``: for machines that watch the server.

``/healthz`` and ``/readyz`` are open to everybody. ``/healthz`` touches nothing: what restarts a
container by it must not do so because Withings or a disk is in trouble. ``/metrics`` needs the
admin token: it holds no name and no value of a measurement, but counts tell when people are home.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from weighbridge.monitoring.health import PROVE_EVERY, WriteProbe, judge_readiness
from weighbridge.monitoring.metrics import render

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.web.app_context import AppContext
    from weighbridge.web.auth import Auth


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


NO_STORE = {"Cache-Control": "no-store"}
NOT_INSTALLED = (
    "Metrics need prometheus-client, which is not installed. "
    "Run: pip install 'weighbridge[metrics]'\n"
)


def routes(context: AppContext, auth: Auth) -> list[BaseRoute]:
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
