"""Resources that several targets share: made once, closed at the end of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, Self, cast


class Closeable(Protocol):
    """A resource that is closed at the end of the process."""

    def close(self) -> None:
        """Close the resource. Called once."""


class SharedResources:
    """Resources by key, such as connections, for all threads of a process."""

    def __init__(self) -> None:
        self._resources: dict[str, Closeable] = {}
        self._lock = threading.Lock()

    def get[T: Closeable](self, key: str, make: Callable[[], T]) -> T:
        """The resource with this key, made at the first call. ``make`` must not block."""
        with self._lock:
            if key not in self._resources:
                self._resources[key] = make()
            return cast("T", self._resources[key])

    def close(self) -> None:
        """Close all of them, the newest first. One that fails does not keep the others open."""
        with self._lock:
            resources, self._resources = list(self._resources.values()), {}
        for resource in reversed(resources):
            try:
                resource.close()
            except Exception:  # the other resources must be closed all the same
                import logging  # not needed at the start of every command

                logging.getLogger(__name__).exception("connection_not_closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
