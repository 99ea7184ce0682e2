"""The threads of a server. One that fails is logged and started again; all of them end together."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from weighbridge.core.errors import Problem

log = logging.getLogger(__name__)

RESTART_AFTER = 10.0
"""Seconds until the work of a thread that failed begins again."""


class ShutdownRequested(BaseException):
    """The server is being stopped; what was begun is taken up at the next start.

    Not an Exception, so that no code on the way takes it for a problem and writes it down as one.
    """


def sleep_until(shutdown: threading.Event) -> Callable[[float], None]:
    """``time.sleep`` for work that may be taken up later: it raises ShutdownRequested when
    ``shutdown`` is set.
    """

    def sleep(seconds: float) -> None:
        if shutdown.wait(seconds):
            raise ShutdownRequested

    return sleep


class ThreadGroup:
    """Starts threads and waits for their end. Their work must return soon after ``shutdown``."""

    def __init__(self, shutdown: threading.Event, restart_after: float = RESTART_AFTER) -> None:
        self.restart_after = restart_after
        self._shutdown = shutdown
        self._threads: list[threading.Thread] = []

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run ``work`` in a thread until it returns; after a failure it is called again."""
        thread = threading.Thread(target=self._run, args=(name, work))
        thread.name = f"weighbridge-{name}"
        thread.daemon = True  # a call to the outside that hangs does not delay the end
        self._threads.append(thread)
        thread.start()

    def join(self, seconds: float) -> bool:
        """Wait for all of them, so many seconds together. Whether all of them have ended."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, name: str, work: Callable[[], None]) -> None:
        while not self._shutdown.is_set():
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
            self._shutdown.wait(self.restart_after)
