"""What happens next to a delivery, as far as the home folder tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from weighbridge.archive.database import Row
from weighbridge.deliver.due import LOOK_AGAIN, served_at
from weighbridge.errors import LoginNeeded, Problem
from weighbridge.plan.state import State
from weighbridge.targets.base import Looks

if TYPE_CHECKING:
    from weighbridge.assembly import Workplace
    from weighbridge.config import Person, TargetSettings


class Prospect(msgspec.Struct, frozen=True):
    """One sentence. Its words stand under ``deliveries.next_<key>``."""

    key: str
    at: float | None = None
    """What ``{moment}`` in its words is, in epoch seconds."""


_SURE = {
    State.SENDING: Prospect("sending"),
    State.REJECTED: Prospect("rejected"),
    State.BLOCKED: Prospect("login"),
    State.HELD: Prospect("held"),
    State.SKIPPED: Prospect("skipped"),
}


def prospect_of(
    workplace: Workplace, person: Person, target: TargetSettings, row: Row, now: float
) -> Prospect | None:
    """None: nothing more happens. Nothing outside is asked."""
    state = State(row["state"])
    if state in _SURE:
        return _SURE[state]
    route = workplace.database.one("route_of", person=person.name, target=target.name)
    assert route is not None, "it has a delivery"
    if state is State.PLANNED:
        return _of_planned(route, row, now)
    if state is State.UNKNOWN:
        return _of_unknown(workplace, person, target, route, now)
    if state is State.DELIVERED and row["look_until"] is not None:
        return Prospect("seen_soon")
    return None


def _of_planned(route: Row, row: Row, now: float) -> Prospect:
    if route["trouble_kind"] == LoginNeeded.__name__:
        return Prospect("login")
    put_off = row["not_before"] if (row["claimed_at"] or 0.0) <= now else 0.0
    at = served_at(route, max(put_off, row["settles_at"]), now)
    return Prospect("try", at) if at > now else Prospect("soon")


def _of_unknown(
    workplace: Workplace, person: Person, target: TargetSettings, route: Row, now: float
) -> Prospect:
    try:
        made = workplace.target(person, target)
    except Problem:
        return Prospect("rejected")
    if isinstance(made, Looks):
        at = served_at(route, min(route["attempted_at"] or 0.0, now) + LOOK_AGAIN, now)
        return Prospect("look", max(at, now))
    return Prospect("sent_again") if made.idempotent else Prospect("nobody_looks")
