"""Delivers notifications in the background, as often as the schedule allows."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException
from urllib.parse import urlsplit

import msgspec

from weighbridge_sandbox.withings.notify import call

SCHEDULE = (0.0, 1.0, 5.0)
"""Seconds before each attempt. The real cloud tries ten times within five hours."""


class Letter(msgspec.Struct):
    """One notification on its way. ``statuses`` has one HTTP status an attempt, 0 for no answer.

    ``place`` is the callback without its query: that is where a secret may stand.
    """

    url: str
    body: str
    place: str = ""
    statuses: list[int] = []
    state: str = "waiting"


class PostOffice:
    """A thread that posts letters. It starts with the first one and ends with ``close``."""

    def __init__(
        self,
        schedule: Sequence[float] = SCHEDULE,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.schedule = tuple(schedule)
        self._clock = clock
        self._letters: list[Letter] = []
        self._due: list[tuple[float, int, Letter]] = []
        self._count = 0
        self._closed = False
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def post(self, url: str, body: str) -> None:
        """Send one notification soon. Returns at once."""
        parts = urlsplit(url)
        letter = Letter(
            url, body, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        )
        with self._change:
            if self._closed:
                return
            self._letters.append(letter)
            self._plan(letter)
            if self._thread is None:
                self._thread = threading.Thread(target=self._deliver_all, daemon=True)
                self._thread.start()

    def letters(self) -> list[dict[str, object]]:
        """All notifications so far: where to, what, and what came of each attempt."""
        with self._change:
            return [
                {"to": ltr.place, "body": ltr.body, "statuses": ltr.statuses, "state": ltr.state}
                for ltr in self._letters
            ]

    def close(self) -> None:
        """Stop; what is not delivered is given up. Waits for an attempt that is under way."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _plan(self, letter: Letter) -> None:
        """Put the next attempt on the list, or give up. The caller holds the lock."""
        attempt = len(letter.statuses)
        if attempt >= len(self.schedule):
            letter.state = "given up"
            return
        self._count += 1
        due = self._clock() + self.schedule[attempt]
        heapq.heappush(self._due, (due, self._count, letter))
        self._change.notify_all()

    def _next(self) -> Letter | None:
        """Wait for the next letter that is due. None: closed."""
        with self._change:
            while not self._closed:
                wait = self._due[0][0] - self._clock() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._change.wait(wait)
        return None

    def _deliver_all(self) -> None:
        while (letter := self._next()) is not None:
            try:
                status = call(letter.url, "POST", letter.body.encode())
            except (OSError, HTTPException, ValueError):
                status = 0
            with self._change:
                letter.statuses.append(status)
                if 0 < status < 400:  # see docs/reference/withings-api.md#delivery
                    letter.state = "delivered"
                else:
                    self._plan(letter)
