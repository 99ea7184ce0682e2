"""The plain pages: their routes, and the list of who is connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from weighbridge.connecting import standing_of
from weighbridge.server.addresses import (
    CALLBACK_PATH,
    begin_address,
    callback_address,
    callback_path,
    same_place,
)
from weighbridge.server.door import Door, Endpoint
from weighbridge.server.entrance import Entrance
from weighbridge.server.pages import Pages, static_routes
from weighbridge.server.withings_way import WithingsWay

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.server.parts import Parts


def routes(parts: Parts) -> list[BaseRoute]:
    """Sign in, sign out, connect."""
    pages = Pages(parts.settings)
    door = Door(parts.admission, pages)
    entrance, way = Entrance(pages, door), WithingsWay(parts, pages)
    begin, come_back = door.admin(way.begin), door.anybody(way.come_back)
    alias = callback_path(parts.settings)

    async def withings(request: Request) -> Response:
        """One address for the way there and the way back, as Withings knows only one."""
        return await (begin if way.begins(request) else come_back)(request)

    async def first_page(request: Request) -> Response:
        if alias == "/" and way.ends(request):
            return await come_back(request)
        return pages.go_to("/connect")

    found: list[BaseRoute] = [
        Route("/", first_page),
        Route("/sign-in", door.anybody(entrance.show)),
        Route("/sign-in", door.anybody(entrance.sign_in), methods=["POST"]),
        Route("/sign-out", door.admin(entrance.sign_out), methods=["POST"]),
        Route("/connect", door.admin(_list_of(parts, pages))),
        Route(CALLBACK_PATH, withings, methods=["GET", "POST"]),
        *static_routes(),
    ]
    if alias not in (CALLBACK_PATH, "/"):
        found.append(Route(alias, come_back))
    return found


def _list_of(parts: Parts, pages: Pages) -> Endpoint:
    settings = parts.settings
    withings = settings.withings
    callback = callback_address(settings)

    def show(request: Request) -> Response:
        with parts.open() as workplace:
            people = [standing_of(workplace, person) for person in settings.people]
        begin = begin_address(settings)
        is_here = same_place(begin, request.headers.get("host", ""))
        return pages.page(
            request,
            "connect.html",
            here="connect",
            people=people,
            zones={person.name: person.timezone for person in settings.people},
            callback=callback,
            registered=bool(withings.client_id) and withings.client_secret is not None,
            elsewhere="" if is_here else begin,
        )

    return show
