"""Signing a person in at a target: user name and password, a code if one is asked for, or a ticket
that the browser of the person ends at. Only the session is stored.

It is a task: the other side may need a minute, and may ask for a code while it runs. The address of
a page names person and target as they are configured, and nothing else.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from weighbridge.config import TargetSettings
from weighbridge.core.errors import ConfigProblem, Problem
from weighbridge.sync.person_login import sign_in, target_login_status
from weighbridge.targets import load_kind
from weighbridge.targets.base import SignInAnswers
from weighbridge.targets.kind import TargetKind
from weighbridge.web.auth import Auth, SignedInRequest
from weighbridge.web.render import Message, Pages
from weighbridge.web.urls import name_in, segment
from weighbridge.web.views.task_page import (
    MISSING,
    NOT_UNDER_WAY,
    BackgroundTask,
    Question,
    Subject,
    TaskPage,
    Trouble,
    trouble_of,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.app_context import AppContext


class TargetRef(Subject, frozen=True, kw_only=True):
    """A target at which a person signs in or out."""

    target: TargetSettings
    kind: TargetKind | None
    """None when it cannot be used."""
    problem: ConfigProblem | None
    """Why it cannot."""

    @property
    def path(self) -> str:
        """The page on which to sign in."""
        return sign_in_path(self.person.name, self.target.name)


def sign_in_path(person: str, target: str) -> str:
    """The page on which a person signs in at a target."""
    return f"/connect/{segment(person)}/{segment(target)}"


def service_of(kind: TargetKind | None, target: TargetSettings) -> str:
    """How people call the other side of a target, told apart from another one of its kind."""
    service = kind.service if kind else target.kind
    return service if target.name == target.kind else f"{service} ({target.name})"


def target_ref_of(request: SignedInRequest, auth: Auth, context: AppContext) -> TargetRef | None:
    """What the address names; None when it is nothing that the visitor may know of.

    There is no login at a file, so there is no page for it either.
    """
    person_name = name_in(request.path_params["person"])
    if not auth.may_see(request, person_name):
        return None
    person = context.settings.directory.person(person_name)
    name = name_in(request.path_params["target"])
    target = next((one for one in person.targets if one.name == name), None)
    if target is None:
        return None
    kind, problem = look_up(target)
    if kind is None and problem is None:
        return None
    return TargetRef(
        person=person,
        session=request.visitor.key,
        service=service_of(kind, target),
        key=(person.name, target.name),
        progress_path=f"{sign_in_path(person.name, target.name)}/progress",
        target=target,
        kind=kind,
        problem=problem,
    )


def look_up(target: TargetSettings) -> tuple[TargetKind | None, ConfigProblem | None]:
    """A kind that signs in, or why it cannot be used; neither: there is nothing to sign in at."""
    try:
        kind = load_kind(target.kind)
    except ConfigProblem as problem:
        return None, problem
    return (kind if kind.signs_in else None), None


log = logging.getLogger(__name__)

_CONNECTED = Message("connections.done_title", ("connections.done",), "connect.to_list", "/connect")

type MakeAnswers = Callable[[BackgroundTask[str]], SignInAnswers]


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The form, what is begun with it, and how it goes on."""
    page = TargetLogin(context, auth, pages)
    base = "/connect/{person}/{target}"
    return [
        Route(path, auth.require_person(page.about(answer)), methods=[method])
        for method, path, answer in (
            ("GET", base, page.show),
            ("POST", base, page.begin),
            ("POST", f"{base}/browser", page.begin_in_browser),
            ("GET", f"{base}/progress", page.progress),
            ("POST", f"{base}/answer", page.answer),
        )
    ]


