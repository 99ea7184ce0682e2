"""Whether Withings would notify us of a person's readings: asked when a button is pressed.

What is found is said in words. If something is missing, the server subscribes again soon.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec
from starlette.routing import BaseRoute, Route

from weighbridge.config import Person
from weighbridge.core.errors import Problem
from weighbridge.runtime.subscription_reconcile import find_subscriptions
from weighbridge.runtime.subscriptions import callback_of
from weighbridge.sources.withings.subscriptions import APPLIS
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.web.auth import Auth, SignedInRequest
from weighbridge.web.render import Pages
from weighbridge.web.urls import name_in, segment
from weighbridge.web.views.task_page import LOOK_AGAIN, TaskPage, Trouble

if TYPE_CHECKING:
    from starlette.responses import Response

    from weighbridge.runtime.subscription_reconcile import FoundSubscriptions
    from weighbridge.sync.services import Services
    from weighbridge.web.app_context import AppContext

log = logging.getLogger(__name__)


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The button, and what came of it."""
    page, path = SubscriptionPage(context, auth, pages), "/subscriptions/{person}"
    return [
        Route(path, auth.require_person(page.about(page.progress))),
        Route(path, auth.require_person(page.about(page.begin)), methods=["POST"]),
    ]


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


class SubscriptionCheck(msgspec.Struct, frozen=True):
    """Whose subscriptions are looked at, and the session that asks for it."""

    person: Person
    session: str
    service: str = "Withings"

    @property
    def key(self) -> tuple[str, ...]:
        """Its key among the tasks."""
        return (self.person.name,)

    @property
    def progress_path(self) -> str:
        """The one page about it."""
        return check_path(self.person.name)


class SubscriptionPage(TaskPage[SubscriptionCheck, Checked]):
    """Asks Withings, and says what it answered."""

    working_title = "connections.check_title"

    def begin(self, request: SignedInRequest, subject: SubscriptionCheck) -> Response:
        """Ask, in a thread: Withings may be slow."""
        return self._begin(request, subject, lambda task: self._check(subject.person))

    def _subject(self, request: SignedInRequest) -> SubscriptionCheck | None:
        name = name_in(request.path_params["person"])
        if not self._auth.may_see(request, name):
            return None
        return SubscriptionCheck(self._context.settings.directory.person(name), request.visitor.key)

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

    def _not_begun(self, request: SignedInRequest, subject: SubscriptionCheck) -> Response:
        return self._pages.go_to("/connect")

    def _working(self, request: SignedInRequest, subject: SubscriptionCheck) -> Response:
        return self._show(
            request,
            subject,
            "task-working.html",
            headers=LOOK_AGAIN,
            title=self.working_title,
            to_list=True,
        )

    def _failed(
        self, request: SignedInRequest, subject: SubscriptionCheck, trouble: Trouble, note: str
    ) -> Response:
        return self._answered(request, subject, trouble=trouble)

    def _finished(
        self, request: SignedInRequest, subject: SubscriptionCheck, result: Checked
    ) -> Response:
        return self._answered(request, subject, checked=result)

    def _answered(
        self,
        request: SignedInRequest,
        subject: SubscriptionCheck,
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
