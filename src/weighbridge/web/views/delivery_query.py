"""Who asks about deliveries, and for which: of whom, where, in what state, from where on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from weighbridge.config import everyone
from weighbridge.core.delivery_state import State
from weighbridge.storage.accounts import all_routes
from weighbridge.storage.delivery_log import END, RouteRef, read_place, write_place
from weighbridge.web.preferences import UnitChoice, UnknownUnit, unit_choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from weighbridge.config import Settings
    from weighbridge.storage.database import Database
    from weighbridge.web.auth import Auth


GROUPS: Mapping[str, tuple[State, ...]] = {
    "waiting": (State.PLANNED, State.SENDING),
    "held": (State.HELD,),
    "blocked": (State.BLOCKED,),
    "rejected": (State.REJECTED,),
    "unknown": (State.UNKNOWN,),
    "arrived": (State.DELIVERED, State.CONFIRMED),
    "skipped": (State.SKIPPED,),
    "superseded": (State.SUPERSEDED,),
}
"""What people tell apart. Their words stand under ``deliveries.group_<name>``."""


class InvalidDeliveryQuery(ValueError):
    """The address asks for something that is not there, or not for this visitor."""


class RouteOf(msgspec.Struct, frozen=True):
    """A target of a person to which something was owed some time."""

    id: int
    person: str
    target: str
    is_configured: bool


class DeliveryQuery(msgspec.Struct, frozen=True):
    """An empty text asks for all of them."""

    person: str = ""
    target: str = ""
    group: str = ""
    place: RouteRef = END

    @property
    def states(self) -> tuple[State, ...]:
        """Empty: every state."""
        return GROUPS.get(self.group, ())

    @property
    def is_narrow(self) -> bool:
        """Whether anything is left out."""
        return bool(self.person or self.target or self.group)

    @property
    def is_further_back(self) -> bool:
        """Whether it does not begin with the newest ones."""
        return self.place != END

    def params(self, **changes: str) -> dict[str, str]:
        """The query of an address that asks for the same, but for some changes."""
        params = {"person": self.person, "target": self.target, "state": self.group}
        if self.is_further_back:
            params["before"] = write_place(self.place)
        return {key: value for key, value in {**params, **changes}.items() if value}

    def chosen(self, routes: Sequence[RouteOf]) -> list[RouteOf]:
        """Those of the routes that it asks for."""
        return [
            one
            for one in routes
            if self.person in ("", one.person) and self.target in ("", one.target)
        ]


def read_delivery_query(
    asked: Mapping[str, str], people: Sequence[str], targets: Sequence[str]
) -> DeliveryQuery:
    """What is asked for, of the people and targets that the visitor may know of.

    Raises InvalidDeliveryQuery: the same for what does not exist and for what is hidden.
    """
    person, target = asked.get("person", ""), asked.get("target", "")
    if person and person not in people:
        raise InvalidDeliveryQuery
    if target and target not in targets:
        raise InvalidDeliveryQuery
    return DeliveryQuery(
        person, target, _group(asked.get("state", "")), _place(asked.get("before", ""))
    )


def _group(written: str) -> str:
    """A group, or the one that a single state belongs to."""
    if not written or written in GROUPS:
        return written
    for group, states in GROUPS.items():
        if written in states:
            return group
    raise InvalidDeliveryQuery


def _place(written: str) -> RouteRef:
    if not written:
        return END
    try:
        return read_place(written)
    except ValueError:
        raise InvalidDeliveryQuery from None


PATH = "/deliveries"


class DeliveryView(msgspec.Struct, frozen=True):
    """A visitor, what may be seen, and what of it is asked for."""

    people: Sequence[str]
    others: Sequence[str]
    """People whom the visitor may not see."""
    routes: Sequence[RouteOf]
    """Everything of the people that was ever owed something."""
    targets: Sequence[str]
    query: DeliveryQuery

    @property
    def chosen(self) -> Sequence[RouteOf]:
        """The routes that are asked for."""
        return self.query.chosen(self.routes)

    def served(self) -> list[int]:
        """The routes of targets that are still configured."""
        return [route.id for route in self.routes if route.is_configured]


def read_view(
    request: Request, auth: Auth, settings: Settings, database: Database, *, lenient: bool = False
) -> DeliveryView:
    """Raises InvalidDeliveryQuery; ``lenient``: what is invalid asks for everything instead."""
    people = auth.visible(request)
    directory = settings.directory
    configured = {
        (name, target.name) for name in people for target in directory.person(name).targets
    }
    routes = [
        RouteOf(
            row["id"], row["person"], row["target"], (row["person"], row["target"]) in configured
        )
        for row in all_routes(database)
        if row["person"] in people
    ]
    targets = sorted({target for _, target in configured} | {route.target for route in routes})
    try:
        query = read_delivery_query(request.query_params, people, targets)
    except InvalidDeliveryQuery:
        if not lenient:
            raise
        query = DeliveryQuery()
    others = [person.name for person in everyone(directory) if person.name not in people]
    return DeliveryView(people, others, routes, targets, query)


def units_of(request: Request) -> UnitChoice:
    """What was chosen on the page of the history."""
    try:
        return unit_choice(request)
    except UnknownUnit:
        return UnitChoice(())


def reading_path(person: str, reading_id: str) -> str:
    """The path of the page of a reading."""
    return f"{PATH}/{quote(person, safe='')}/{quote(reading_id, safe='')}"
