"""News for pages that are open: whose card changed. Never what: a page asks for that itself.

A job ends in a thread of the server, a page hears of it in the event loop. Neither waits for the
other: to publish only wakes the streams, and each stream looks up what it has missed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

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
