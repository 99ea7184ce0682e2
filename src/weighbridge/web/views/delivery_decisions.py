"""Decisions about deliveries that are made on a page, and what came of them.

A form says which deliveries it was made for and how they stood. What stands otherwise by then (it
was pressed twice, the server went on meanwhile) is left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.records import instant_of
from weighbridge.storage.delivery_log import (
    Decision,
    decide_about,
    deliveries_before,
    newest_of_reading,
)
from weighbridge.web.flash import Notice

if TYPE_CHECKING:
    from weighbridge.storage.database import Database, Row
    from weighbridge.web.app_context import AppContext
    from weighbridge.web.views.delivery_query import RouteOf

log = logging.getLogger(__name__)

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
        return blake2b(repr(sorted(_ids(self.rows))).encode(), digest_size=12).hexdigest()

    def counts(self) -> dict[tuple[str, str], int]:
        """How many there are of each person at each target."""
        found: dict[tuple[str, str], int] = {}
        for row in self.rows:
            key = row["person"], row["target"]
            found[key] = found.get(key, 0) + 1
        return dict(sorted(found.items()))


def bundle(database: Database, routes: Iterable[RouteOf], state: State) -> Bundle:
    """The newest deliveries in a state."""
    ids = [route.id for route in routes if route.is_configured]
    rows = deliveries_before(database, ids, [state], most=AT_ONCE + 1)
    return Bundle(rows[:AT_ONCE], len(rows) > AT_ONCE)


def standing(rows: Iterable[Row]) -> str:
    """Deliveries and how they stand, for a form: ``12.held 15.held``."""
    return " ".join(f"{row['id']}.{row['state']}" for row in rows)


def decide(
    context: AppContext, database: Database, person: str, reading_id: str, form: tuple[str, str]
) -> Notice:
    """Carry out what a form about one reading says: a decision, and how its deliveries stood."""
    decision, stood = _decision(form[0]), set(form[1].split())
    taken_at = instant_of(reading_id)
    if decision is None or taken_at is None:
        return NOTHING_DONE
    with database.transaction():
        rows = newest_of_reading(database, person, taken_at, reading_id)
        as_before = [row for row in rows if standing([row]) in stood]
        changed = decide_about(database, as_before, decision, context.clock())
    return _tell(context, decision, changed, [person])


def decide_about_all(
    context: AppContext, database: Database, routes: Sequence[RouteOf], what: str, mark: str
) -> Notice | None:
    """The same for all of a state, if these still are what ``mark`` says; None: they are others."""
    decision, state = ALL_OF[what]
    with database.transaction():
        found = bundle(database, routes, state)
        if found.mark != mark:
            return None if found.rows else NOTHING_DONE
        changed = decide_about(database, found.rows, decision, context.clock())
    return _tell(context, decision, changed, {row["person"] for row in found.rows})


def _tell(context: AppContext, decision: Decision, changed: int, people: Iterable[str]) -> Notice:
    """Have it carried on at once, and say what was done."""
    if not changed:
        return NOTHING_DONE
    log.info("deliveries_decided", extra={"decision": decision.value, "number": changed})
    for person in people:
        context.wake(person, asking=False)
    return Notice(_DONE[decision], changed)


def _decision(written: str) -> Decision | None:
    try:
        return Decision(written)
    except ValueError:
        return None


def _ids(rows: Iterable[Row]) -> list[int]:
    return [row["id"] for row in rows]
