"""``/events``: a stream of server-sent events for a page that is open (HTML standard, 9.2).

It says whose card changed, to those who may see that person, and nothing else. It costs a task in
the loop and no thread. It ends with its session, with its visitor, and with the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from weighbridge.web.change_feed import ChangeFeed, FeedMessage, Subscriber
from weighbridge.web.http_connection import goes_on

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from weighbridge.web.app_context import AppContext
    from weighbridge.web.auth import Auth, SignedInRequest
    from weighbridge.web.render import Pages

PATH = "/events"
BEAT = 25.0
"""Seconds between two signs of life: proxies give up a stream that is silent for a minute."""
AGAIN = 2000
"""Milliseconds after which a browser opens a stream again that broke."""

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep the events until it has a few kilobytes
}


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The one path. ``after`` or ``Last-Event-ID`` is the mark of what the page knows already."""

    def follow(request: SignedInRequest) -> Response:
        session = request.visitor
        return Stream(
            context.live,
            session=session.key,
            people=auth.visible(request),
            mark=_mark_in(request),
            is_active=lambda: auth.is_active(session),
        )

    return [Route(PATH, auth.require_person(follow))]


class Stream(Response):
    """An answer that goes on. ``is_active`` says whether the session has not ended."""

    media_type = "text/event-stream"

    def __init__(  # noqa: PLR0913
        self,
        live: ChangeFeed,
        *,
        session: str,
        people: Collection[str],
        mark: int,
        is_active: Callable[[], bool],
        beat: float = BEAT,
    ) -> None:
        super().__init__(None, 200, _HEADERS)
        del self.headers["content-length"]
        self._live = live
        self._session = session
        self._people = people
        self._mark = mark
        self._is_active = is_active
        self._beat = beat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await super().__call__(scope, receive, send)
            return
        listener = Subscriber(self._session, self._people)
        if not self._live.join(listener):
            await _refuse()(scope, receive, send)
            return
        goes_on(scope)
        farewell = asyncio.create_task(_hear_farewell(receive, listener))
        try:
            await self._speak(listener, send)
        finally:
            self._live.leave(listener)
            farewell.cancel()

    async def _speak(self, listener: Subscriber, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        await _write(send, f"retry: {AGAIN}\n\n")
        while not listener.is_gone and self._is_active():
            news = self._live.since(listener.people, self._mark)
            if news:
                self._mark = news[-1].mark
            await _write(send, written(news) or ":\n\n")
            await listener.wait(self._beat)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def written(news: Iterable[FeedMessage]) -> str:
    """Events as they are sent: the name of a person as JSON, which has no line break."""
    return "".join(
        f"id: {one.mark}\nevent: card\ndata: {msgspec.json.encode(one.person).decode()}\n\n"
        for one in news
    )


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _hear_farewell(receive: Receive, listener: Subscriber) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.go()


def _mark_in(request: Request) -> int:
    """What a browser sends again by itself counts before the address, which is older."""
    text = request.headers.get("last-event-id") or request.query_params.get("after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def _refuse() -> Response:
    text = "Too many pages are open. Close one, or load this page again to see what is new.\n"
    return PlainTextResponse(text, 503, {"Retry-After": "60"})
