"""The clock of the stand-in clouds: a real clock plus an offset that a test may turn."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Calling it gives seconds since 1970-01-01T00:00:00Z, moved by ``offset`` seconds."""

    def __init__(self, base: Callable[[], float] = time.time, *, offset: float = 0) -> None:
        self.base = base
        self.offset = offset

    def __call__(self) -> float:
        return self.base() + self.offset
