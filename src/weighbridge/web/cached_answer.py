"""An answer that is expensive to make, made at most once a second whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

LIFETIME = 1.0


class CachedAnswer[T]:
    """Calls ``make`` in a thread. Whoever comes while it runs waits for the same answer.

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
        return await asyncio.shield(self._running)  # one visitor who leaves ends it for nobody

    async def _run(self) -> T:
        try:
            answer = await run_in_threadpool(self._make)
            self._answer = asyncio.get_running_loop().time() + self._lifetime, answer
            return answer
        finally:
            self._running = None
