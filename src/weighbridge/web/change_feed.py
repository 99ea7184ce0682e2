"""``/events``: tells pages that are open whose card changed (server-sent events).

The format is that of the HTML standard, section 9.2. An event never says what changed: a page asks
for that itself, and a visitor hears only of people whom he or she may see. A job ends in a thread
of the server, a stream is a task in the event loop and costs no thread: to publish only wakes the
streams, and each looks up what it has missed. A stream ends with its session, with its visitor, and
with the server.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from weighbridge.web.http_connection import goes_on

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from weighbridge.web.auth import Auth, SignedInRequest


MOST = 100
"""Streams at once: as many as there may be sessions."""
MOST_OF_SESSION = 5
"""Streams of one browser at once. It opens one for each page that is seen."""


class FeedMessage(msgspec.Struct, frozen=True):
    """The card of a person changed. A later change has a larger mark."""

    mark: int
    person: str


class ChangeFeed:
    """Remembers whose card changed when, and wakes the streams. For any thread."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        most: int = MOST,
        most_of_session: int = MOST_OF_SESSION,
    ) -> None:
        self._clock = clock
        self._most = most
        self._most_of_session = most_of_session
        self._lock = threading.Lock()
        self._last = 0
        self._marks: dict[str, int] = {}
        self._listeners: list[Subscriber] = []

    def tell(self, person: str) -> None:
        """The card of a person may look different now. Returns at once."""
        with self._lock:
            # Milliseconds: what a page knew before a restart of the server stays the older one.
            self._last = max(int(self._clock() * 1000), self._last + 1)
            self._marks[person] = self._last
            concerned = [one for one in self._listeners if person in one.people]
        for one in concerned:
            one.wake()

    def mark(self, people: Collection[str]) -> int:
        """What a page knows that shows these people. Ask before the page is made."""
        with self._lock:
            return max((self._marks.get(name, 0) for name in people), default=0)

    def since(self, people: Collection[str], mark: int) -> Sequence[FeedMessage]:
        """What is news for a page with such a mark, about these people alone; oldest first."""
        with self._lock:
            marks: Mapping[str, int] = {name: self._marks.get(name, 0) for name in people}
        found = [FeedMessage(number, name) for name, number in marks.items() if number > mark]
        return sorted(found, key=lambda news: news.mark)

    def join(self, listener: Subscriber) -> bool:
        """Wake it from now on. False: there are enough already."""
        with self._lock:
            own = sum(one.session == listener.session for one in self._listeners)
            if len(self._listeners) >= self._most or own >= self._most_of_session:
                return False
            self._listeners.append(listener)
            return True

    def leave(self, listener: Subscriber) -> None:
        """Wake it no more."""
        with self._lock, suppress(ValueError):
            self._listeners.remove(listener)

    def count(self) -> int:
        """How many listen."""
        with self._lock:
            return len(self._listeners)


class Subscriber:
    """One stream, as others see it. Made in the loop in which it waits."""

    def __init__(self, session: str, people: Collection[str]) -> None:
        self.session = session
        """The key of the session that opened it."""
        self.people = frozenset(people)
        self.is_gone = False
        """Whether the visitor has left."""
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There may be news. For any thread."""
        with suppress(RuntimeError):  # the loop has ended, and the stream with it
            self._loop.call_soon_threadsafe(self._woken.set)

    def go(self) -> None:
        """The visitor has left. In the loop only."""
        self.is_gone = True
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Until there may be news, at most so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        self._woken.clear()


PATH = "/events"
BEAT = 25.0
"""Seconds between two signs of life: proxies give up a stream that is silent for a minute."""
AGAIN = 2000
"""Milliseconds after which a browser opens a stream again that broke."""

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep the events until it has a few kilobytes
}


def events_route(live: ChangeFeed, auth: Auth) -> Route:
    """The one path. ``after`` or ``Last-Event-ID`` is the mark of what the page knows already."""

    def follow(request: SignedInRequest) -> Response:
        session = request.visitor
        return Stream(
            live,
            session=session.key,
            people=auth.visible(request),
            mark=_mark_in(request),
            is_active=lambda: auth.sessions.is_active(session.key),
        )

    return Route(PATH, auth.require_person(follow))


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
