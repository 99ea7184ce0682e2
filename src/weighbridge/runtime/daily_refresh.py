"""What Withings is asked for once a day, after a poll: the weight goal of a person, for the line in
a chart, and the lowest battery of their devices, for targets that report it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from weighbridge.core.errors import Problem, StateProblem
from weighbridge.sources.withings import devices, goals
from weighbridge.storage.accounts import battery_of, keep_battery
from weighbridge.storage.archive import Archive
from weighbridge.storage.goal_store import goal_asked_at, keep_weight_goal
from weighbridge.sync.services import Services

log = logging.getLogger(__name__)

FRESH = 86_400.0
"""Seconds for which an answer is good enough."""


def refresh_daily(services: Services, person: str) -> None:
    """Ask for what is older than a day. Without an answer the last one stays.

    Raises StateProblem; no other problem with these two matters to anybody.
    """
    archive = services.archive(person)
    if archive is None:
        return
    battery = battery_of(archive.database, archive.account)
    for event, asked_at, refresh in (
        ("goal_not_read", goal_asked_at(archive), _refresh_goal),
        ("battery_not_read", battery.asked_at, _refresh_battery),
    ):
        if asked_at is None or not 0.0 <= services.clock() - asked_at < FRESH:
            _try(event, refresh, services, person, archive)


def _try(
    event: str,
    refresh: Callable[[Services, str, Archive], None],
    services: Services,
    person: str,
    archive: Archive,
) -> None:
    try:
        refresh(services, person, archive)
    except StateProblem:
        raise
    except Problem as problem:
        log.info(event, extra={"person": person, "problem": type(problem).__name__})


def _refresh_goal(services: Services, person: str, archive: Archive) -> None:
    answer = services.source(person).ask_aside(goals.PATH, goals.FORM)
    keep_weight_goal(archive, goals.read_weight_goal(answer), services.clock())


def _refresh_battery(services: Services, person: str, archive: Archive) -> None:
    level = devices.worst_battery(devices.list_devices(services.source(person).ask_aside))
    keep_battery(archive.database, archive.account, level, services.clock())
