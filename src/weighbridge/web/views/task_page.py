"""Work that takes longer than a page may: one page begins it, the next shows its outcome.

It runs in a thread of its own and may ask a question: a page shows it, the next one brings the
answer. Only the session that began it sees it. Work that nobody goes on with ends by itself. When
it fails, the class of the problem decides what is said and with which status, never its text.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import msgspec
from starlette.responses import Response

from weighbridge.config import Person
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater, SignInBlocked
from weighbridge.runtime.threads import ShutdownRequested
from weighbridge.storage.logins import TakenAccount
from weighbridge.sync.person_login import StillBlocked
from weighbridge.targets.base import WrongCode, WrongPassword, WrongTicket
from weighbridge.web.app_context import AppContext
from weighbridge.web.auth import Auth, SignedInEndpoint, SignedInRequest, retry_after
from weighbridge.web.render import Pages

_SHOWN = 5
"""Lines: those nearest to the error."""


def where_of(error: Exception) -> str:
    """``web.views.history:93 < web.auth:120``: modules and lines, the innermost first."""
    frames = [*traceback.walk_tb(error.__traceback__)][-_SHOWN:]
    return " < ".join(
        f"{frame.f_globals.get('__name__', '?').removeprefix('weighbridge.')}:{line}"
        for frame, line in reversed(frames)
    )


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


class Trouble(msgspec.Struct, frozen=True):
    """What a page says. Its texts stand under ``connections.<reason>_title`` and ``_next``."""

    reason: str
    status: int
    said: Problem | None = None
    """What the problem itself says. It may name others: for the admin alone."""
    owner: str = ""
    """Whose account it is; for the admin alone."""
    headers: Mapping[str, str] = {}


_REASONS: tuple[tuple[type[Problem], str, int], ...] = (
    (InputTimeout, "late", 410),
    (TaskRunning, "busy", 503),
    (WrongPassword, "wrong_password", 403),
    (WrongCode, "wrong_code", 403),
    (WrongTicket, "wrong_ticket", 403),
    (TakenAccount, "taken", 409),
    (StillBlocked, "blocked", 429),
    (SignInBlocked, "blocked", 429),
    (RetryLater, "no_answer", 503),
    (LoginNeeded, "not_let_in", 403),
    (ConfigProblem, "misfit", 409),
    (Problem, "accident", 500),
)
"""The first that fits counts."""

_SPEAKS_FOR_ITSELF = frozenset({"not_let_in", "misfit", "accident"})

MISSING = Trouble("missing", 400)
NOT_UNDER_WAY = Trouble("late", 410)


def trouble_of(problem: Problem) -> Trouble:
    """What to say about a problem."""
    reason, status = next(
        (name, code) for kind, name, code in _REASONS if isinstance(problem, kind)
    )
    return Trouble(
        reason,
        status,
        said=problem if reason in _SPEAKS_FOR_ITSELF else None,
        owner=problem.owner if isinstance(problem, TakenAccount) else "",
        headers=retry_after(problem) if isinstance(problem, RetryLater) else {},
    )


WAIT_SECONDS = 8.0
"""For so long a page waits for the other side before it says that it waits."""
LOOK_AGAIN = {"Refresh": "1"}
"""Have the browser ask again by itself, without a script."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What the work is about, as the address of a page names it."""

    person: Person
    """Whose connection it is."""
    session: str
    """The key of the session that asks."""
    service: str
    """How people call the other side."""
    key: TaskKey
    """Tells it apart from other work of its sort."""
    progress_path: str
    """The page that shows how it goes on."""


class TaskPage[S: Subject, T](ABC):
    """Begins work of one sort and shows it to the session that began it."""

    working_title: str
    """The text over the page that waits; it may use ``person`` and ``service``."""
    leads_to_list = False
    """Whether that page leads to the list of connections."""
    shown_once = False
    """Whether the end of the work is shown one time."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages
        self._tasks: TaskRegistry[T] = TaskRegistry(context.clock)

    @abstractmethod
    def begin(self, request: SignedInRequest, subject: S) -> Response:
        """Begin the work that a form asks for."""

    @abstractmethod
    def _subject(self, request: SignedInRequest) -> S | None:
        """What the address names; None: the visitor may not know of it."""

    @abstractmethod
    def _not_begun(self, request: SignedInRequest, subject: S) -> Response:
        """This session has begun nothing, or long ago."""

    @abstractmethod
    def _failed(
        self, request: SignedInRequest, subject: S, trouble: Trouble, note: str
    ) -> Response:
        """It could not be begun, or it failed. ``note`` was given to ``_begin``."""

    @abstractmethod
    def _finished(self, request: SignedInRequest, subject: S, result: T) -> Response:
        """It is done."""

    def _asked(self, request: SignedInRequest, subject: S, question: Question) -> Response:
        """The work asks something; only for work that does."""
        raise NotImplementedError

    def about(self, answer: Callable[[SignedInRequest, S], Response]) -> SignedInEndpoint:
        """An endpoint about what the address names; else the page for what is not there."""

        def endpoint(request: SignedInRequest) -> Response:
            subject = self._subject(request)
            if subject is None:
                return self._pages.not_found(request)
            return answer(request, subject)

        return endpoint

    def progress(self, request: SignedInRequest, subject: S) -> Response:
        """How the work of this session stands: it asks, it is over, or it takes its time."""
        task = self._tasks.find(subject.key, subject.session)
        if task is None:
            return self._not_begun(request, subject)
        task.wait(WAIT_SECONDS)
        question = task.question
        if question is not None:
            return self._asked(request, subject, question)
        if not task.is_over:
            return self._working(request, subject)
        if self.shown_once:
            self._tasks.drop(subject.key)
        if task.problem is not None:
            return self._failed(request, subject, trouble_of(task.problem), task.note)
        return self._finished(request, subject, task.outcome())

    def _begin(
        self,
        request: SignedInRequest,
        subject: S,
        work: Callable[[BackgroundTask[T]], T],
        note: str = "",
    ) -> Response:
        """Begin the work in a thread, and lead to the page that shows how it goes on."""
        try:
            self._tasks.begin(subject.key, subject.session, work, note)
        except TaskRunning as problem:
            return self._failed(request, subject, trouble_of(problem), note)
        return self._pages.go_to(subject.progress_path)

    def _working(self, request: SignedInRequest, subject: S) -> Response:
        return self._show(
            request,
            subject,
            "task-working.html",
            headers=LOOK_AGAIN,
            title=self.working_title,
            to_list=self.leads_to_list,
        )

    def _show(
        self,
        request: SignedInRequest,
        subject: S,
        template: str,
        trouble: Trouble | None = None,
        **values: Any,
    ) -> Response:
        """A page about the subject. With ``trouble``, it has the status and headers of that."""
        if trouble is not None:
            values |= {"status": trouble.status, "headers": trouble.headers}
        return self._pages.page(
            request,
            template,
            here="connect",
            subject=subject,
            person=subject.person,
            service=subject.service,
            trouble=trouble,
            **values,
        )
