"""Which deliveries a page is about (of whom, where, in what state), and what is decided about them.

A form says which deliveries it was made for and their states. One that is in another state by then
(the button was pressed twice, the server went on meanwhile) is left alone.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.records import instant_of
from weighbridge.storage.accounts import all_routes
from weighbridge.storage.delivery_log import (
    END,
    Decision,
    RouteRef,
    decide_about,
    deliveries_before,
    newest_of_reading,
    read_place,
    write_place,
)
from weighbridge.web.sessions import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from weighbridge.storage.database import Database, Row
    from weighbridge.sync.services import Services
    from weighbridge.web.app_context import AppContext
    from weighbridge.web.auth import Auth


log = logging.getLogger(__name__)

PATH = "/deliveries"

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


class DeliveryView(msgspec.Struct, frozen=True):
    """What a visitor may see, and what of it is asked for."""

    people: Sequence[str]
    routes: Sequence[RouteOf]
    """Everything of the people that was ever owed something."""
    targets: Sequence[str]
    query: DeliveryQuery
    what: str = ""
    """What is to be decided about all of a state; empty on the list itself."""

    @property
    def chosen(self) -> Sequence[RouteOf]:
        """The routes that are asked for."""
        return self.query.chosen(self.routes)


def read_view(
    request: Request, auth: Auth, services: Services, *, lenient: bool = False
) -> DeliveryView:
    """Raises InvalidDeliveryQuery; ``lenient``: what is invalid asks for everything instead."""
    people, directory = auth.visible(request), services.settings.directory
    configured = {
        (name, target.name) for name in people for target in directory.person(name).targets
    }
    routes = [
        RouteOf(
            row["id"], row["person"], row["target"], (row["person"], row["target"]) in configured
        )
        for row in all_routes(services.database)
        if row["person"] in people
    ]
    targets = sorted({target for _, target in configured} | {route.target for route in routes})
    what = request.query_params.get("what", "")
    try:
        query = read_delivery_query(request.query_params, people, targets)
    except InvalidDeliveryQuery:
        if not lenient:
            raise
        query = DeliveryQuery()
    return DeliveryView(people, routes, targets, query, what)


def reading_path(person: str, reading_id: str) -> str:
    """The path of the page of a reading."""
    return f"{PATH}/{quote(person, safe='')}/{quote(reading_id, safe='')}"


AT_ONCE = 1000
"""So many deliveries, the newest, are decided about together."""

ALL_OF = {
    "retry_rejected": (Decision.RETRY, State.REJECTED),
    "skip_rejected": (Decision.SKIP, State.REJECTED),
    "accept_held": (Decision.ACCEPT, State.HELD),
    "skip_held": (Decision.SKIP, State.HELD),
}
"""What may be decided about all of a state, by its name in a form."""

_DONE = {
    Decision.RETRY: "done_retry",
    Decision.SKIP: "done_skip",
    Decision.ACCEPT: "done_accept",
}
NOTHING_DONE = Notice("nothing_done")


class Bundle(msgspec.Struct, frozen=True):
    """Deliveries about which something shall be decided together."""

    rows: Sequence[Row]
    is_part: bool
    """There are more of them."""

    @property
    def mark(self) -> str:
        """The same only for the same deliveries."""
        ids = sorted(row["id"] for row in self.rows)
        return blake2b(repr(ids).encode(), digest_size=12).hexdigest()

    def counts(self) -> dict[tuple[str, str], int]:
        """How many there are of each person at each target."""
        return dict(sorted(Counter((row["person"], row["target"]) for row in self.rows).items()))


def bundle(database: Database, view: DeliveryView) -> Bundle:
    """The newest deliveries about which ``view.what`` would decide. Raises InvalidDeliveryQuery.

    Whose a reading is, is not a matter of one target.
    """
    if view.what not in ALL_OF:
        raise InvalidDeliveryQuery
    decision, state = ALL_OF[view.what]
    asked = view.query
    if decision is Decision.ACCEPT:
        asked = DeliveryQuery(person=asked.person)
    ids = [route.id for route in asked.chosen(view.routes) if route.is_configured]
    rows = deliveries_before(database, ids, [state], most=AT_ONCE + 1)
    return Bundle(rows[:AT_ONCE], len(rows) > AT_ONCE)


def states_of(rows: Iterable[Row]) -> str:
    """Deliveries with their states, for a form: ``12.held 15.held``."""
    return " ".join(f"{row['id']}.{row['state']}" for row in rows)


def decide(
    context: AppContext, database: Database, person: str, reading_id: str, form: Mapping[str, str]
) -> Notice:
    """Carry out what a form about one reading says: a decision, and the states it is about."""
    taken_at = instant_of(reading_id)
    if form.get("decision") not in set(Decision) or taken_at is None:
        return NOTHING_DONE
    decision, states = Decision(form["decision"]), form.get("states", "").split()
    with database.transaction():
        rows = newest_of_reading(database, person, taken_at, reading_id)
        as_before = [row for row in rows if states_of([row]) in states]
        changed = decide_about(database, as_before, decision, context.clock())
    return _decided(context, decision, changed, [person])


def decide_about_all(
    context: AppContext, database: Database, view: DeliveryView, mark: str
) -> Notice | None:
    """The same for all of a state, if these still are what ``mark`` says; None: they are others."""
    with database.transaction():
        found = bundle(database, view)
        decision = ALL_OF[view.what][0]
        if found.mark != mark:
            return None if found.rows else NOTHING_DONE
        changed = decide_about(database, found.rows, decision, context.clock())
    return _decided(context, decision, changed, {row["person"] for row in found.rows})


def _decided(
    context: AppContext, decision: Decision, changed: int, people: Iterable[str]
) -> Notice:
    """Have it carried on at once, and say what was done."""
    if not changed:
        return NOTHING_DONE
    log.info("deliveries_decided", extra={"decision": decision.value, "number": changed})
    for person in people:
        context.request_sync(person, poll=False)
    return Notice(_DONE[decision], changed)
