"""Targets that stay connected while the server runs: what they may ask of it, what they hear."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

from weighbridge.core.errors import Problem
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.schedule import Schedule
from weighbridge.sources.withings.devices import LEVELS
from weighbridge.sync.services import Services
from weighbridge.targets.base import KeepsConnection, ServerStatus

log = logging.getLogger(__name__)

BUTTON = 10.0
"""Seconds between two times that a button has an effect."""


class ConnectedTargets:
    """The server as such a target sees it (``weighbridge.targets.base.ServerHandle``). For any
    thread."""

    def __init__(
        self,
        scheduler: Schedule,
        counts: ProcessCounters,
        clock: Callable[[], float],
        url: str | None,
    ) -> None:
        self.url = url
        self._scheduler = scheduler
        self._counts = counts
        self._clock = clock
        self._lock = threading.Lock()
        self._stayers: list[KeepsConnection] = []
        self._problems: dict[str, str | None] = {}
        self._batteries: dict[str, str | None] = {}
        self._last_sync: float | None = None
        self._pressed_at: float | None = None

    # What they ask

    def came_back(self, person: str, target: str, delay: float = 0.0) -> None:
        """The other side is there again: say what it keeps, and send what waits."""
        self._counts.target_returned()
        self._scheduler.announce(person, target, self._clock() + delay)

    def locked_out(self, person: str, target: str) -> None:
        """The other side refuses our login: the round that follows writes it down."""
        self._scheduler.announce(person, target, self._clock())

    def sync_now(self, person: str | None = None) -> None:
        """Somebody pressed a button; pressing it again at once changes nothing."""
        now = self._clock()
        with self._lock:
            if self._pressed_at is not None and 0.0 <= now - self._pressed_at < BUTTON:
                return
            self._pressed_at = now
        for name in [person] if person else self._scheduler.people():
            self._scheduler.ask(name, now)

    # What they hear

    def move_in(self, workplace: Services) -> None:
        """Have all targets that stay connect, in the background. They hear how things stand."""
        stayers = list(self._settled(workplace))
        with self._lock:
            self._stayers = stayers
        self._tell()

    def _settled(self, workplace: Services) -> Iterator[KeepsConnection]:
        for person in workplace.settings.people:
            for settings in person.targets:
                try:
                    target = workplace.target(person, settings)
                    if isinstance(target, KeepsConnection):
                        target.stay(self)
                        yield target
                except Problem:
                    continue  # the round of this person says what is wrong
                except Exception:  # a defect of one target must not stop the others
                    log.exception("target_failed", extra={"target": settings.name})

    def synced_at(self, moment: float) -> None:
        """Withings was read then, in epoch seconds. What is told next says so."""
        with self._lock:
            self._last_sync = moment

    def round_ended(self, person: str, news: ServerStatus) -> None:
        """Tell how the server is doing. ``news`` are those of one person."""
        if news.last_sync is not None:
            self.synced_at(news.last_sync)
        with self._lock:
            self._problems[person] = news.problem
            self._batteries[person] = news.battery
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            problems = [text for text in self._problems.values() if text]
            levels = [LEVELS.index(level) for level in self._batteries.values() if level]
            news = ServerStatus(
                last_sync=self._last_sync,
                problem=" ".join(problems) or None,
                battery=LEVELS[min(levels)] if levels else None,
            )
            stayers = self._stayers
        for target in stayers:
            try:
                target.report(news)
            except Exception:  # see above
                log.exception("target_failed")
