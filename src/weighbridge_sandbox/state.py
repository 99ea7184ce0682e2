"""What all parts of a running sandbox look at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.faults import Faults
from weighbridge_sandbox.messages import Cloud
from weighbridge_sandbox.requests import RequestLog


class SandboxState:
    """Clouds, clock, faults and the requests so far. ``url`` is empty until it listens."""

    def __init__(self, clouds: Sequence[Cloud], clock: Callable[[], float] | None) -> None:
        self.clouds = tuple(clouds)
        self.clock = clock if isinstance(clock, Clock) else Clock(clock) if clock else Clock()
        self.url = ""
        self.faults: Faults = Faults()
        self.requests: RequestLog = RequestLog()
        self.lock = threading.RLock()
        """One request at a time reaches the clouds."""
