"""The plain pages: their routes, and the list of who is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from weighbridge.sync.source_login import standing_of
from weighbridge.web.auth import Auth, Endpoint
from weighbridge.web.host_names import (
    CALLBACK_PATH,
    begin_address,
    callback_address,
    callback_path,
    same_place,
)
from weighbridge.web.render import Pages
from weighbridge.web.views.connections import connections_of
from weighbridge.web.views.login import Login
from weighbridge.web.views.withings_login_page import WithingsWay, ends_the_way

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

    from weighbridge.web.app_context import AppContext


def routes(parts: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """Sign in, sign out, connect."""
    way = WithingsWay(parts, auth, pages)
    begin, come_back = auth.require_person(way.begin), auth.public(way.come_back)
    alias = callback_path(parts.settings)

    async def withings(request: Request) -> Response:
        """One address for the way there and the way back, as Withings knows only one."""
        return await (begin if way.begins(request) else come_back)(request)

    found: list[BaseRoute] = [
        *Login(pages, auth).routes(),
        Route("/connect", auth.require_person(_list_of(parts, auth, pages))),
        Route(CALLBACK_PATH, withings, methods=["GET", "POST"]),
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


def _list_of(parts: AppContext, auth: Auth, pages: Pages) -> Endpoint:
    settings = parts.settings
    withings = settings.withings
    callback = callback_address(settings)

    def show(request: Request) -> Response:
        with parts.open() as workplace:
            seen = [settings.person(name) for name in auth.visible(request)]
            people = [standing_of(workplace, person) for person in seen]
            others = {person.name: connections_of(workplace, person) for person in seen}
        begin = begin_address(settings)
        is_here = same_place(begin, request.headers.get("host", ""))
        return pages.page(
            request,
            "connect.html",
            here="connect",
            people=people,
            others=others,
            is_notified=settings.server.url is not None,
            zones={person.name: person.timezone for person in settings.people},
            callback=callback,
            registered=bool(withings.client_id) and withings.client_secret is not None,
            elsewhere="" if is_here else begin,
        )

    return show
