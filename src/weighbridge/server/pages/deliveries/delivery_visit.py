"""Who asks about deliveries, and for which: what all pages about them begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from weighbridge.server.pages.deliveries.delivery_wish import OddWish, RouteOf, Wish, read_wish
from weighbridge.server.pages.unit_choice import StrangeUnit, UnitChoice, unit_choice

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.archive.database import Database
    from weighbridge.config import Settings
    from weighbridge.server.pages.door import Door

PATH = "/deliveries"


class Visit(msgspec.Struct, frozen=True):
    """A visitor, what may be seen, and what of it is asked for."""

    people: Sequence[str]
    others: Sequence[str]
    """Who lives here as well and is nobody of the visitor's."""
    routes: Sequence[RouteOf]
    """Everything of the people that was ever owed something."""
    targets: Sequence[str]
    wish: Wish

    @property
    def chosen(self) -> Sequence[RouteOf]:
        """The routes that are asked for."""
        return self.wish.chosen(self.routes)

    def served(self) -> list[int]:
        """The routes of targets that are still configured."""
        return [route.id for route in self.routes if route.is_configured]


def begin_visit(
    request: Request, door: Door, settings: Settings, database: Database, *, lenient: bool = False
) -> Visit:
    """Raises OddWish; ``lenient``: what is odd asks for everything instead."""
    people = door.visible(request)
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
    except OddWish:
        if not lenient:
            raise
        wish = Wish()
    others = [person.name for person in settings.people if person.name not in people]
    return Visit(people, others, routes, targets, wish)


def units_of(request: Request) -> UnitChoice:
    """What was chosen on the page of the history."""
    try:
        return unit_choice(request)
    except StrangeUnit:
        return UnitChoice(())


def reading_path(person: str, reading_id: str) -> str:
    """The path of the page of a reading."""
    return f"{PATH}/{quote(person, safe='')}/{quote(reading_id, safe='')}"
