"""The subscriptions of everybody: at the start, daily, and patiently after trouble."""

from __future__ import annotations

import logging
from collections.abc import Callable

from weighbridge.assembly import Workplace
from weighbridge.config import Person
from weighbridge.errors import Problem
from weighbridge.server.halt import Halt
from weighbridge.server.subscriptions.upkeep import callback_of, due_at, introduce, look_after

log = logging.getLogger(__name__)


def look_after_everybody(
    workplace: Workplace, halt: Halt, *, chance: Callable[[], float], started_at: float, nap: float
) -> None:
    """Go round until ``halt``, ``nap`` seconds apart; returns at once without a public address.

    Raises Stopping, and Problems of the home folder.
    """
    if not introduce(workplace):
        return
    while not halt.is_set:
        for person in workplace.settings.people:
            try:
                _look_after_if_due(workplace, person, chance=chance, started_at=started_at)
            except Problem as problem:
                log.warning("subscriptions_failed", extra={"problem": problem.message})
        halt.sleep(nap)


def _look_after_if_due(
    workplace: Workplace, person: Person, *, chance: Callable[[], float], started_at: float
) -> None:
    archive, callback = workplace.archive(person.name), callback_of(workplace)
    if archive is None or callback is None:
        return
    now = workplace.clock()
    due = due_at(workplace.database, archive.account, now, callback=callback, started_at=started_at)
    if due <= now:
        look_after(
            workplace,
            person,
            callback,
            clock=workplace.clock,
            sleep=workplace.sleep,
            chance=chance,
        )
