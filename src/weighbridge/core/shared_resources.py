"""What outlives one target: connections that are made once and closed at the end of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, Self, cast


class Closing(Protocol):
    """Something that is given back at the end."""

    def close(self) -> None:
        """Called once."""


class SharedResources:
    """Connections by key, for all threads of a process."""

    def __init__(self) -> None:
        self._made: dict[str, Closing] = {}
        self._lock = threading.Lock()

    def get[T: Closing](self, key: str, make: Callable[[], T]) -> T:
        """The connection under this key, made at the first call. ``make`` must not block."""
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return cast("T", self._made[key])

    def close(self) -> None:
        """Close all of them, the newest first. One that fails does not keep the others open."""
        with self._lock:
            made, self._made = list(self._made.values()), {}
        for connection in reversed(made):
            try:
                connection.close()
            except Exception:  # the end of a process is no place to stop at
                import logging  # every command imports this module, and few of them log

                logging.getLogger(__name__).exception("connection_not_closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
