"""Work that is begun on a page and takes longer than a page may, like signing in somewhere.

It runs in a thread of its own and may ask a question: the next page shows it, the one after that
brings the answer. Only the session that began it sees it. Work that nobody goes on with ends by
itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Literal, cast

import msgspec

from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.runtime.threads import ShutdownRequested
from weighbridge.web.traceback_summary import where_of

log = logging.getLogger(__name__)

LIFE = 600.0
"""Seconds for a person to answer everything that is asked, and to look at what came of it."""
MOST = 4
"""Tasks of one sort that are under way at once."""

type TaskKey = tuple[str, ...]


class TaskRunning(RetryLater):
    """Something like it is under way already."""


class InputTimeout(LoginNeeded):
    """No answer came in time, or the work was begun again."""


class Question(msgspec.Struct, frozen=True):
    """What the work asks the session that began it."""

    kind: Literal["code", "ticket"]
    link: str = ""
    """Where the answer is found."""
    again: bool = False
    """The answer before this one was not accepted."""


class BackgroundTask[T]:
    """One piece of work. ``session`` is the key of the session that began it.

    ``note`` is kept for the page; no secret.
    """

    def __init__(self, session: str, made_at: float, note: str, life: float) -> None:
        self.session = session
        self.made_at = made_at
        self.note = note
        self.question: Question | None = None
        self.result: T | None = None
        self.problem: Problem | None = None
        self.is_over = False
        self._deadline = time.monotonic() + life
        self._answer: str | None = None
        self._given_up = False
        self._change = threading.Condition()
        self._watched = threading.Lock()

    def ask(self, question: Question) -> str:
        """For the work: wait for the answer. Raises InputTimeout."""
        with self._change:
            self.question = question
            self._change.notify_all()
            self._change.wait_for(self._is_answered, max(self._deadline - time.monotonic(), 0.0))
            answer, self._answer, self.question = self._answer, None, None
        if answer is None:
            raise InputTimeout(code="server.too_slow")
        return answer

    def _is_answered(self) -> bool:
        return self._answer is not None or self._given_up

    def answer(self, text: str) -> bool:
        """For a page: answer what is asked. False: nothing is asked, or not any more."""
        with self._change:
            if self.question is None:
                return False
            self._answer, self.question = text, None
            self._change.notify_all()
            return True

    def give_up(self) -> bool:
        """End it if it waits for an answer. False: it is at work."""
        with self._change:
            if self.question is None:
                return self.is_over
            self._given_up, self.question = True, None
            self._change.notify_all()
            return True

    @property
    def is_under_way(self) -> bool:
        """Whether it works, or waits for an answer that may still come."""
        return not (self.is_over or self._given_up)

    def wait(self, seconds: float) -> None:
        """Until it asks or is over, at most so long. Only one page waits, others go on at once."""
        if not self._watched.acquire(blocking=False):
            return
        try:
            with self._change:
                self._change.wait_for(lambda: self.is_over or self.question is not None, seconds)
        finally:
            self._watched.release()

    def outcome(self) -> T:
        """What the work returned; only after it is over without a problem."""
        assert self.is_over, "the work goes on"
        assert self.problem is None, "the work failed"
        return cast("T", self.result)

    def carry_out(self, work: Callable[[BackgroundTask[T]], T]) -> None:
        """Do the work, in this thread. A problem is kept for the page that asks."""
        result, problem = None, None
        try:
            result = work(self)
        except Problem as found:
            problem = _bare(found)
        except ShutdownRequested:
            problem = RetryLater(code="server.stopping")
        except Exception as error:  # a kind of target may be another package's
            name = type(error).__name__
            log.error("task_failed", extra={"kind": name, "where": where_of(error)})
            problem = Problem(code="server.failed", error=name)
        with self._change:
            self.result, self.problem, self.is_over = result, problem, True
            self._change.notify_all()


class TaskRegistry[T]:
    """The tasks of one sort; each key has one at most. Safe in several threads."""

    def __init__(
        self, clock: Callable[[], float], *, most: int = MOST, life: float | None = None
    ) -> None:
        self._clock = clock
        self._most = most
        self._own_life = life
        self._tasks: dict[TaskKey, BackgroundTask[T]] = {}
        self._lock = threading.Lock()

    def begin(
        self, key: TaskKey, session: str, work: Callable[[BackgroundTask[T]], T], note: str = ""
    ) -> None:
        """Begin it in a thread; one of that key that waits for an answer is given up for it.

        One that is at work goes on, and is this one when it is of the same session: a form may be
        sent twice. Raises TaskRunning when it is of another, or when there are too many.
        """
        with self._lock:
            known = self._tasks.get(key)
            if known is not None and not known.give_up():
                if known.session == session:
                    return
                raise TaskRunning(code="server.same_task")
            if sum(task.is_under_way for task in self._tasks.values()) >= self._most:
                raise TaskRunning(code="server.many_tasks")
            task: BackgroundTask[T] = BackgroundTask(session, self._clock(), note, self._life)
            _start(task, work)
            self._tasks[key] = task

    def find(self, key: TaskKey, session: str) -> BackgroundTask[T] | None:
        """The task of that key, if it is of this session and not long over."""
        with self._lock:
            task = self._tasks.get(key)
            if task is None or task.session != session:
                return None
            if task.is_over and abs(self._clock() - task.made_at) > 2 * self._life:
                del self._tasks[key]
                return None
            return task

    @property
    def _life(self) -> float:
        return LIFE if self._own_life is None else self._own_life

    def drop(self, key: TaskKey) -> None:
        """Forget a task whose end was shown."""
        with self._lock:
            task = self._tasks.get(key)
            if task is not None and task.is_over:
                del self._tasks[key]


def _start[T](task: BackgroundTask[T], work: Callable[[BackgroundTask[T]], T]) -> None:
    """A daemon: the end of the server does not wait for a person who looks for a code."""
    thread = threading.Thread(
        target=task.carry_out, args=(work,), name="weighbridge-task", daemon=True
    )
    try:
        thread.start()
    except RuntimeError:
        raise TaskRunning(code="server.too_many_tasks") from None


def _bare(problem: Problem) -> Problem:
    """Without its traceback: the frames of that hold what was sent, a password for instance."""
    problem.__cause__ = problem.__context__ = problem.__traceback__ = None
    return problem
