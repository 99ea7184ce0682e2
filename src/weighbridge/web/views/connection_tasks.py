"""Disconnecting a person from Withings or a target, and asking Withings for its subscriptions.

A page asks before it disconnects, and says what stays: ``/disconnect/<person>`` is about Withings,
``/disconnect/<person>/<target>`` about a target. ``/subscriptions/<person>`` says whether Withings
would notify us; if something is missing, the server subscribes again soon.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.routing import BaseRoute, Route

from weighbridge.config import Person
from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.runtime.subscription_job import callback_of, remove_ours
from weighbridge.runtime.subscription_reconcile import find_subscriptions
from weighbridge.sources.withings.withings_subscriptions import APPLIS
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.sync.person_login import (
    forget,
    forget_login,
    source_login_status,
    target_login_status,
)
from weighbridge.web.auth import Auth, SignedInRequest
from weighbridge.web.render import Pages
from weighbridge.web.urls import name_in, segment
from weighbridge.web.views.target_login import TargetRef, target_ref_of
from weighbridge.web.views.task_page import Subject, TaskPage, Trouble

if TYPE_CHECKING:
    from starlette.responses import Response

    from weighbridge.runtime.subscription_reconcile import FoundSubscriptions
    from weighbridge.sync.services import Services
    from weighbridge.web.app_context import AppContext


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The pages that begin a task, and what came of it."""
    leaving, check = DisconnectPage(context, auth, pages), SubscriptionPage(context, auth, pages)
    ways: tuple[tuple[str, TaskPage[Any, Any]], ...] = (
        ("/disconnect/{person}", leaving),
        ("/disconnect/{person}/{target}", leaving),
        ("/subscriptions/{person}", check),
    )
    return [
        Route(path, auth.require_person(page.about(answer)), methods=[method])
        for path, page in ways
        for method, answer in (("GET", page.progress), ("POST", page.begin))
    ]


def disconnect_path(person: str, target: str | None = None) -> str:
    """The page that asks; without a target it is about Withings."""
    return f"/disconnect/{segment(person)}" + (f"/{segment(target)}" if target else "")


class DisconnectRequest(Subject, frozen=True, kw_only=True):
    """What is to be disconnected: a target, or without one Withings."""

    target: TargetRef | None = None


class Disconnected(msgspec.Struct, frozen=True):
    """It is done. ``still_told``: Withings may go on notifying us."""

    still_told: bool = False


class DisconnectPage(TaskPage[DisconnectRequest, Disconnected]):
    """Asks, disconnects, and says so once."""

    working_title = "connections.leaving_title"
    shown_once = True

    def begin(self, request: SignedInRequest, subject: DisconnectRequest) -> Response:
        """The person has agreed."""
        return self._begin(request, subject, lambda task: self._disconnect(subject))

    def _subject(self, request: SignedInRequest) -> DisconnectRequest | None:
        name, target = name_in(request.path_params["person"]), None
        if "target" in request.path_params:
            target = target_ref_of(request, self._auth, self._context)
            if target is None:
                return None
        elif not self._auth.may_see(request, name):
            return None
        return DisconnectRequest(
            person=self._context.settings.directory.person(name),
            session=request.visitor.key,
            service=target.service if target else "Withings",
            key=target.key if target else (name,),
            progress_path=disconnect_path(name, target.target.name if target else None),
            target=target,
        )

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


log = logging.getLogger(__name__)


def check_path(person: str) -> str:
    """Where the button leads."""
    return f"/subscriptions/{segment(person)}"


class Checked(msgspec.Struct, frozen=True):
    """How the subscriptions of a person stand at Withings: subjects, by their numbers."""

    subscribed: tuple[int, ...]
    missing: tuple[int, ...]
    left_out: tuple[int, ...]
    """What Withings does not offer to the application."""
    old: int
    """How many lead to an address that we had before."""
    checked_at: float

    @property
    def is_well(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.missing or self.old)


class SubscriptionPage(TaskPage[Subject, Checked]):
    """Asks Withings, and says what it answered."""

    working_title = "connections.check_title"
    leads_to_list = True

    def begin(self, request: SignedInRequest, subject: Subject) -> Response:
        """Ask, in a thread: Withings may be slow."""
        return self._begin(request, subject, lambda task: self._check(subject.person))

    def _subject(self, request: SignedInRequest) -> Subject | None:
        name = name_in(request.path_params["person"])
        if not self._auth.may_see(request, name):
            return None
        return Subject(
            person=self._context.settings.directory.person(name),
            session=request.visitor.key,
            service="Withings",
            key=(name,),
            progress_path=check_path(name),
        )

    def _check(self, person: Person) -> Checked:
        """In the thread of the task. Raises Problems."""
        with self._context.open() as services:
            callback = callback_of(services)
            try:
                found = find_subscriptions(services, person, callback)
            except Problem as problem:
                kind = type(problem).__name__
                log.info("not_checked", extra={"person": person.name, "problem": kind})
                raise
            checked = _read(found, callback, services.clock())
            if callback is not None and not checked.is_well:
                _renew_soon(services, person)
        return checked

    def _not_begun(self, request: SignedInRequest, subject: Subject) -> Response:
        return self._pages.go_to("/connect")

    def _failed(
        self, request: SignedInRequest, subject: Subject, trouble: Trouble, note: str
    ) -> Response:
        return self._answered(request, subject, trouble=trouble)

    def _finished(self, request: SignedInRequest, subject: Subject, result: Checked) -> Response:
        return self._answered(request, subject, checked=result)

    def _answered(
        self,
        request: SignedInRequest,
        subject: Subject,
        *,
        checked: Checked | None = None,
        trouble: Trouble | None = None,
    ) -> Response:
        return self._show(
            request,
            subject,
            "subscriptions.html",
            trouble=trouble,
            checked=checked,
            known=APPLIS.keys(),
        )


def _read(found: FoundSubscriptions, callback: str | None, now: float) -> Checked:
    there = {one.appli for one in found.subscriptions if one.callback == callback}
    return Checked(
        subscribed=tuple(sorted(there)),
        missing=found.differences.missing,
        left_out=tuple(sorted(found.left_out)),
        old=len(found.differences.old),
        checked_at=now,
    )


def _renew_soon(services: Services, person: Person) -> None:
    """The server looks after this account next, and touches no other."""
    archive = services.archive(person.name)
    if archive is not None:
        SubscriptionStore(services.database, archive.account).postpone(services.clock())
