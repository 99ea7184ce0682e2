"""120 requests a minute for the application, all people and all processes of a home together.

Source: docs/reference/withings-api.md#limits. A caller waits before the call, never during
it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from weighbridge.core.errors import RetryLater

CALLS = 120
SECONDS = 60.0


class Calls(Protocol):
    """The calls of the last seconds, where all processes see them."""

    def take(self, now: float, *, most: int, seconds: float) -> float:
        """0: one more is counted. Otherwise the seconds after which to ask again."""


class Budget:
    """``spend`` before each call. ``patience``: seconds that a call may wait inside the process."""

    def __init__(
        self,
        calls: Calls,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        patience: float,
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._sleep = sleep
        self._patience = patience

    def spend(self) -> None:
        """Take one call out of the budget; wait for it. Raises RetryLater, StateProblem."""
        waited = 0.0
        while (wait := self._calls.take(self._clock(), most=CALLS, seconds=SECONDS)) > 0:
            if waited + wait > self._patience:
                raise RetryLater(code="withings.budget", after=wait, calls=CALLS)
            self._sleep(wait)
            waited += wait
