"""The connections of each person: Withings, its notifications, and the targets with a login."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from weighbridge.core.errors import Problem
from weighbridge.storage.subscription_store import SubscriptionState, SubscriptionStore
from weighbridge.sync.person_login import (
    TargetLoginStatus,
    source_login_status,
    target_login_status,
)
from weighbridge.web.auth import Auth, Endpoint
from weighbridge.web.render import Pages
from weighbridge.web.urls import (
    CALLBACK_PATH,
    begin_address,
    callback_address,
    callback_path,
    same_place,
)
from weighbridge.web.views import disconnect, subscriptions, target_login
from weighbridge.web.views.disconnect import disconnect_path
from weighbridge.web.views.login import Login
from weighbridge.web.views.subscriptions import check_path
from weighbridge.web.views.target_login import look_up, service_of, sign_in_path
from weighbridge.web.views.withings_login import WithingsLogin, ends_the_way

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

    from weighbridge.config import Person, TargetSettings
    from weighbridge.sync.services import Services
    from weighbridge.web.app_context import AppContext
    from weighbridge.web.auth import Auth
    from weighbridge.web.render import Pages


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """Sign in and out; the list, and the pages that make, check and end a connection."""
    login = WithingsLogin(context, auth, pages)
    begin, come_back = auth.require_person(login.begin), auth.public(login.come_back)
    alias = callback_path(context.settings)

    async def withings(request: Request) -> Response:
        """One address to go to Withings and to come back, as Withings knows only one."""
        return await (begin if login.begins(request) else come_back)(request)

    found: list[BaseRoute] = [
        *Login(pages, auth).routes(),
        Route("/connect", auth.require_person(_list_of(context, auth, pages))),
        Route(CALLBACK_PATH, withings, methods=["GET", "POST"]),
        *target_login.routes(context, auth, pages),
        *disconnect.routes(context, auth, pages),
        *subscriptions.routes(context, auth, pages),
    ]
    if alias == "/":
        found.append(WayBack(alias, come_back))
    elif alias != CALLBACK_PATH:
        found.append(Route(alias, come_back))
    return found


class WayBack(Route):
    """A redirect address that is the address of another page as well: only what Withings sends."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, more = super().matches(scope)
        if match is Match.FULL and not ends_the_way(scope):
            return Match.NONE, {}
        return match, more


def _list_of(context: AppContext, auth: Auth, pages: Pages) -> Endpoint:
    settings = context.settings
    withings = settings.withings
    callback = callback_address(settings)

    def show(request: Request) -> Response:
        with context.open() as services:
            seen = [settings.directory.person(name) for name in auth.visible(request)]
            people = [source_login_status(services, person) for person in seen]
            others = {person.name: connections_of(services, person) for person in seen}
        begin = begin_address(settings)
        is_here = same_place(begin, request.headers.get("host", ""))
        return pages.page(
            request,
            "connect.html",
            here="connect",
            people=people,
            others=others,
            is_notified=settings.server.url is not None,
            zones={person.name: person.timezone for person in seen},
            callback=callback,
            registered=bool(withings.client_id) and withings.client_secret is not None,
            elsewhere="" if is_here else begin,
        )

    return show


class TargetConnection(msgspec.Struct, frozen=True):
    """A target that signs in, and where that is done."""

    service: str
    standing: TargetLoginStatus
    sign_in: str
    disconnect: str
    problem: Problem | None = None
    """Why the kind cannot be used, in English."""


class ConnectionsPage(msgspec.Struct, frozen=True):
    """What a person has besides Withings itself, and where it is changed."""

    targets: list[TargetConnection]
    care: SubscriptionState | None
    """How the subscriptions stand; None: they were never listed."""
    check: str
    disconnect: str
    """The page that disconnects Withings."""


def connections_of(services: Services, person: Person) -> ConnectionsPage:
    """As far as the archive knows. Nothing is asked."""
    archive = services.archive(person.name)
    return ConnectionsPage(
        targets=[
            found
            for target in person.targets
            if (found := _connection(services, person, target)) is not None
        ],
        care=SubscriptionStore(services.database, archive.account).state() if archive else None,
        check=check_path(person.name),
        disconnect=disconnect_path(person.name),
    )


def _connection(
    services: Services, person: Person, target: TargetSettings
) -> TargetConnection | None:
    """None: the target has no login."""
    module, problem = look_up(target)
    if module is None and problem is None:
        return None
    return TargetConnection(
        service=service_of(module, target),
        standing=target_login_status(services, person, target),
        sign_in=sign_in_path(person.name, target.name),
        disconnect=disconnect_path(person.name, target.name),
        problem=problem,
    )
