"""120 requests a minute for the application, all people and all processes of a home together.

Withings reference, section 9. The times of the last calls stand in a small file that every process
of the home folder locks; nothing in it needs to survive a power cut, so nothing is synchronised.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from weighbridge.errors import RetryLater, StateProblem
from weighbridge.withings.status import TRY_AGAIN

if TYPE_CHECKING:
    from filelock import BaseFileLock

CALLS = 120
SECONDS = 60.0
LOCK_SECONDS = 5.0

_TIMES = struct.Struct(f"<{CALLS}d")


class Budget:
    """``spend`` before each call. ``patience``: seconds that a call may wait inside the process."""

    def __init__(
        self,
        home: Path,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        patience: float,
    ) -> None:
        self._path = home / "run" / "withings-calls"
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._lock: BaseFileLock | None = None

    def spend(self) -> None:
        """Take one call out of the budget; wait for it. Raises RetryLater, StateProblem."""
        waited = 0.0
        while (wait := self._take()) > 0:
            if waited + wait > self._patience:
                raise RetryLater(
                    f"Withings allows {CALLS} calls a minute, and they are used up.",
                    remedy=TRY_AGAIN,
                    after=wait,
                )
            self._sleep(wait)
            waited += wait

    def _take(self) -> float:
        """0: taken. Otherwise the seconds until the oldest of the calls is a minute old."""
        try:
            with self._locked(), self._opened() as file:
                times = _times_in(file.read())
                now = self._clock()
                # A clock that was set back must not hold us up for longer than a minute.
                times = [time if time <= now else 0.0 for time in times]
                oldest = min(times)
                if oldest > now - SECONDS:
                    return oldest + SECONDS - now
                times[times.index(oldest)] = now
                file.seek(0)
                file.write(_TIMES.pack(*times))
                file.truncate()
                return 0.0
        except TimeoutError as error:
            raise RetryLater(
                f"Another process has held {self._path.name} for {LOCK_SECONDS:.0f} seconds.",
                remedy=TRY_AGAIN,
            ) from error
        except OSError as error:
            raise StateProblem(
                f"The file {self._path} cannot be used: {error.strerror}.",
                remedy="Make room, or give this user the right to write there.",
            ) from error

    def _locked(self) -> BaseFileLock:
        from filelock import FileLock

        if self._lock is None:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            path = self._path.with_suffix(".lock")
            self._lock = FileLock(path, timeout=LOCK_SECONDS, mode=0o600)
        return self._lock

    def _opened(self) -> BinaryIO:
        """To read and write in place: ext4 writes one that is emptied first to the disk at once."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self._path, flags, 0o600), "r+b")


def _times_in(content: bytes) -> list[float]:
    """The times of the last calls; a new or damaged file says that there were none."""
    return list(_TIMES.unpack(content)) if len(content) == _TIMES.size else [0.0] * CALLS
