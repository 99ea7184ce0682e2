"""The server put together: what is told comes in, people are brought up to date, targets stay.

    knock ──► intake ──► scheduler ──► rounds (a few threads) ──► targets
                             ▲  ▲
                 glance ─────┘  └───── targets that came back, the button, the pages

One process for a home folder. Every thread that reads the database opens it for itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from random import random as system_random
from typing import TYPE_CHECKING

from weighbridge.archive.database import Database
from weighbridge.archive.knocks import people_with_open_knocks
from weighbridge.assembly import Shared, Workplace
from weighbridge.config import Person, Settings
from weighbridge.errors import ConfigProblem, Problem
from weighbridge.progress import Progress
from weighbridge.server.admission import Admission, read_or_make_token
from weighbridge.server.counts import Counts
from weighbridge.server.glance import Glance
from weighbridge.server.halt import Halt, Stopping
from weighbridge.server.intake import Intake
from weighbridge.server.messenger import Watch
from weighbridge.server.parts import Parts
from weighbridge.server.rounds import Asked, Rounds
from weighbridge.server.scheduler import LONGEST_NAP, Errand, Scheduler
from weighbridge.server.upkeep import callback_of, due_at, introduce, look_after
from weighbridge.targets.base import News, Stays

if TYPE_CHECKING:
    from filelock import BaseFileLock

log = logging.getLogger(__name__)

WORKERS = 4
AFTER_A_DEFECT = 60.0
"""Seconds until a person is taken up again after an error that nobody expected."""
ENOUGH = 3.0
"""Seconds that the end of the server waits for its threads. What is under way then is as safe as
after a power cut: the next start takes it up."""
SPREAD = 30.0
"""Seconds over which those who are overdue at the start are asked about, for a large house."""
BUTTON = 10.0
"""Seconds between two times that a button has an effect."""


class Server:
    """Everything but the listening. ``start``, then ``stop``; both return within seconds."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = system_random,
    ) -> None:
        self.settings = settings
        self.url: str | None = settings.server.url
        self.halt = Halt()
        self.counts = Counts()
        self._clock = clock
        self._random = random
        self._stack = ExitStack()
        self._shared = Shared()
        self._scheduler = Scheduler([person.name for person in settings.people], clock)
        self._asked: dict[str, Asked] = {}
        self._stayers: list[Stays] = []
        self._problems: dict[str, str | None] = {}
        self._last_sync: float | None = None
        self._pressed_at = 0.0
        self._threads: list[threading.Thread] = []
        self.intake = Intake(
            lambda: Database(settings.home), clock, self._scheduler.knock, counts=self.counts
        )
        self.parts = Parts(
            settings=settings,
            clock=clock,
            open=self.open,
            wake=self.wake,
            started_at=clock(),
            intake=self.intake,
            counts=self.counts,
            admission=Admission(read_or_make_token(settings.home), clock),
            next_ask=self._scheduler.next_ask,
        )
        self._watch = Watch(self.parts)

    # For the pages, the targets and the threads; from anywhere

    def open(self) -> Workplace:
        """The home folder, for the thread that calls it."""
        return Workplace(
            self.settings,
            clock=self._clock,
            sleep=self.halt.sleep,
            progress=_Counting(self.counts),
            shared=self._shared,
        )

    def wake(self, person: str, *, asking: bool = True, delay: float = 0.0) -> None:
        """Have somebody brought up to date soon."""
        note = self._scheduler.ask if asking else self._scheduler.serve
        note(person, self._clock() + delay)

    def came_back(self, person: str, target: str, delay: float = 0.0) -> None:
        """A target is there again (``weighbridge.targets.base.House``)."""
        self.counts.target_returned()
        self._scheduler.announce(person, target, self._clock() + delay)

    def sync_now(self, person: str | None = None) -> None:
        """Somebody pressed a button; pressing it again at once changes nothing."""
        now = self._clock()
        if now - self._pressed_at < BUTTON:
            return
        self._pressed_at = now
        for name in [person] if person else self._scheduler.people():
            self._scheduler.ask(name, now)

    # Life

    def start(self) -> None:
        """Begin to work. Raises ConfigProblem when another server has this home, StateProblem."""
        self._stack.enter_context(_only_one(self.settings))
        with self.open() as workplace:
            self._begin(workplace)
        self.intake.start()
        for number in range(min(WORKERS, max(1, len(self.settings.people)))):
            self._run(f"worker-{number}", self._work)
        self._run("glance", self._glance)
        self._watch.start()

    def _begin(self, workplace: Workplace) -> None:
        """What is overdue, what was knocked, and the targets that stay."""
        for number, person in enumerate(self.settings.people):
            self._scheduler.ask(person.name, self._first_ask(workplace, person.name, number))
        for name in people_with_open_knocks(workplace.database):
            self._scheduler.knock(name)
        Glance(workplace.database, self.settings, self._scheduler, self._clock).begin()

    def _first_ask(self, workplace: Workplace, person: str, number: int) -> float:
        """When this person was to be looked at anyway; the first ones at once if that is over."""
        now = self._clock()
        row = workplace.database.one("account_of", person=person)
        if row is None or row["checked_at"] is None:
            return now
        self._last_sync = max(self._last_sync or 0.0, row["checked_at"])
        due: float = row["checked_at"] + self.settings.server.poll * (0.9 + 0.2 * self._random())
        late = now + (SPREAD * self._random() if number >= WORKERS else 0.0)
        return max(due, late)

    def reachable(self, address: str) -> None:
        """It is listened now: whoever is subscribed with us may ask whether we are there."""
        self.url = self.settings.server.url or address
        self._run("subscriptions", self._care)

    def stop(self) -> None:
        """End all threads. What they cannot finish in time is taken up at the next start."""
        self.halt.set()
        self._scheduler.close()
        self.intake.stop()
        self._watch.stop()
        end = time.monotonic() + ENOUGH
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._shared.connections.close()
        self._stack.close()

    def _run(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=_until_stopped(work), name=f"weighbridge-{name}")
        thread.daemon = True  # a call to the outside that hangs does not hold up the end
        self._threads.append(thread)
        thread.start()

    # The threads

    def _work(self) -> None:
        with self.open() as workplace:
            rounds = Rounds(
                workplace,
                self._scheduler,
                self.counts,
                self._asked,
                random=self._random,
                ended=self._ended,
            )
            while (errand := self._scheduler.take()) is not None:
                self._walk(rounds, errand)

    def _walk(self, rounds: Rounds, errand: Errand) -> None:
        """One errand; nothing that goes wrong in it ends the thread."""
        try:
            rounds.run(errand)
        except Problem as problem:
            log.warning("round_failed", extra={"person": errand.person, "problem": problem.message})
            self._take_up_again(errand)
        except Exception:
            log.exception("round_failed", extra={"person": errand.person})
            self._take_up_again(errand)
        finally:
            self._scheduler.done(errand.person)

    def _take_up_again(self, errand: Errand) -> None:
        self.counts.round_failed()
        at = self._clock() + AFTER_A_DEFECT
        if errand.asking:
            self._scheduler.ask(errand.person, at)
        if errand.knocked:
            self._scheduler.knock(errand.person, AFTER_A_DEFECT)
        self._scheduler.serve(errand.person, at)

    def _glance(self) -> None:
        """Where the targets that stay are made, too: it is the one thread that waits for nobody."""
        with self.open() as workplace:
            self._move_in(workplace)
            glance = Glance(workplace.database, self.settings, self._scheduler, self._clock)
            while not self.halt.wait(LONGEST_NAP):
                try:
                    glance.look()
                except Problem as problem:
                    log.warning("glance_failed", extra={"problem": problem.message})

    def _care(self) -> None:
        """The subscriptions of everybody: at the start, daily, and patiently after trouble."""
        with self.open() as workplace:
            if not introduce(workplace):
                return
            while not self.halt.is_set:
                for person in self.settings.people:
                    try:
                        self._care_for(workplace, person)
                    except Problem as problem:
                        log.warning("subscriptions_failed", extra={"problem": problem.message})
                self.halt.sleep(LONGEST_NAP)

    def _care_for(self, workplace: Workplace, person: Person) -> None:
        archive, callback = workplace.archive(person.name), callback_of(workplace)
        if archive is None or callback is None:
            return
        now, started_at = self._clock(), self.parts.started_at
        due = due_at(
            workplace.database, archive.account, now, callback=callback, started_at=started_at
        )
        if due <= now:
            look_after(
                workplace,
                person,
                callback,
                clock=self._clock,
                sleep=self.halt.sleep,
                chance=self._random,
            )

    def _move_in(self, workplace: Workplace) -> None:
        """Targets that stay connected do so from now on."""
        for person in self.settings.people:
            for settings in person.targets:
                try:
                    target = workplace.target(person, settings)
                except Problem:
                    continue  # the round of this person says what is wrong
                if isinstance(target, Stays):
                    self._stayers.append(target)
                    target.stay(self)

    def _ended(self, person: str, problem: str | None, synced_at: float | None) -> None:
        """A round has ended: those who stay tell how the server is doing."""
        self._problems[person] = problem
        if synced_at is not None:
            self._last_sync = synced_at
        problems = [text for text in self._problems.values() if text]
        news = News(last_sync=self._last_sync, problem=" ".join(problems) or None)
        for target in self._stayers:
            target.report(news)


class _Counting(Progress):
    """Counts the requests to Withings."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def asking(self) -> None:
        self._counts.request_sent()


def _until_stopped(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except Stopping:
            return
        except Exception:
            log.exception("thread_ended")

    return run


def _only_one(settings: Settings) -> BaseFileLock:
    """The lock of the server of a home folder. Raises ConfigProblem when it is taken."""
    from filelock import FileLock, Timeout

    folder = settings.home / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(folder / "server.lock", mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigProblem(
            f"Another server is running for {settings.home} already.",
            remedy="End it first, or use another --home.",
        ) from None
    return lock
