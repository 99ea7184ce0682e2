"""Who is due, and when. Threads take jobs from here; nothing outside is touched.

One person is at work in one thread at a time. What comes in meanwhile is kept and done next. When
the clock is set back, the planned times move along, so that nobody waits for hours.

An event costs O(log n) for n people: times lie in a heap of alarms, and what is due lies in one
heap for each class of urgency. An entry of a heap that no longer holds is dropped when it comes up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from heapq import heapify, heappop, heappush
from typing import Literal, Protocol

import msgspec

LONGEST_WAIT = 30.0
"""Seconds. After that a waiting thread looks at the clock again: it may have been set, or the
computer may have slept."""

NEVER = float("inf")

type Task = Literal["poll", "deliver", "notified"] | tuple[Literal["republish"], str]
"""What a job does; one target is republished."""

COMPACT_ABOVE = 64
"""Alarms below this number are not worth a clean-up."""


class Job(msgspec.Struct, frozen=True):
    """One piece of work for one person.

    ``deferrable``: only the targets that may take their time are served, and Withings is not asked.
    """

    person: str
    poll: bool = False
    """The poll is due: Withings is asked whether or not it notified us."""
    notified: bool = False
    republish: frozenset[str] = frozenset()
    """Names of targets that want their latest values again."""
    deferrable: bool = False
    since: float | None = None
    """When the notification came that led to it, in epoch seconds."""


class Schedule(Protocol):
    """When which person is due. Times are epoch seconds; all methods are for any thread.

    Of several times that are planned for the same thing the earliest counts.
    """

    def notified(self, person: str, delay: float = 0.0) -> None:
        """Withings has something new. This goes before everything that only became due."""

    def poll_at(self, person: str, at: float) -> None:
        """Ask Withings then."""

    def deliver_at(self, person: str, at: float) -> None:
        """Something that is known may be sent then."""

    def deliver_deferrable_at(self, person: str, at: float, since: float | None = None) -> None:
        """Something may be sent then to a target that may take its time."""

    def republish_at(self, person: str, target: str, at: float) -> None:
        """A target is connected again and wants its latest values."""

    def planned(self, person: str, *, deferrable: bool = False) -> Planned:
        """What is planned for a person, of one of the two kinds of jobs."""

    def forget(self, person: str, *, deferrable: bool = False) -> None:
        """Plan nothing any more for a person, of one of the two kinds of jobs."""

    def take(self, *, wait: bool = True) -> Job | None:
        """The next job; waits for it if need be. None: closed, or nothing is due and ``wait`` is
        False.
        """

    def done(self, job: Job) -> None:
        """The job has ended, however it ended."""

    def close(self) -> None:
        """Give out no more jobs."""


class Planned(msgspec.Struct, frozen=True):
    """What is planned for one person, with the time of each in epoch seconds."""

    times: Mapping[Task, float] = {}
    since: float | None = None

    def at(self, task: Task) -> float:
        """The time of a task; ``NEVER``: it is not planned."""
        return self.times.get(task, NEVER)

    @property
    def due_at(self) -> float:
        """The earliest of them."""
        return min(self.times.values(), default=NEVER)


class _Slot(msgspec.Struct):
    """One person's place in the schedule, for one of the two kinds of jobs."""

    person: str
    deferrable: bool
    planned: Planned = Planned()
    at_work: bool = False
    version: int = 0
    """Counts up when the person is taken: what lies in a ready heap from before holds no more."""


type _Ready = list[tuple[float, str, int]]
"""(due since, person, version of the slot)"""


