"""The process of ``weighbridge serve``: its threads, and what they share.

    notification ──► NotificationQueue ──► Schedule ──► JobRunner (a few threads) ──► targets
                                            ▲    ▲
              ExternalChangeWatcher ────────┘    └──── connected targets, the button, the pages

One process for a home folder. Every thread that reads the database opens it for itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from random import random as system_random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from weighbridge.config import Settings
from weighbridge.core.errors import ConfigProblem, StateProblem
from weighbridge.core.network import is_loopback
from weighbridge.monitoring.alert_loop import AlertLoop
from weighbridge.runtime.connected_targets import ConnectedTargets
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.due_work import (
    ExternalChangeWatcher,
    schedule_initial_deliveries,
    schedule_initial_work,
)
from weighbridge.runtime.jobs import JobRunner
from weighbridge.runtime.notification_queue import NotificationQueue
from weighbridge.runtime.poll_policy import LastPoll
from weighbridge.runtime.schedule import NEVER, MemorySchedule
from weighbridge.runtime.subscription_job import keep_in_order
from weighbridge.runtime.threads import ThreadGroup, sleep_until
from weighbridge.storage.database import connect
from weighbridge.sync.context import Progress
from weighbridge.sync.services import Services, SharedServices
from weighbridge.targets.base import ServerStatus
from weighbridge.web.app_context import AppContext, ServicesPool
from weighbridge.web.change_feed import ChangeFeed
from weighbridge.web.sessions import Authenticator, read_or_make_token

if TYPE_CHECKING:
    from filelock import BaseFileLock

WORKERS = 4
"""Threads that carry out jobs."""
WATCH_EVERY = 30.0
"""Seconds between two looks at what other processes changed, and at subscriptions."""
STOP_SECONDS = 1.5
"""Seconds that the end of the server waits for its threads. What is under way then is as safe as
after a power cut: the next start takes it up."""


class Server:
    """Everything but the listening. ``start``, then ``stop``; both return within seconds."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = system_random,
        authenticator: Authenticator | None = None,
    ) -> None:
        """``authenticator``: with sessions from before, of pages that led up to this server."""
        self.settings = settings
        self._authenticator = authenticator or Authenticator(
            read_or_make_token(settings.home), clock
        )
        self._clock = clock
        self._random = random
        self._stack = ExitStack()
        self._shared = SharedServices()
        self._shutdown = threading.Event()
        self.threads = ThreadGroup(self._shutdown)
        self._counts = ProcessCounters()
        self._workers = min(WORKERS, 2 * max(1, settings.directory.count()))
        self._schedule = MemorySchedule(clock, most_deferrable=self._workers - 1)
        self._targets = ConnectedTargets(
            self._schedule, settings.directory, self._counts, clock, settings.server.url
        )
        self._live = ChangeFeed(clock)
        self._pool = ServicesPool(self.open)
        self._last_polls: dict[str, LastPoll] = {}
        self._queue = self._new_queue()
        self.context = self._new_context()
        self._alerts = AlertLoop(self.context)

    def _new_queue(self) -> NotificationQueue:
        return NotificationQueue(
            lambda: connect(self.settings.home),
            self._clock,
            self._schedule.notified,
            is_ours=lambda name: self.settings.directory.find(name) is not None,
            counts=self._counts,
        )

    def _new_context(self) -> AppContext:
        return AppContext(
            settings=self.settings,
            clock=self._clock,
            open=self._pool.borrow,
            request_sync=self.request_sync,
            started_at=self._clock(),
            notifications=self._queue,
            counts=self._counts,
            authenticator=self._authenticator,
            next_ask=self._next_poll,
            live=self._live,
        )

    # For the pages and the threads; from anywhere

    def open(self) -> Services:
        """The home folder, for the thread that calls it."""
        return Services(
            self.settings,
            clock=self._clock,
            sleep=sleep_until(self._shutdown),
            progress=_Counting(self._counts),
            shared=self._shared,
        )

    def request_sync(self, person: str, *, poll: bool = True, delay: float = 0.0) -> None:
        """Have a person brought up to date soon."""
        plan = self._schedule.poll_at if poll else self._schedule.deliver_at
        plan(person, self._clock() + delay)

    def _next_poll(self, person: str) -> float | None:
        at = self._schedule.planned(person).at("poll")
        return None if at == NEVER else at

    # Life

    def start(self) -> None:
        """Begin to work. Raises ConfigProblem when another server has this home, StateProblem."""
        self._stack.enter_context(only_one(self.settings))
        with self.open() as services:
            schedule_initial_work(services, self._schedule, self._random)
        self._queue.start()
        for number in range(self._workers):
            self.threads.start(f"worker-{number}", self._work)
        self.threads.start("changes", self._watch_changes)
        self._alerts.start()

    def reachable(self, address: str) -> None:
        """The server listens now, so Withings may ask whether it is there."""
        self._targets.url = self.settings.server.url or address_for_others(address)
        self.threads.start("subscriptions", self._keep_subscriptions)

    def stop(self) -> None:
        """End all threads. What they cannot finish in time is taken up at the next start."""
        begun = time.monotonic()
        self._shutdown.set()
        self._schedule.close()
        self._queue.stop()
        self._alerts.stop()
        if self.threads.join(STOP_SECONDS - (time.monotonic() - begun)):
            self._shared.close()
        else:  # a thread is in the middle of a call to the outside
            self._shared.connections.close()
        self._pool.close()
        self._stack.close()

    # The threads

    def _work(self) -> None:
        with self.open() as services:
            runner = JobRunner(
                services,
                self._schedule,
                self._counts,
                self._last_polls,
                random=self._random,
                ended=self._job_ended,
            )
            runner.work()

    def _job_ended(self, person: str, status: ServerStatus) -> None:
        """Tell targets that stay connected, and pages that are open."""
        self._targets.job_ended(person, status)
        self._live.tell(person)

    def _watch_changes(self) -> None:
        """Connected targets are started here, too: this thread waits for nothing outside."""
        with self.open() as services:
            self._targets.start_all(services)
            directory = self.settings.directory
            watcher = ExternalChangeWatcher(
                services.database, directory, self._schedule, self._clock
            )
            schedule_initial_deliveries(directory, self._schedule, self._clock)
            while not self._shutdown.wait(WATCH_EVERY):
                watcher.look()

    def _keep_subscriptions(self) -> None:
        with self.open() as services:
            keep_in_order(
                services,
                random=self._random,
                started_at=self.context.started_at,
                pause=WATCH_EVERY,
            )


def address_for_others(address: str) -> str | None:
    """The address, if another machine can use it: no loopback, and not "everywhere"."""
    host = urlsplit(address).hostname or ""
    return None if is_loopback(host) or host in ("0.0.0.0", "::") else address  # noqa: S104


class _Counting(Progress):
    """Counts the requests to Withings."""

    def __init__(self, counts: ProcessCounters) -> None:
        self._counts = counts

    def asking(self) -> None:
        self._counts.add("withings_requests")


def only_one(settings: Settings) -> BaseFileLock:
    """The lock of the server of a home folder. Raises ConfigProblem when it is taken, StateProblem
    when the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = settings.home / "run"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / "server.lock", mode=0o600, thread_local=False)
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigProblem(code="home.running", path=str(settings.home)) from None
    except OSError as error:
        raise StateProblem(code="home.folder", path=str(folder), error=error.strerror) from error
    return lock
