"""Disconnecting: a person from Withings, or from a target. A page asks first, and says what stays.

``/disconnect/<person>`` is about Withings, ``/disconnect/<person>/<target>`` about a target.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from starlette.routing import BaseRoute, Route

from weighbridge.config import Person
from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.runtime.subscriptions import remove_ours
from weighbridge.sync.source_login import forget_login, standing_of
from weighbridge.sync.target_login import forget, standing_at
from weighbridge.web.auth import Auth
from weighbridge.web.error_page import Trouble, trouble_of
from weighbridge.web.render import Pages
from weighbridge.web.sessions import session_of
from weighbridge.web.tasks import TaskRegistry, TaskRunning
from weighbridge.web.urls import name_in, segment
from weighbridge.web.views.target_login_page import LOOK_AGAIN, PATIENCE
from weighbridge.web.views.target_ref import TargetPlace, place_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.app_context import AppContext

log = logging.getLogger(__name__)


def routes(parts: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The question, what is done, and what came of it."""
    leaving = Disconnecting(parts, auth, pages)
    return [
        Route(path, auth.require_person(endpoint), methods=[method])
        for path in ("/disconnect/{person}", "/disconnect/{person}/{target}")
        for endpoint, method in ((leaving.show, "GET"), (leaving.begin, "POST"))
    ]


def disconnect_path(person: str, target: str | None = None) -> str:
    """The page that asks; without a target it is about Withings."""
    return f"/disconnect/{segment(person)}" + (f"/{segment(target)}" if target else "")


class DisconnectRequest(msgspec.Struct, frozen=True):
    """What is to be disconnected: a target, or without one Withings."""

    person: Person
    session: str
    target: TargetPlace | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """Its name among the chores."""
        return self.target.key if self.target else (self.person.name,)

    @property
    def path(self) -> str:
        """The page about it."""
        return disconnect_path(self.person.name, self.target.target.name if self.target else None)

    @property
    def service(self) -> str:
        """How people call the other side."""
        return self.target.service if self.target else "Withings"


class Disconnected(msgspec.Struct, frozen=True):
    """What came of it. ``still_told``: Withings may go on notifying us."""

    still_told: bool = False


class Disconnecting:
    """Asks, disconnects, and says so."""

    def __init__(self, parts: AppContext, auth: Auth, pages: Pages) -> None:
        self._parts = parts
        self._auth = auth
        self._pages = pages
        self._chores: TaskRegistry[Disconnected] = TaskRegistry(parts.clock)

    def show(self, request: Request) -> Response:
        """The question; or what came of it, once."""
        bond = self._bond(request)
        if bond is None:
            return self._pages.not_found(request)
        chore = self._chores.find(bond.key, bond.session)
        if chore is None:
            return self._ask(request, bond)
        chore.wait(PATIENCE)
        if not chore.is_over:
            return self._show(request, bond, "disconnect-working.html", headers=LOOK_AGAIN)
        self._chores.drop(bond.key)
        if chore.problem is not None:
            return self._ask(request, bond, trouble_of(chore.problem))
        return self._show(request, bond, "disconnected.html", outcome=chore.result)

    def begin(self, request: Request) -> Response:
        """The person has agreed."""
        bond = self._bond(request)
        if bond is None:
            return self._pages.not_found(request)
        try:
            self._chores.begin(bond.key, bond.session, lambda chore: self._disconnect(bond))
        except TaskRunning as problem:
            return self._ask(request, bond, trouble_of(problem))
        return self._pages.go_to(bond.path)

    def _bond(self, request: Request) -> DisconnectRequest | None:
        session = session_of(request)
        assert session is not None, "the door lets nobody else in"
        if "target" in request.path_params:
            place = place_of(request, self._auth, self._parts)
            return DisconnectRequest(place.person, session.key, place) if place else None
        name = name_in(request.path_params["person"])
        if not self._auth.may_see(request, name):
            return None
        return DisconnectRequest(self._parts.settings.person(name), session.key)

    def _disconnect(self, bond: DisconnectRequest) -> Disconnected:
        """In the thread of the chore. Raises RetryLater and StateProblem."""
        about = {"person": bond.person.name, "service": bond.service}
        try:
            done = self._leave(bond)
        except Problem as problem:
            log.info("not_disconnected", extra={**about, "problem": type(problem).__name__})
            raise
        log.info("disconnected", extra=about)
        self._parts.live.tell(bond.person.name)
        return done

    def _leave(self, bond: DisconnectRequest) -> Disconnected:
        with self._parts.open() as workplace:
            if bond.target is not None:
                forget(workplace, bond.person, bond.target.target)
                return Disconnected()
            # Subscriptions first: without the login they could not be ended any more.
            trouble = remove_ours(workplace, bond.person).problem
            forget_login(workplace, bond.person)
        # A login that has ended has no subscriptions either.
        return Disconnected(trouble is not None and not isinstance(trouble, LoginNeeded))

    def _ask(
        self, request: Request, bond: DisconnectRequest, trouble: Trouble | None = None
    ) -> Response:
        with self._parts.open() as workplace:
            if bond.target is not None:
                state = standing_at(workplace, bond.person, bond.target.target).state
            else:
                state = standing_of(workplace, bond.person).state
        return self._show(
            request,
            bond,
            "disconnect.html",
            status=trouble.status if trouble else 200,
            headers=trouble.headers if trouble else {},
            trouble=trouble,
            is_connected=state != "not connected",
        )

    def _show(
        self,
        request: Request,
        bond: DisconnectRequest,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] = {},
        **values: object,
    ) -> Response:
        return self._pages.page(
            request, template, status=status, headers=headers, here="connect", bond=bond, **values
        )
