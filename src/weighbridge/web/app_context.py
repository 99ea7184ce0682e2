"""What the pages of the server may use of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import msgspec

from weighbridge.monitoring.checks import MonitoredServer
from weighbridge.web.change_feed import ChangeFeed
from weighbridge.web.sessions import Authenticator, closed

if TYPE_CHECKING:
    from weighbridge.runtime.notification_queue import NotificationQueue


class RequestSync(Protocol):
    """Have somebody brought up to date soon. For any thread; returns at once."""

    def __call__(self, person: str, *, asking: bool = True, delay: float = 0.0) -> None:
        """``asking``: Withings is asked, too; ``delay`` is in seconds."""


class AppContext(MonitoredServer, frozen=True, kw_only=True):
    """Put together by ``weighbridge.web.process``."""

    wake: RequestSync
    intake: NotificationQueue
    next_ask: Callable[[str], float | None] = lambda person: None
    """When a person's account is looked at without being told to, in epoch seconds."""
    authenticator: Authenticator = msgspec.field(default_factory=closed)
    """Who may see the pages; by default nobody can sign in."""
    live: ChangeFeed = msgspec.field(default_factory=ChangeFeed)
    """Tells the pages that are open whose card changed."""
