"""Waiting when Withings asks for it: all processes of the application together.

Status 601 and the rate limit hold for the application, not for one person
(docs/reference/withings-api.md#limits), so the time until which everybody waits is kept
where all processes see it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from weighbridge.core.errors import RetryLater
from weighbridge.sources.withings.status_codes import TooManyCalls

PATIENCE = 30.0
"""Seconds that a call may wait inside the process; whatever takes longer is for the next run."""


class ApiPause(Protocol):
    """A time that all processes share. It is persisted."""

    def until(self) -> float:
        """Epoch seconds before which nobody may call; 0 when released."""

    def set(self, until: float) -> None:
        """Move the time further away. Never shortens."""


def free() -> None:
    """A call that counts towards no budget."""


class Patience:
    """Makes calls when the brake allows it, and repeats one that came too early, once.

    ``spend`` takes each call out of a budget, and waits or raises RetryLater when it is empty.
    """

    def __init__(
        self,
        brake: ApiPause,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        limit: float = PATIENCE,
        spend: Callable[[], None] = free,
    ) -> None:
        self._brake = brake
        self._spend = spend
        self._clock = clock
        self._sleep = sleep
        self._limit = limit

    def call[T](self, call: Callable[[], T]) -> T:
        """Wait, call, and after a TooManyCalls wait and call once more. Raises RetryLater."""
        self._wait()
        try:
            return self._braking(call)
        except TooManyCalls:
            self._wait()
        return self._braking(call)

    def _braking[T](self, call: Callable[[], T]) -> T:
        self._spend()
        try:
            return call()
        except TooManyCalls as problem:
            self._brake.set(self._clock() + problem.wait)
            raise

    def _wait(self) -> None:
        waited = 0.0
        while (rest := self._brake.until() - self._clock()) > 0:
            if waited + rest > self._limit:
                raise RetryLater(code="withings.pause", after=rest, seconds=round(rest))
            self._sleep(rest)
            waited += rest
