"""The subscriptions of everybody: at the start, daily, and patiently after trouble."""

from __future__ import annotations

import logging
from collections.abc import Callable

from weighbridge.config import Person
from weighbridge.core.errors import Problem
from weighbridge.runtime.shutdown import Shutdown
from weighbridge.runtime.subscription_schedule import callback_of, due_at, introduce, look_after
from weighbridge.sync.services import Services

log = logging.getLogger(__name__)


def look_after_everybody(
    workplace: Services,
    halt: Shutdown,
    *,
    chance: Callable[[], float],
    started_at: float,
    nap: float,
) -> None:
    """Go round until ``halt``, ``nap`` seconds apart; returns at once without a public address.

    Raises ShutdownRequested, and Problems of the home folder.
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
    workplace: Services, person: Person, *, chance: Callable[[], float], started_at: float
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
