"""When a call of Withings may be made: all processes of the application wait for each other.

Status 601 and the rate limit hold for the application, not for one person, and so do the 120
requests a minute (docs/reference/withings-api.md#limits). What is counted and until when everybody
waits is kept where all processes see it. A caller waits before a call, never during it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from weighbridge.core.errors import RetryLater
from weighbridge.sources.withings.wire import TooManyCalls

CALLS = 120
SECONDS = 60.0
PATIENCE = 30.0
"""Seconds that a call may wait inside the process; whatever takes longer is for the next run."""


class ApiPause(Protocol):
    """A time that all processes share. It is persisted."""

    def until(self) -> float:
        """Epoch seconds before which nobody may call; 0 when released."""

    def set(self, until: float) -> None:
        """Move the time further away. Never shortens."""


class RecentCalls(Protocol):
    """The calls of the last seconds, where all processes see them."""

    def take(self, now: float, *, most: int, seconds: float) -> float:
        """0: one more is counted. Otherwise the seconds after which to ask again."""


class CallPolicy:
    """Makes calls when they are allowed, and repeats one that came too early, once.

    ``on_call`` is called before each request. Without ``recent`` no calls are counted.
    """

    def __init__(  # noqa: PLR0913  what is outside is passed in
        self,
        pause: ApiPause,
        recent: RecentCalls | None = None,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        patience: float = PATIENCE,
        on_call: Callable[[], None] = lambda: None,
    ) -> None:
        self.clock = clock
        self._pause = pause
        self._recent = recent
        self._sleep = sleep
        self._patience = patience
        self._on_call = on_call

    def call[T](self, call: Callable[[], T]) -> T:
        """Wait, call, and after a TooManyCalls wait and call once more. Raises RetryLater."""
        self._wait(self._paused, _pause_is_long)
        try:
            return self._call_once(call)
        except TooManyCalls:
            self._wait(self._paused, _pause_is_long)
        return self._call_once(call)

    def _call_once[T](self, call: Callable[[], T]) -> T:
        self._wait(self._until_counted, _minute_is_full)
        self._on_call()
        try:
            return call()
        except TooManyCalls as problem:
            self._pause.set(self.clock() + problem.wait)
            raise

    def _paused(self) -> float:
        return self._pause.until() - self.clock()

    def _until_counted(self) -> float:
        if self._recent is None:
            return 0.0
        return self._recent.take(self.clock(), most=CALLS, seconds=SECONDS)

    def _wait(
        self, seconds_left: Callable[[], float], too_long: Callable[[float], RetryLater]
    ) -> None:
        waited = 0.0
        while (rest := seconds_left()) > 0:
            if waited + rest > self._patience:
                raise too_long(rest)
            self._sleep(rest)
            waited += rest


def _pause_is_long(rest: float) -> RetryLater:
    return RetryLater(code="withings.pause", after=rest, seconds=round(rest))


def _minute_is_full(rest: float) -> RetryLater:
    return RetryLater(code="withings.budget", after=rest, calls=CALLS)
