"""The threads of a server. What ends one of them unexpectedly is told, and it begins anew."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from weighbridge.core.errors import Problem
from weighbridge.runtime.shutdown import Shutdown, ShutdownRequested

log = logging.getLogger(__name__)

REST = 10.0
"""Seconds until a thread that failed begins anew."""


class ThreadGroup:
    """Begins threads and waits for their end. All of them heed ``halt``."""

    def __init__(self, halt: Shutdown, rest: float = REST) -> None:
        self._halt = halt
        self._rest = rest
        self._threads: list[threading.Thread] = []

    def begin(self, name: str, work: Callable[[], None]) -> None:
        """Have ``work`` done in a thread until it returns; after a failure it is called again."""
        thread = threading.Thread(target=self._persist, args=(name, work))
        thread.name = f"weighbridge-{name}"
        thread.daemon = True  # a call to the outside that hangs does not hold up the end
        self._threads.append(thread)
        thread.start()

    def part(self, seconds: float) -> bool:
        """Wait for all of them, so many seconds together. Whether all of them have ended."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _persist(self, name: str, work: Callable[[], None]) -> None:
        while not self._halt.is_set:
            try:
                work()
                return
            except ShutdownRequested:
                return
            except Problem as problem:
                extra = {"part": name, "problem": problem.message}
                log.warning("thread_failed", extra=extra)
            except Exception:  # whatever it was, the others need this thread
                log.exception("thread_failed", extra={"part": name})
            self._halt.wait(self._rest)
