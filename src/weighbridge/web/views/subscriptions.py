"""Whether Withings would tell us of a person's readings: asked when somebody presses a button.

What is found is said in words. If something is missing, the server is told to mend it soon.
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
from weighbridge.web.auth import Auth
from weighbridge.web.error_page import Trouble, trouble_of
from weighbridge.web.render import Pages
from weighbridge.web.sessions import session_of
from weighbridge.web.tasks import TaskRegistry, TaskRunning
from weighbridge.web.urls import name_in, segment
from weighbridge.web.views.target_login_page import LOOK_AGAIN, PATIENCE

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.runtime.subscription_reconcile import FoundSubscriptions
    from weighbridge.sync.services import Services
    from weighbridge.web.app_context import AppContext

log = logging.getLogger(__name__)


def routes(parts: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The button, and what came of it."""
    checking, path = Checking(parts, auth, pages), "/subscriptions/{person}"
    return [
        Route(path, auth.require_person(checking.show)),
        Route(path, auth.require_person(checking.begin), methods=["POST"]),
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


class Checking:
    """Asks Withings, and says what it answered."""

    def __init__(self, parts: AppContext, auth: Auth, pages: Pages) -> None:
        self._parts = parts
        self._auth = auth
        self._pages = pages
        self._checks: TaskRegistry[Checked] = TaskRegistry(parts.clock)

    def begin(self, request: Request) -> Response:
        """Ask, in a thread: Withings may be slow."""
        person = self._person(request)
        if person is None:
            return self._pages.not_found(request)
        try:
            self._checks.begin((person.name,), _session(request), lambda chore: self._check(person))
        except TaskRunning as problem:
            return self._show(request, person, trouble=trouble_of(problem))
        return self._pages.go_to(check_path(person.name))

    def show(self, request: Request) -> Response:
        """What Withings answered when this session asked last."""
        person = self._person(request)
        if person is None:
            return self._pages.not_found(request)
        chore = self._checks.find((person.name,), _session(request))
        if chore is None:
            return self._pages.go_to("/connect")
        chore.wait(PATIENCE)
        if chore.problem is not None:
            return self._show(request, person, trouble=trouble_of(chore.problem))
        return self._show(request, person, checked=chore.result)

    def _person(self, request: Request) -> Person | None:
        name = name_in(request.path_params["person"])
        return self._parts.settings.person(name) if self._auth.may_see(request, name) else None

    def _check(self, person: Person) -> Checked:
        """In the thread of the chore. Raises Problems."""
        with self._parts.open() as workplace:
            callback = callback_of(workplace)
            try:
                found = find_subscriptions(workplace, person, callback)
            except Problem as problem:
                kind = type(problem).__name__
                log.info("not_checked", extra={"person": person.name, "problem": kind})
                raise
            checked = _read(found, callback, workplace.clock())
            if callback is not None and not checked.is_well:
                _mend_soon(workplace, person)
        return checked

    def _show(
        self,
        request: Request,
        person: Person,
        *,
        checked: Checked | None = None,
        trouble: Trouble | None = None,
    ) -> Response:
        """``checked`` and ``trouble`` are None as long as Withings has not answered."""
        is_waiting = checked is None and trouble is None
        headers = trouble.headers if trouble else {}
        return self._pages.page(
            request,
            "subscriptions.html",
            status=trouble.status if trouble else 200,
            headers=LOOK_AGAIN if is_waiting else headers,
            here="connect",
            person=person,
            path=check_path(person.name),
            checked=checked,
            trouble=trouble,
            known=APPLIS.keys(),
        )


def _session(request: Request) -> str:
    session = session_of(request)
    assert session is not None, "the door lets nobody else in"
    return session.key


def _read(found: FoundSubscriptions, callback: str | None, now: float) -> Checked:
    there = {one.appli for one in found.subscriptions if one.callback == callback}
    return Checked(
        subscribed=tuple(sorted(there)),
        missing=found.differences.missing,
        left_out=tuple(sorted(found.left_out)),
        old=len(found.differences.old),
        checked_at=now,
    )


def _mend_soon(workplace: Services, person: Person) -> None:
    """The server looks after this account next. Nobody else's is touched."""
    archive = workplace.archive(person.name)
    if archive is not None:
        SubscriptionStore(workplace.database, archive.account).postpone(workplace.clock())
