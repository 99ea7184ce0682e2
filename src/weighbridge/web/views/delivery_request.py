"""Who asks about deliveries, and for which: what all pages about them begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from weighbridge.web.unit_choice import StrangeUnit, UnitChoice, unit_choice
from weighbridge.web.views.delivery_query import (
    DeliveryQuery,
    InvalidDeliveryQuery,
    RouteOf,
    read_wish,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.config import Settings
    from weighbridge.storage.database import Database
    from weighbridge.web.auth import Auth

PATH = "/deliveries"


class DeliveryView(msgspec.Struct, frozen=True):
    """A visitor, what may be seen, and what of it is asked for."""

    people: Sequence[str]
    others: Sequence[str]
    """Who lives here as well and is nobody of the visitor's."""
    routes: Sequence[RouteOf]
    """Everything of the people that was ever owed something."""
    targets: Sequence[str]
    wish: DeliveryQuery

    @property
    def chosen(self) -> Sequence[RouteOf]:
        """The routes that are asked for."""
        return self.wish.chosen(self.routes)

    def served(self) -> list[int]:
        """The routes of targets that are still configured."""
        return [route.id for route in self.routes if route.is_configured]


def begin_visit(
    request: Request, auth: Auth, settings: Settings, database: Database, *, lenient: bool = False
) -> DeliveryView:
    """Raises InvalidDeliveryQuery; ``lenient``: what is odd asks for everything instead."""
    people = auth.visible(request)
    configured = {
        (person.name, target.name)
        for person in settings.people
        for target in person.targets
        if person.name in people
    }
    routes = [
        RouteOf(
            row["id"], row["person"], row["target"], (row["person"], row["target"]) in configured
        )
        for row in database.all("routes")
        if row["person"] in people
    ]
    targets = sorted({target for _, target in configured} | {route.target for route in routes})
    try:
        wish = read_wish(request.query_params, people, targets)
    except InvalidDeliveryQuery:
        if not lenient:
            raise
        wish = DeliveryQuery()
    others = [person.name for person in settings.people if person.name not in people]
    return DeliveryView(people, others, routes, targets, wish)


def units_of(request: Request) -> UnitChoice:
    """What was chosen on the page of the history."""
    try:
        return unit_choice(request)
    except StrangeUnit:
        return UnitChoice(())


def reading_path(person: str, reading_id: str) -> str:
    """The path of the page of a reading."""
    return f"{PATH}/{quote(person, safe='')}/{quote(reading_id, safe='')}"
