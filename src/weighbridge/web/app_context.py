"""What the pages of the server may use of it, the opened home folders first.

Opening a database costs more than reading most pages from it. A request has the one it borrows for
itself, so there are never more than threads at work; a few stay open while no request is answered.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from weighbridge.monitoring.checks import MonitoredServer
from weighbridge.web.change_feed import ChangeFeed
from weighbridge.web.sessions import Authenticator, closed

if TYPE_CHECKING:
    from weighbridge.runtime.notification_queue import NotificationQueue
    from weighbridge.sync.services import Services


KEPT = 4
"""Opened home folders that wait for the next request."""

type FileIdentity = tuple[int, int] | None


class ServicesPool:
    """Lends what ``open_home`` opens. Safe in several threads."""

    def __init__(self, open_home: Callable[[], Services]) -> None:
        self._open_home = open_home
        self._idle: list[tuple[Services, FileIdentity]] = []
        self._closed = False
        self._lock = threading.Lock()

    @contextmanager
    def borrow(self) -> Iterator[Services]:
        """An opened home folder, for this thread alone. Raises what ``open_home`` raises.

        After an error it is closed and not lent again: its state is not known.
        """
        services, identity = self._take() or self._open()
        try:
            yield services
        except BaseException:
            services.__exit__(None, None, None)
            raise
        self._give_back(services, identity)

    def close(self) -> None:
        """Close what is idle now; what is lent is closed when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for services, _ in idle:
            services.__exit__(None, None, None)

    def _open(self) -> tuple[Services, FileIdentity]:
        services = self._open_home()
        return services, _identity(services.database.path)

    def _take(self) -> tuple[Services, FileIdentity] | None:
        """The one that was used last, unless its file was replaced, by a backup for instance."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                services, identity = self._idle.pop()
            if identity is not None and identity == _identity(services.database.path):
                return services, identity
            services.__exit__(None, None, None)

    def _give_back(self, services: Services, identity: FileIdentity) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < KEPT and services.database.is_idle:
                self._idle.append((services, identity))
                return
        services.__exit__(None, None, None)


def _identity(path: Path) -> FileIdentity:
    """Device and number of a file; None: it is not there."""
    try:
        found = os.stat(path)  # noqa: PTH116  called for each request: half the time of Path.stat
    except OSError:
        return None
    return found.st_dev, found.st_ino


class RequestSync(Protocol):
    """Have a person brought up to date soon. For any thread; returns at once."""

    def __call__(self, person: str, *, poll: bool = True, delay: float = 0.0) -> None:
        """``poll``: Withings is asked, too; ``delay`` is in seconds."""


class AppContext(MonitoredServer, frozen=True, kw_only=True):
    """Put together by ``weighbridge.web.process``."""

    request_sync: RequestSync
    notifications: NotificationQueue
    next_ask: Callable[[str], float | None] = lambda person: None
    """When a person's account is looked at without being told to, in epoch seconds."""
    authenticator: Authenticator = msgspec.field(default_factory=closed)
    """Who may see the pages; by default nobody can sign in."""
    live: ChangeFeed = msgspec.field(default_factory=ChangeFeed)
    """Tells the pages that are open whose card changed."""
