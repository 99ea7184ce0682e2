"""``/healthz``, ``/readyz`` and ``/metrics``: for machines that watch the server.

``/healthz`` and ``/readyz`` are open to everybody. ``/healthz`` touches nothing: what restarts a
container by it must not do so because Withings or a disk is in trouble. ``/metrics`` needs the
admin token: it holds no name and no value of a measurement, but counts tell when people are home.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from weighbridge.monitoring.health import PROVE_EVERY, judge_readiness
from weighbridge.monitoring.metrics import render
from weighbridge.monitoring.write_probe import WriteProbe
from weighbridge.web.cached_answer import CachedAnswer

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.web.app_context import AppContext
    from weighbridge.web.auth import Auth

NO_STORE = {"Cache-Control": "no-store"}
NOT_INSTALLED = (
    "Metrics need prometheus-client, which is not installed. "
    "Run: pip install 'weighbridge[metrics]'\n"
)


def routes(parts: AppContext, auth: Auth) -> list[BaseRoute]:
    """The three paths; GET and HEAD."""
    proof = WriteProbe(PROVE_EVERY)
    readiness = CachedAnswer(lambda: judge_readiness(parts, proof))

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
        return Response(render(parts), headers={**NO_STORE, "Content-Type": CONTENT_TYPE_LATEST})

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", auth.require_token(metrics)),
    ]
