"""The end of the server: whoever waits is woken, and nothing new is begun."""

from __future__ import annotations

import threading


class ShutdownRequested(BaseException):
    """The server is being stopped; what was begun is taken up at the next start.

    No Exception: nobody on the way may take it for trouble and write it down as such.
    """


class Shutdown:
    """An event that all threads of a server share."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """End the waiting of everybody, now and from now on."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """True from ``set`` on."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait; True when it was cut short or is over already."""
        return self._event.wait(seconds)

    def sleep(self, seconds: float) -> None:
        """``time.sleep`` for work that may be taken up later. Raises ShutdownRequested."""
        if self._event.wait(seconds):
            raise ShutdownRequested
