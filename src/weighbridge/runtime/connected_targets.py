"""Targets that stay connected while the server runs: what they ask of it, what it tells them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import msgspec

from weighbridge.config import Directory, Person, everyone
from weighbridge.core.errors import Problem
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.schedule import Schedule
from weighbridge.storage.accounts import account_state
from weighbridge.sync.services import Services
from weighbridge.targets.base import KeepsConnection, ServerStatus

log = logging.getLogger(__name__)

BUTTON_PAUSE = 10.0
"""Seconds between two times that a button has an effect."""


class ConnectedTargets:
    """The server as such a target sees it (``weighbridge.targets.base.ServerHandle``).

    A target hears of its own person only. For any thread.
    """

    def __init__(
        self,
        schedule: Schedule,
        directory: Directory,
        counts: ProcessCounters,
        clock: Callable[[], float],
        url: str | None,
    ) -> None:
        self.url = url
        self._schedule = schedule
        self._directory = directory
        self._counts = counts
        self._clock = clock
        self._lock = threading.Lock()
        self._targets: dict[str, list[KeepsConnection]] = {}
        self._status: dict[str, ServerStatus] = {}
        self._pressed_at: float | None = None

    # What they ask

    def on_connected(self, person: str, target: str, delay: float = 0.0) -> None:
        """The other side is there again: publish its latest values, and send what waits."""
        self._counts.add("target_connections")
        self._schedule.republish_at(person, target, self._clock() + delay)

    def on_login_refused(self, person: str, target: str) -> None:
        """The other side refuses our login: the job that follows writes it down."""
        self._schedule.republish_at(person, target, self._clock())

    def sync_now(self, person: str | None = None) -> None:
        """A person pressed a button; pressing it again at once changes nothing."""
        now = self._clock()
        with self._lock:
            if self._pressed_at is not None and 0.0 <= now - self._pressed_at < BUTTON_PAUSE:
                return
            self._pressed_at = now
        for name in [person] if person else [one.name for one in everyone(self._directory)]:
            self._schedule.poll_at(name, now)

    # What they hear

    def start_all(self, services: Services) -> None:
        """Have all of them connect, in the background, and tell them how the server is doing."""
        for person in everyone(self._directory):
            targets = self._start(services, person)
            if not targets:
                continue
            account = account_state(services.database, person.name)
            with self._lock:
                self._targets[person.name] = targets
                known = self._status.get(person.name)
                status = known or ServerStatus(account.checked_at if account else None)
                self._status[person.name] = status
            _publish_status(targets, status)

    def _start(self, services: Services, person: Person) -> list[KeepsConnection]:
        started: list[KeepsConnection] = []
        for settings in person.targets:
            try:
                target = services.target(person, settings)
                if isinstance(target, KeepsConnection):
                    target.start(self)
                    started.append(target)
            except Problem:
                continue  # the job of this person says what is wrong
            except Exception:  # a defect of one target must not stop the others
                log.exception("target_failed", extra={"target": settings.name})
        return started

    def job_ended(self, person: str, status: ServerStatus) -> None:
        """Tell the targets of this person; without ``last_sync`` the earlier one still counts."""
        with self._lock:
            before = self._status.get(person)
            if status.last_sync is None and before is not None:
                status = msgspec.structs.replace(status, last_sync=before.last_sync)
            self._status[person] = status
            targets = self._targets.get(person, [])
        _publish_status(targets, status)


def _publish_status(targets: list[KeepsConnection], status: ServerStatus) -> None:
    for target in targets:
        try:
            target.publish_status(status)
        except Exception:  # a defect of one target must not stop the others
            log.exception("target_failed")
