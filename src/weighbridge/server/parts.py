"""What the pages of the server may use of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import msgspec

from weighbridge.assembly import Workplace
from weighbridge.config import Settings
from weighbridge.server.counts import Counts
from weighbridge.server.live import Live
from weighbridge.server.pages.admission import Admission, closed

if TYPE_CHECKING:
    from weighbridge.server.edge.intake import Intake


class Wake(Protocol):
    """Have somebody brought up to date soon. For any thread; returns at once."""

    def __call__(self, person: str, *, asking: bool = True, delay: float = 0.0) -> None:
        """``asking``: Withings is asked, too; ``delay`` is in seconds."""


class Parts(msgspec.Struct, frozen=True):
    """Put together by ``weighbridge.server.server``."""

    settings: Settings
    clock: Callable[[], float]
    open: Callable[[], Workplace]
    """The home folder, for the thread that calls it; a context manager."""
    wake: Wake
    started_at: float
    intake: Intake
    counts: Counts
    next_ask: Callable[[str], float | None] = lambda person: None
    """When a person's account is looked at without being told to, in epoch seconds."""
    admission: Admission = msgspec.field(default_factory=closed)
    """Who may see the pages: whoever knows the token of the home folder; else nobody."""
    live: Live = msgspec.field(default_factory=Live)
    """Tells the pages that are open whose card changed."""
