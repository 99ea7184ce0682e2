"""Who is due, and when. Bookkeeping for threads that do the work; nothing outside is touched.

A person is at work in one thread at a time. What comes in meanwhile is remembered and done next.
When the clock is set back, the times that are noted move along: nobody waits for hours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable

import msgspec

LONGEST_NAP = 30.0
"""Seconds: a clock that was turned, or a computer that slept, is noticed after that."""

NEVER = float("inf")


class Errand(msgspec.Struct, frozen=True):
    """One piece of work: a person, whether Withings is to be asked, targets that came back."""

    person: str
    asking: bool
    knocked: bool
    announce: frozenset[str]


class _Diary(msgspec.Struct):
    """What is noted for one person. Times are epoch seconds."""

    ask_at: float = NEVER
    serve_at: float = NEVER
    knocked_at: float = NEVER
    announce: dict[str, float] = {}
    at_work: bool = False

    def due_at(self) -> float:
        return min(self.ask_at, self.serve_at, self.knocked_at, *self.announce.values())

    def move(self, seconds: float) -> None:
        self.ask_at += seconds
        self.serve_at += seconds
        self.knocked_at += seconds
        self.announce = {name: at + seconds for name, at in self.announce.items()}


class Scheduler:
    """Diaries for all people. ``clock`` gives epoch seconds. All methods are for any thread."""

    def __init__(self, people: Iterable[str], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._diaries = {person: _Diary() for person in people}
        self._change = threading.Condition()
        self._closed = False
        self._seen_at = clock()

    def knock(self, person: str, delay: float = 0.0) -> None:
        """Withings has something new. This goes before everything that only became due."""
        with self._noting(person) as diary:
            diary.knocked_at = min(diary.knocked_at, self._clock() + delay)

    def ask(self, person: str, at: float) -> None:
        """Ask Withings then, or earlier if that was noted."""
        with self._noting(person) as diary:
            diary.ask_at = min(diary.ask_at, at)

    def serve(self, person: str, at: float) -> None:
        """Something that is known may be sent then."""
        with self._noting(person) as diary:
            diary.serve_at = min(diary.serve_at, at)

    def announce(self, person: str, target: str, at: float) -> None:
        """A target is there again and wants to be told what it keeps."""
        with self._noting(person) as diary:
            diary.announce[target] = min(diary.announce.get(target, NEVER), at)

    def take(self) -> Errand | None:
        """Wait for the next errand. None: closed."""
        with self._change:
            while not self._closed:
                now = self._look_at_clock()
                person = self._most_urgent(now)
                if person is not None:
                    return self._begin(person, now)
                self._change.wait(self._nap(now))
        return None

    def done(self, person: str) -> None:
        """The errand of this person has ended, however it ended."""
        with self._change:
            self._diaries[person].at_work = False
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

    def _noting(self, person: str) -> _Noting:
        return _Noting(self._change, self._diaries.get(person) or _Diary())

    def _look_at_clock(self) -> float:
        before, self._seen_at = self._seen_at, self._clock()
        if self._seen_at < before:
            for diary in self._diaries.values():
                diary.move(self._seen_at - before)
        return self._seen_at

    def _most_urgent(self, now: float) -> str | None:
        """A knock before a time that came, then whoever has been due for longest."""
        due = [
            (diary.knocked_at > now, diary.due_at(), person)
            for person, diary in self._diaries.items()
            if not diary.at_work and diary.due_at() <= now
        ]
        return min(due)[2] if due else None

    def _begin(self, person: str, now: float) -> Errand:
        """Take out of the diary what is due; the rest stays."""
        diary = self._diaries[person]
        knocked, asking = diary.knocked_at <= now, diary.ask_at <= now
        announce = frozenset(name for name, at in diary.announce.items() if at <= now)
        diary.at_work = True
        diary.announce = {n: at for n, at in diary.announce.items() if n not in announce}
        if knocked:
            diary.knocked_at = NEVER
        if asking:
            diary.ask_at = NEVER
        if diary.serve_at <= now:
            diary.serve_at = NEVER
        return Errand(person, asking, knocked, announce)

    def _nap(self, now: float) -> float:
        waiting = [diary.due_at() for diary in self._diaries.values() if not diary.at_work]
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
