"""The webhook of Withings: ``/withings/notify/<secret>`` (docs/reference/withings-api.md#delivery).

A notification is read, stored durably and answered; the work comes later. A visitor who does not
know the secret learns nothing, not even that there is such an address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from hmac import compare_digest
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from weighbridge.core.errors import Problem, RetryLater
from weighbridge.sources.withings.notification import (
    CALLBACK_PATH,
    InvalidNotification,
    read_notification,
)
from weighbridge.storage.subscription_store import accepted_secrets
from weighbridge.web.security import Networks

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from weighbridge.web.app_context import AppContext

LARGEST_BODY = 4096
"""Bytes. The recorded bodies have less than 100."""
BODY_SECONDS = 5.0
STORE_SECONDS = 10.0
"""Withings has given up by then, and sends it again."""
FRESH_SECONDS = 5.0
"""For so long the secrets are not read again: a retired one is accepted no longer than that."""
PATIENCE = 1.0
"""Seconds between two readings because of wrong secrets: a new one is accepted after that."""
_FORM = "application/x-www-form-urlencoded"


def routes(context: AppContext) -> list[BaseRoute]:
    """The address for Withings."""
    return [Route(f"{CALLBACK_PATH}{{secret}}", Webhook(context))]


class Webhook:
    """Answers everything that comes to the address of the notifications."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._secrets = Secrets(lambda: _read_secrets(context), context.clock)
        self._allowed = Networks(context.settings.server.notify_from)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return  # no client is left to answer
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            known = await self._secrets.accept(request.path_params["secret"])
        except Problem as problem:
            return self._later(problem)
        if not known:
            self._context.counts.add("notifications_refused", "wrong_secret")
            raise HTTPException(404)
        if request.method in ("GET", "HEAD"):
            return Response()  # Withings probes with HEAD and wants exactly 200
        if request.method != "POST":
            raise HTTPException(405, headers={"Allow": "GET, HEAD, POST"})
        return await self._take(request)

    async def _take(self, request: Request) -> Response:
        try:
            notification = read_notification(await self._read(request), self._context.clock())
            stored = asyncio.wrap_future(self._context.notifications.take(notification))
            await asyncio.wait_for(stored, STORE_SECONDS)
        except _Refused as refused:
            return self._refuse(refused.status, refused.reason, str(refused))
        except InvalidNotification as problem:
            return self._refuse(400, "malformed", str(problem))
        except (Problem, TimeoutError) as problem:
            return self._later(problem)
        return Response()

    async def _read(self, request: Request) -> bytes:
        """The body. Raises _Refused before it is read any further than needed."""
        client = request.client.host if request.client else ""
        if self._allowed and client not in self._allowed:
            raise _Refused(403, "wrong_network", "Notifications are not taken from this address.")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != _FORM:
            raise _Refused(415, "wrong_type", f"Send a form: {_FORM}.")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await _read_body(request)
        except TimeoutError:
            raise _Refused(408, "too_slow", "The notification did not come in time.") from None

    def _refuse(self, status: int, reason: str, text: str) -> Response:
        self._context.counts.add("notifications_refused", reason)
        return PlainTextResponse(f"{text}\n", status)

    def _later(self, error: Exception) -> Response:
        """Not stored, so never 200: Withings sends it again. What is wrong here is our business."""
        after = error.after if isinstance(error, RetryLater) else None
        headers = {"Retry-After": str(int(after or 10))}
        return PlainTextResponse("Not now. Send it again later.\n", 503, headers)


class _Refused(Exception):
    """The notification is answered with this HTTP status; ``reason`` is what is counted."""

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason


class Secrets:
    """The accepted secrets, kept in memory for a few seconds. Used in one event loop only.

    A rotation by another process counts soon, without a restart.
    """

    def __init__(self, read: Callable[[], Sequence[str]], clock: Callable[[], float]) -> None:
        self._read = read
        self._clock = clock
        self._known: list[bytes] = []
        self._read_at: float | None = None
        self._lock = asyncio.Lock()

    async def accept(self, written: str) -> bool:
        """Whether this is one of the secrets. Raises Problem when they were never read so far."""
        candidate = written.encode()
        await self._refresh(FRESH_SECONDS)
        if self._matches(candidate):
            return True
        await self._refresh(PATIENCE)
        return self._matches(candidate)

    def _matches(self, candidate: bytes) -> bool:
        """All are compared, each in constant time: how long it takes tells nothing."""
        return sum(compare_digest(secret, candidate) for secret in self._known) > 0

    async def _refresh(self, age: float) -> None:
        if self._is_younger(age):
            return
        async with self._lock:
            if self._is_younger(age):
                return  # another request has read them meanwhile
            try:
                known = await run_in_threadpool(self._read)
            except Problem:
                if self._read_at is None:
                    raise
                return  # the ones we know are better than none
            self._known = [secret.encode() for secret in known]
            self._read_at = self._clock()

    def _is_younger(self, age: float) -> bool:
        return self._read_at is not None and 0 <= self._clock() - self._read_at < age


async def _read_body(request: Request) -> bytes:
    length = request.headers.get("content-length", "0")
    body = bytearray()
    too_large = length.isdigit() and int(length) > LARGEST_BODY
    if not too_large:
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_BODY:
                too_large = True
                break
    if too_large:
        raise _Refused(413, "too_large", "A notification is smaller than this.")
    return bytes(body)


def _read_secrets(context: AppContext) -> Sequence[str]:
    with context.open() as services:
        return accepted_secrets(services.database)
