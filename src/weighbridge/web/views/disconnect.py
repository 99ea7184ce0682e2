"""Disconnecting: a person from Withings, or from a target. A page asks first, and says what stays.

``/disconnect/<person>`` is about Withings, ``/disconnect/<person>/<target>`` about a target.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec
from starlette.routing import BaseRoute, Route

from weighbridge.config import Person
from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.runtime.subscriptions import remove_ours
from weighbridge.sync.person_login import (
    forget,
    forget_login,
    source_login_status,
    target_login_status,
)
from weighbridge.web.auth import Auth, SignedInRequest
from weighbridge.web.render import Pages
from weighbridge.web.tasks import BackgroundTask
from weighbridge.web.urls import name_in, segment
from weighbridge.web.views.target_login import TargetRef, target_ref_of
from weighbridge.web.views.task_page import TaskPage, Trouble

if TYPE_CHECKING:
    from starlette.responses import Response

    from weighbridge.web.app_context import AppContext

log = logging.getLogger(__name__)


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The question, what is done, and what came of it."""
    page = DisconnectPage(context, auth, pages)
    return [
        Route(path, auth.require_person(page.about(answer)), methods=[method])
        for path in ("/disconnect/{person}", "/disconnect/{person}/{target}")
        for method, answer in (("GET", page.progress), ("POST", page.begin))
    ]


def disconnect_path(person: str, target: str | None = None) -> str:
    """The page that asks; without a target it is about Withings."""
    return f"/disconnect/{segment(person)}" + (f"/{segment(target)}" if target else "")


class DisconnectRequest(msgspec.Struct, frozen=True):
    """What is to be disconnected: a target, or without one Withings."""

    person: Person
    session: str
    target: TargetRef | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """Its key among the tasks."""
        return self.target.key if self.target else (self.person.name,)

    @property
    def progress_path(self) -> str:
        """The one page about it."""
        return disconnect_path(self.person.name, self.target.target.name if self.target else None)

    @property
    def service(self) -> str:
        """How people call the other side."""
        return self.target.service if self.target else "Withings"


class Disconnected(msgspec.Struct, frozen=True):
    """It is done. ``still_told``: Withings may go on notifying us."""

    still_told: bool = False


class DisconnectPage(TaskPage[DisconnectRequest, Disconnected]):
    """Asks, disconnects, and says so once."""

    working_title = "connections.leaving_title"

    def begin(self, request: SignedInRequest, subject: DisconnectRequest) -> Response:
        """The person has agreed."""
        return self._begin(request, subject, lambda task: self._disconnect(subject))

    def _subject(self, request: SignedInRequest) -> DisconnectRequest | None:
        if "target" in request.path_params:
            target = target_ref_of(request, self._auth, self._context)
            return DisconnectRequest(target.person, target.session, target) if target else None
        name = name_in(request.path_params["person"])
        if not self._auth.may_see(request, name):
            return None
        return DisconnectRequest(self._context.settings.directory.person(name), request.visitor.key)

    def _disconnect(self, subject: DisconnectRequest) -> Disconnected:
        """In the thread of the task. Raises RetryLater and StateProblem."""
        about = {"person": subject.person.name, "service": subject.service}
        try:
            done = self._leave(subject)
        except Problem as problem:
            log.info("not_disconnected", extra={**about, "problem": type(problem).__name__})
            raise
        log.info("disconnected", extra=about)
        self._context.live.tell(subject.person.name)
        return done

    def _leave(self, subject: DisconnectRequest) -> Disconnected:
        with self._context.open() as services:
            if subject.target is not None:
                forget(services, subject.person, subject.target.target)
                return Disconnected()
            # Subscriptions first: without the login they could not be ended any more.
            trouble = remove_ours(services, subject.person).problem
            forget_login(services, subject.person)
        # A login that has ended has no subscriptions either.
        return Disconnected(trouble is not None and not isinstance(trouble, LoginNeeded))

    def _over(
        self,
        request: SignedInRequest,
        subject: DisconnectRequest,
        task: BackgroundTask[Disconnected],
    ) -> Response:
        self._tasks.drop(subject.key)
        return super()._over(request, subject, task)

    def _not_begun(self, request: SignedInRequest, subject: DisconnectRequest) -> Response:
        return self._confirm(request, subject)

    def _failed(
        self, request: SignedInRequest, subject: DisconnectRequest, trouble: Trouble, note: str
    ) -> Response:
        return self._confirm(request, subject, trouble)

    def _finished(
        self, request: SignedInRequest, subject: DisconnectRequest, result: Disconnected
    ) -> Response:
        return self._show(request, subject, "disconnected.html", outcome=result)

    def _confirm(
        self, request: SignedInRequest, subject: DisconnectRequest, trouble: Trouble | None = None
    ) -> Response:
        """The question whether to disconnect."""
        with self._context.open() as services:
            if subject.target is not None:
                state = target_login_status(services, subject.person, subject.target.target).state
            else:
                state = source_login_status(services, subject.person).state
        return self._show(
            request,
            subject,
            "disconnect.html",
            trouble=trouble,
            is_connected=state != "not connected",
        )
