"""The server put together: what is told comes in, people are brought up to date, targets stay.

    notification ──► intake ──► scheduler ──► rounds (a few threads) ──► targets
                             ▲  ▲
                 glance ─────┘  └───── targets that came back, the button, the pages

One process for a home folder. Every thread that reads the database opens it for itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from random import random as system_random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from weighbridge.config import Settings
from weighbridge.core.errors import ConfigProblem, StateProblem
from weighbridge.core.network import is_loopback
from weighbridge.monitoring.alert_sender import AlertLoop
from weighbridge.runtime.change_watcher import ExternalChangeWatcher
from weighbridge.runtime.connected_targets import ConnectedTargets
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.notification_queue import NotificationQueue
from weighbridge.runtime.poll_policy import LastPoll
from weighbridge.runtime.schedule import LONGEST_NAP, Schedule
from weighbridge.runtime.shutdown import Shutdown
from weighbridge.runtime.startup import note_what_is_due
from weighbridge.runtime.subscription_care import look_after_everybody
from weighbridge.runtime.sync_job import SyncJob
from weighbridge.runtime.threads import ThreadGroup
from weighbridge.runtime.worker import Worker
from weighbridge.storage.database import Database
from weighbridge.sync.context import Progress
from weighbridge.sync.services import Services, SharedServices
from weighbridge.targets.base import ServerStatus
from weighbridge.web.admin_token import read_or_make_token
from weighbridge.web.app_context import AppContext
from weighbridge.web.change_feed import ChangeFeed
from weighbridge.web.sessions import Authenticator

if TYPE_CHECKING:
    from filelock import BaseFileLock

WORKERS = 4
ENOUGH = 1.5
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
        self._halt = Shutdown()
        self._crew = ThreadGroup(self._halt)
        self._counts = ProcessCounters()
        self._workers = min(WORKERS, 2 * max(1, len(settings.people)))
        people = [person.name for person in settings.people]
        self._scheduler = Schedule(people, clock, most_slow=self._workers - 1)
        self._presence = ConnectedTargets(self._scheduler, self._counts, clock, settings.server.url)
        self._live = ChangeFeed(clock)
        self._asked: dict[str, LastPoll] = {}
        self._intake = self._new_intake()
        self.parts = self._new_parts()
        self._watch = AlertLoop(self.parts)

    def _new_intake(self) -> NotificationQueue:
        return NotificationQueue(
            lambda: Database(self.settings.home),
            self._clock,
            self._scheduler.notified,
            people=self._scheduler.people(),
            counts=self._counts,
        )

    def _new_parts(self) -> AppContext:
        return AppContext(
            settings=self.settings,
            clock=self._clock,
            open=self.open,
            wake=self.wake,
            started_at=self._clock(),
            intake=self._intake,
            counts=self._counts,
            authenticator=self._authenticator,
            next_ask=self._scheduler.next_ask,
            live=self._live,
        )

    # For the pages and the threads; from anywhere

    def open(self) -> Services:
        """The home folder, for the thread that calls it."""
        return Services(
            self.settings,
            clock=self._clock,
            sleep=self._halt.sleep,
            progress=_Counting(self._counts),
            shared=self._shared,
        )

    def wake(self, person: str, *, asking: bool = True, delay: float = 0.0) -> None:
        """Have somebody brought up to date soon."""
        note = self._scheduler.ask if asking else self._scheduler.serve
        note(person, self._clock() + delay)

    # Life

    def start(self) -> None:
        """Begin to work. Raises ConfigProblem when another server has this home, StateProblem."""
        self._stack.enter_context(only_one(self.settings))
        with self.open() as workplace:
            last_sync = note_what_is_due(workplace, self._scheduler, self._random)
        if last_sync is not None:
            self._presence.synced_at(last_sync)
        self._intake.start()
        for number in range(self._workers):
            self._crew.begin(f"worker-{number}", self._work)
        self._crew.begin("glance", self._glance)
        self._watch.start()

    def reachable(self, address: str) -> None:
        """It is listened now: whoever is subscribed with us may ask whether we are there."""
        self._presence.url = self.settings.server.url or address_for_others(address)
        self._crew.begin("subscriptions", self._care)

    def stop(self) -> None:
        """End all threads. What they cannot finish in time is taken up at the next start."""
        begun = time.monotonic()
        self._halt.set()
        self._scheduler.close()
        self._intake.stop()
        self._watch.stop()
        if self._crew.part(ENOUGH - (time.monotonic() - begun)):
            self._shared.close()
        else:  # somebody is in the middle of a call to the outside
            self._shared.connections.close()
        self._stack.close()

    # The threads

    def _work(self) -> None:
        with self.open() as workplace:
            rounds = SyncJob(
                workplace,
                self._scheduler,
                self._counts,
                self._asked,
                random=self._random,
                ended=self._round_ended,
            )
            Worker(rounds, self._scheduler, self._counts, self._clock).work()

    def _round_ended(self, person: str, news: ServerStatus) -> None:
        """Tell whoever watches: targets that stay, and pages that are open."""
        self._presence.round_ended(person, news)
        self._live.tell(person)

    def _glance(self) -> None:
        """Where the targets that stay are made, too: it is the one thread that waits for nobody."""
        with self.open() as workplace:
            self._presence.move_in(workplace)
            glance = ExternalChangeWatcher(workplace.database, self._scheduler, self._clock)
            glance.begin()
            while not self._halt.wait(LONGEST_NAP):
                glance.look()

    def _care(self) -> None:
        with self.open() as workplace:
            look_after_everybody(
                workplace,
                self._halt,
                chance=self._random,
                started_at=self.parts.started_at,
                nap=LONGEST_NAP,
            )


def address_for_others(address: str) -> str | None:
    """What is listened on, if another machine can use it: no loopback, and not "everywhere"."""
    host = urlsplit(address).hostname or ""
    return None if is_loopback(host) or host in ("0.0.0.0", "::") else address  # noqa: S104


class _Counting(Progress):
    """Counts the requests to Withings."""

    def __init__(self, counts: ProcessCounters) -> None:
        self._counts = counts

    def asking(self) -> None:
        self._counts.request_sent()


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
