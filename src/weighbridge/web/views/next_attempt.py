"""What happens next to a delivery, as far as the home folder tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.storage.database import Row
from weighbridge.sync.due import LOOK_AGAIN, served_at
from weighbridge.targets.base import Verifiable

if TYPE_CHECKING:
    from weighbridge.config import Person, TargetSettings
    from weighbridge.sync.services import Services


class NextAttempt(msgspec.Struct, frozen=True):
    """One sentence. Its words stand under ``deliveries.next_<key>``."""

    key: str
    at: float | None = None
    """What ``{moment}`` in its words is, in epoch seconds."""


_SURE = {
    State.SENDING: NextAttempt("sending"),
    State.REJECTED: NextAttempt("rejected"),
    State.BLOCKED: NextAttempt("login"),
    State.HELD: NextAttempt("held"),
    State.SKIPPED: NextAttempt("skipped"),
}


def prospect_of(
    workplace: Services, person: Person, target: TargetSettings, row: Row, now: float
) -> NextAttempt | None:
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
        return NextAttempt("seen_soon")
    return None


def _of_planned(route: Row, row: Row, now: float) -> NextAttempt:
    if route["trouble_kind"] == LoginNeeded.__name__:
        return NextAttempt("login")
    put_off = row["not_before"] if (row["claimed_at"] or 0.0) <= now else 0.0
    at = served_at(route, max(put_off, row["settles_at"]), now)
    return NextAttempt("try", at) if at > now else NextAttempt("soon")


def _of_unknown(
    workplace: Services, person: Person, target: TargetSettings, route: Row, now: float
) -> NextAttempt:
    try:
        made = workplace.target(person, target)
    except Problem:
        return NextAttempt("rejected")
    if isinstance(made, Verifiable):
        at = served_at(route, min(route["attempted_at"] or 0.0, now) + LOOK_AGAIN, now)
        return NextAttempt("look", max(at, now))
    return NextAttempt("sent_again") if made.idempotent else NextAttempt("nobody_looks")