class TargetLogin(TaskPage[TargetRef, str]):
    """Shows the forms and runs the logins. What comes of one is the name of the account."""

    working_title = "connections.working_title"

    def show(self, request: SignedInRequest, target: TargetRef) -> Response:
        """The form, or until when no password is sent."""
        return self._form(request, target, trouble_of(target.problem) if target.problem else None)

    def begin(self, request: SignedInRequest, target: TargetRef) -> Response:
        """Sign in with user name and password."""
        form = _take_form(request)
        username = form.get("username", "").strip()
        if not (username and form.get("password")):
            return self._form(request, target, MISSING, username)
        answers = _with_password(username, Once(form.pop("password")))
        return self._start(request, target, answers, username)

    def begin_in_browser(self, request: SignedInRequest, target: TargetRef) -> Response:
        """Sign in with a ticket that the browser of the person will end at."""
        return self._start(request, target, _with_ticket)

    def answer(self, request: SignedInRequest, target: TargetRef) -> Response:
        """What was asked for: a code, or a ticket."""
        given = _take_form(request).get("answer", "").strip()
        task = self._tasks.find(target.key, target.session)
        if task is not None and given:
            task.answer(given)
        return self._pages.go_to(target.progress_path)

    def _subject(self, request: SignedInRequest) -> TargetRef | None:
        return target_ref_of(request, self._auth, self._context)

    def _start(
        self, request: SignedInRequest, target: TargetRef, answers: MakeAnswers, username: str = ""
    ) -> Response:
        return self._begin(
            request, target, lambda task: self._sign_in(target, answers(task)), username
        )

    def _sign_in(self, target: TargetRef, answers: SignInAnswers) -> str:
        """In the thread of the task. Returns the name of the account that is signed in now."""
        about = {"person": target.person.name, "target": target.target.name}
        try:
            name = sign_in(self._context.open, target.person, target.target, answers).name
        except Problem as problem:
            log.info("not_signed_in", extra={**about, "problem": type(problem).__name__})
            raise
        finally:
            self._context.live.tell(target.person.name)
        log.info("signed_in", extra=about)
        self._context.request_sync(target.person.name, poll=False)
        return name

    def _not_begun(self, request: SignedInRequest, subject: TargetRef) -> Response:
        return self._form(request, subject, NOT_UNDER_WAY)

    def _failed(
        self, request: SignedInRequest, subject: TargetRef, trouble: Trouble, note: str
    ) -> Response:
        return self._form(request, subject, trouble, note)

    def _finished(self, request: SignedInRequest, subject: TargetRef, result: str) -> Response:
        return self._pages.message(
            request,
            _CONNECTED,
            here="connect",
            person=subject.person.name,
            service=subject.service,
            name=result,
        )

    def _asked(self, request: SignedInRequest, subject: TargetRef, question: Question) -> Response:
        status = 403 if question.again else 200
        return self._show(
            request, subject, "target-question.html", status=status, question=question
        )

    def _form(
        self,
        request: SignedInRequest,
        target: TargetRef,
        trouble: Trouble | None = None,
        username: str = "",
    ) -> Response:
        """The form; ``trouble`` says what became of the last attempt."""
        with self._context.open() as services:
            standing = target_login_status(services, target.person, target.target)
        if trouble is not None and trouble.reason == "blocked" and standing.blocked_until is None:
            trouble = None  # that has passed
        return self._show(
            request,
            target,
            "target.html",
            trouble=trouble,
            standing=standing,
            username=username or getattr(target.target.options, "username", ""),
        )


class Once:
    """A secret that is given out once and forgotten then."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self) -> str:
        text, self._text = self._text, ""
        return text


def _take_form(request: Request) -> dict[str, str]:
    """The fields of the form; the request keeps none of them."""
    form: dict[str, str] = request.state.form
    request.state.form = {}
    return form


def _with_password(username: str, password: Once) -> MakeAnswers:
    return lambda task: SignInAnswers(
        username=lambda: username, password=password, code=_code(task), ticket=None
    )


def _with_ticket(task: BackgroundTask[str]) -> SignInAnswers:
    return SignInAnswers(
        username=_only_by_password,
        password=_only_by_password,
        code=_code(task),
        ticket=lambda link: task.ask(Question("ticket", link)),
    )


def _code(task: BackgroundTask[str]) -> Callable[[], str]:
    """When it is asked for again, the code before was wrong."""
    asked: list[str] = []

    def ask() -> str:
        # A person may need minutes. Until a collection, errors on the way here keep what was sent.
        gc.collect()
        question = Question("code", again=bool(asked))
        asked.append("")
        return task.ask(question)

    return ask


def _only_by_password() -> str:
    raise ConfigProblem(code="server.no_browser_sign_in")
