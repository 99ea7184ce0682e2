"""Pages about work that takes longer than a page may: one begins it, the next shows its outcome.

A subclass says whom the work is about, what is shown before it and what at its end. When it fails,
the class of the problem decides what is said and with which status, never its text.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
from starlette.responses import Response

from weighbridge.config import Person
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater, SignInBlocked
from weighbridge.storage.logins import TakenAccount
from weighbridge.sync.person_login import StillBlocked
from weighbridge.targets.base import WrongCode, WrongPassword, WrongTicket
from weighbridge.web.app_context import AppContext
from weighbridge.web.auth import Auth, SignedInEndpoint, SignedInRequest, retry_after
from weighbridge.web.render import Pages
from weighbridge.web.tasks import (
    BackgroundTask,
    InputTimeout,
    Question,
    TaskKey,
    TaskRegistry,
    TaskRunning,
)


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


class Subject(Protocol):
    """What the work is about, as the address of a page names it."""

    @property
    def key(self) -> TaskKey:
        """Tells it apart from other work of its sort."""

    @property
    def session(self) -> str:
        """The key of the session that asks."""

    @property
    def person(self) -> Person:
        """Whose connection it is."""

    @property
    def service(self) -> str:
        """How people call the other side."""

    @property
    def progress_path(self) -> str:
        """The page that shows how it goes on."""


class TaskPage[S: Subject, T](ABC):
    """Begins work of one sort and shows it to the session that began it."""

    working_title: str
    """The text over the page that waits; it may use ``person`` and ``service``."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages
        self._tasks: TaskRegistry[T] = TaskRegistry(context.clock)

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
        return self._over(request, subject, task)

    def _over(self, request: SignedInRequest, subject: S, task: BackgroundTask[T]) -> Response:
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
            request, subject, "task-working.html", headers=LOOK_AGAIN, title=self.working_title
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
