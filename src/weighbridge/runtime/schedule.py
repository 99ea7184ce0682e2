"""Who is due, and when. Bookkeeping for threads that do the work; nothing outside is touched.

A person is at work in one thread at a time. What comes in meanwhile is remembered and done next.
When the clock is set back, the times that are noted move along: nobody waits for hours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator

import msgspec

LONGEST_NAP = 30.0
"""Seconds: a clock that was turned, or a computer that slept, is noticed after that."""

NEVER = float("inf")


class Job(msgspec.Struct, frozen=True):
    """One piece of work for a person. ``slow``: only the targets that may take their time, and
    nothing else is looked at."""

    person: str
    asking: bool = False
    notified: bool = False
    announce: frozenset[str] = frozenset()
    slow: bool = False
    since: float | None = None
    """When the notification came that began it, in epoch seconds."""


class _Diary(msgspec.Struct):
    """What is noted for one person. Times are epoch seconds."""

    ask_at: float = NEVER
    serve_at: float = NEVER
    notified_at: float = NEVER
    announce: dict[str, float] = {}
    since: float | None = None
    at_work: bool = False

    def due_at(self) -> float:
        return min(self.ask_at, self.serve_at, self.notified_at, *self.announce.values())

    def move(self, seconds: float) -> None:
        self.ask_at += seconds
        self.serve_at += seconds
        self.notified_at += seconds
        self.announce = {name: at + seconds for name, at in self.announce.items()}


class Schedule:
    """Diaries for all people. ``clock`` gives epoch seconds. All methods are for any thread.

    ``most_slow``: how many errands that may take their time are given out at once.
    """

    def __init__(
        self, people: Iterable[str], clock: Callable[[], float], *, most_slow: int = 1
    ) -> None:
        self._clock = clock
        self._most_slow = most_slow
        self._diaries = {person: _Diary() for person in people}
        self._slow = {person: _Diary() for person in self._diaries}
        """Of each person the targets that may take their time: they hold nothing else up."""
        self._change = threading.Condition()
        self._closed = False
        self._seen_at = clock()

    def notified(self, person: str, delay: float = 0.0) -> None:
        """Withings has something new. This goes before everything that only became due."""
        with self._noting(person) as diary:
            diary.notified_at = min(diary.notified_at, self._clock() + delay)

    def ask(self, person: str, at: float) -> None:
        """Ask Withings then, or earlier if that was noted."""
        with self._noting(person) as diary:
            diary.ask_at = min(diary.ask_at, at)

    def serve(self, person: str, at: float) -> None:
        """Something that is known may be sent then."""
        with self._noting(person) as diary:
            diary.serve_at = min(diary.serve_at, at)

    def serve_slow(self, person: str, at: float, since: float | None = None) -> None:
        """Something may be sent then to a target that may take its time."""
        with self._noting(person, slow=True) as diary:
            diary.serve_at = min(diary.serve_at, at)
            diary.since = since if diary.since is None else diary.since

    def announce(self, person: str, target: str, at: float) -> None:
        """A target is there again and wants to be told what it keeps."""
        with self._noting(person) as diary:
            diary.announce[target] = min(diary.announce.get(target, NEVER), at)

    def take(self) -> Job | None:
        """Wait for the next errand. None: closed."""
        with self._change:
            while not self._closed:
                now = self._look_at_clock()
                found = self._most_urgent(now)
                if found is not None:
                    return self._begin(*found, now)
                self._change.wait(self._nap(now))
        return None

    def done(self, errand: Job) -> None:
        """The errand has ended, however it ended."""
        with self._change:
            self._diary(errand.person, errand.slow).at_work = False
            self._change.notify_all()

    def next_ask(self, person: str) -> float | None:
        """When Withings is asked next without being told to; None: not planned."""
        with self._change:
            at = self._diaries[person].ask_at
        return None if at == NEVER else at

    def people(self) -> Collection[str]:
        """Everybody who has a diary."""
        return self._diaries.keys()

    def close(self) -> None:
        """Give out no more errands."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def _noting(self, person: str, *, slow: bool = False) -> _Noting:
        known = person in self._diaries
        return _Noting(self._change, self._diary(person, slow) if known else _Diary())

    def _diary(self, person: str, slow: bool) -> _Diary:
        return self._slow[person] if slow else self._diaries[person]

    def _all(self) -> Iterator[tuple[str, bool, _Diary]]:
        for slow, diaries in enumerate((self._diaries, self._slow)):
            for person, diary in diaries.items():
                yield person, bool(slow), diary

    def _look_at_clock(self) -> float:
        before, self._seen_at = self._seen_at, self._clock()
        if self._seen_at < before:
            for _, _, diary in self._all():
                diary.move(self._seen_at - before)
        return self._seen_at

    def _most_urgent(self, now: float) -> tuple[str, bool] | None:
        """A notification before a time that came, then whoever has been due for longest."""
        due = [
            (diary.notified_at > now, slow, diary.due_at(), person)
            for person, slow, diary in self._all()
            if not diary.at_work and diary.due_at() <= now and not (slow and self._is_full())
        ]
        return (min(due)[3], min(due)[1]) if due else None

    def _is_full(self) -> bool:
        """One thread is always left for those who must not wait."""
        return sum(diary.at_work for diary in self._slow.values()) >= self._most_slow

    def _begin(self, person: str, slow: bool, now: float) -> Job:
        """Take out of the diary what is due; the rest stays."""
        diary = self._diary(person, slow)
        notified, asking = diary.notified_at <= now, diary.ask_at <= now
        announce = frozenset(name for name, at in diary.announce.items() if at <= now)
        diary.at_work = True
        diary.announce = {n: at for n, at in diary.announce.items() if n not in announce}
        if notified:
            diary.notified_at = NEVER
        if asking:
            diary.ask_at = NEVER
        if diary.serve_at <= now:
            diary.serve_at = NEVER
        since, diary.since = diary.since, None
        return Job(person, asking, notified, announce, slow, since)

    def _nap(self, now: float) -> float:
        waiting = [
            diary.due_at()
            for _, slow, diary in self._all()
            if not diary.at_work and not (slow and self._is_full())
        ]
        return max(0.0, min([LONGEST_NAP, *(at - now for at in waiting)]))


class _Noting:
    """The diary of a person, under the lock; whoever waits looks again afterwards."""

    def __init__(self, change: threading.Condition, diary: _Diary) -> None:
        self._change = change
        self._diary = diary

    def __enter__(self) -> _Diary:
        self._change.acquire()
        return self._diary

    def __exit__(self, *exc_info: object) -> None:
        self._change.notify()
        self._change.release()