class MemorySchedule(Schedule):
    """The schedule of one process, in memory. ``Schedule`` says what its methods do.

    ``most_deferrable``: how many deferrable jobs are given out at once. With one less than there
    are threads, one thread is always left for what must not wait.
    """

    def __init__(self, clock: Callable[[], float], *, most_deferrable: int = 1) -> None:
        self._clock = clock
        self._most_deferrable = most_deferrable
        self._deferrable_at_work = 0
        self._slots: dict[tuple[str, bool], _Slot] = {}
        self._alarms: list[tuple[float, str, bool]] = []
        self._notified: _Ready = []
        self._urgent: _Ready = []
        self._deferrable: _Ready = []
        self._change = threading.Condition()
        self._closed = False
        self._seen_at = clock()

    # What the rest of the server plans

    def notified(self, person: str, delay: float = 0.0) -> None:
        self._plan(person, "notified", self._clock() + delay)

    def poll_at(self, person: str, at: float) -> None:
        self._plan(person, "poll", at)

    def deliver_at(self, person: str, at: float) -> None:
        self._plan(person, "deliver", at)

    def deliver_deferrable_at(self, person: str, at: float, since: float | None = None) -> None:
        self._plan(person, "deliver", at, deferrable=True, since=since)

    def republish_at(self, person: str, target: str, at: float) -> None:
        self._plan(person, ("republish", target), at)

    def planned(self, person: str, *, deferrable: bool = False) -> Planned:
        with self._change:
            slot = self._slots.get((person, deferrable))
            return slot.planned if slot else Planned()

    def forget(self, person: str, *, deferrable: bool = False) -> None:
        with self._change:
            slot = self._slot(person, deferrable=deferrable)
            slot.planned = Planned()
            slot.version += 1

    # What the threads do

    def take(self, *, wait: bool = True) -> Job | None:
        with self._change:
            while not self._closed:
                now = self._read_clock()
                self._ring(now)
                if slot := self._most_urgent():
                    self._change.notify()  # another thread must wait for what is due next
                    return self._begin(slot, now)
                if not wait:
                    return None
                self._change.wait(self._seconds_to_wait(now))
        return None

    def done(self, job: Job) -> None:
        with self._change:
            slot = self._slots[job.person, job.deferrable]
            slot.at_work = False
            self._deferrable_at_work -= job.deferrable
            self._sort_in(slot, self._seen_at)
            self._change.notify()

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()

    # Bookkeeping, under the lock

    def _slot(self, person: str, *, deferrable: bool = False) -> _Slot:
        key = (person, deferrable)
        if key not in self._slots:
            self._slots[key] = _Slot(person, deferrable)
        return self._slots[key]

    def _plan(
        self,
        person: str,
        task: Task,
        at: float,
        *,
        deferrable: bool = False,
        since: float | None = None,
    ) -> None:
        """Plan a task if it is not planned earlier; of several ``since`` the first counts."""
        with self._change:
            slot = self._slot(person, deferrable=deferrable)
            times, known = slot.planned.times, slot.planned.since
            since = since if known is None else known
            if at < slot.planned.at(task):
                slot.planned = Planned({**times, task: at}, since)
                self._set_alarm(slot, at)
            else:
                slot.planned = Planned(times, since)

    def _set_alarm(self, slot: _Slot, at: float) -> None:
        """Have a thread that waits look whether this time is the next one."""
        heappush(self._alarms, (at, slot.person, slot.deferrable))
        if len(self._alarms) > COMPACT_ABOVE + 4 * len(self._slots):
            self._alarms = [alarm for alarm in self._alarms if self._holds(alarm)]
            heapify(self._alarms)
        self._change.notify()

    def _holds(self, alarm: tuple[float, str, bool]) -> bool:
        at, person, deferrable = alarm
        return at in self._slots[person, deferrable].planned.times.values()

    def _ring(self, now: float) -> None:
        """Sort in whatever became due."""
        while self._alarms and self._alarms[0][0] <= now:
            _, person, deferrable = heappop(self._alarms)
            self._sort_in(self._slots[person, deferrable], now)

    def _sort_in(self, slot: _Slot, now: float) -> None:
        """Put a person who is due among those of the same urgency."""
        due_at = slot.planned.due_at
        if slot.at_work or due_at > now:
            return
        heappush(self._heap_of(slot, now), (due_at, slot.person, slot.version))

    def _heap_of(self, slot: _Slot, now: float) -> _Ready:
        if slot.deferrable:
            return self._deferrable
        return self._notified if slot.planned.at("notified") <= now else self._urgent

    def _most_urgent(self) -> _Slot | None:
        """First notifications, then what must not wait, then the rest; each longest due first."""
        if slot := self._first(self._notified) or self._first(self._urgent):
            return slot
        if self._deferrable_at_work < self._most_deferrable:
            return self._first(self._deferrable, deferrable=True)
        return None

    def _first(self, ready: _Ready, *, deferrable: bool = False) -> _Slot | None:
        while ready:
            _, person, version = heappop(ready)
            slot = self._slots[person, deferrable]
            if slot.version == version:
                return slot
        return None

    def _begin(self, slot: _Slot, now: float) -> Job:
        """Take what is due out of the plan; the rest stays."""
        planned = slot.planned
        due = {task for task, at in planned.times.items() if at <= now}
        slot.planned = Planned({task: at for task, at in planned.times.items() if task not in due})
        slot.at_work = True
        slot.version += 1
        self._deferrable_at_work += slot.deferrable
        return Job(
            slot.person,
            poll="poll" in due,
            notified="notified" in due,
            republish=frozenset(task[1] for task in due if isinstance(task, tuple)),
            deferrable=slot.deferrable,
            since=planned.since,
        )

    def _seconds_to_wait(self, now: float) -> float:
        while self._alarms and not self._holds(self._alarms[0]):
            heappop(self._alarms)
        return min(LONGEST_WAIT, self._alarms[0][0] - now) if self._alarms else LONGEST_WAIT

    def _read_clock(self) -> float:
        """The time. When the clock was set back, everything planned moves along."""
        before, self._seen_at = self._seen_at, self._clock()
        if (late := self._seen_at - before) < 0:
            for slot in self._slots.values():
                times = {task: at + late for task, at in slot.planned.times.items()}
                slot.planned = Planned(times, slot.planned.since)
            # The order stays, so these are heaps still.
            self._alarms = [(at + late, person, kind) for at, person, kind in self._alarms]
            for ready in (self._notified, self._urgent, self._deferrable):
                ready[:] = [(at + late, person, version) for at, person, version in ready]
        return self._seen_at
