"""What the pages of the server may use of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import msgspec

from weighbridge.config import Settings
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.sync.services import Services
from weighbridge.web.change_feed import ChangeFeed
from weighbridge.web.sessions import Authenticator, closed

if TYPE_CHECKING:
    from weighbridge.runtime.notification_queue import NotificationQueue


class RequestSync(Protocol):
    """Have somebody brought up to date soon. For any thread; returns at once."""

    def __call__(self, person: str, *, asking: bool = True, delay: float = 0.0) -> None:
        """``asking``: Withings is asked, too; ``delay`` is in seconds."""


class AppContext(msgspec.Struct, frozen=True):
    """Put together by ``weighbridge.web.process``."""

    settings: Settings
    clock: Callable[[], float]
    open: Callable[[], AbstractContextManager[Services]]
    """The home folder, for the thread that calls it."""
    wake: RequestSync
    started_at: float
    intake: NotificationQueue
    counts: ProcessCounters
    next_ask: Callable[[str], float | None] = lambda person: None
    """When a person's account is looked at without being told to, in epoch seconds."""
    authenticator: Authenticator = msgspec.field(default_factory=closed)
    """Who may see the pages; by default nobody can sign in."""
    live: ChangeFeed = msgspec.field(default_factory=ChangeFeed)
    """Tells the pages that are open whose card changed."""
