"""The weight goal of a person, for the line in a chart: asked for once a day, after a poll."""

from __future__ import annotations

import logging

from weighbridge.core.errors import Problem, StateProblem
from weighbridge.sources.withings.goals import FORM, PATH, read_weight_goal
from weighbridge.storage.goal_store import goal_asked_at, keep_weight_goal
from weighbridge.sync.services import Services

log = logging.getLogger(__name__)

FRESH = 86_400.0
"""Seconds for which an answer is good enough."""


def refresh_goal(workplace: Services, person: str) -> None:
    """Ask Withings if the last answer is old. Without an answer the goal stays as it was.

    Raises StateProblem; no other trouble with a line in a chart concerns anybody.
    """
    archive, now = workplace.archive(person), workplace.clock()
    if archive is None:
        return
    asked_at = goal_asked_at(archive)
    if asked_at is not None and 0.0 <= now - asked_at < FRESH:
        return
    try:
        answer = workplace.source(person).ask_aside(PATH, FORM)
        keep_weight_goal(archive, read_weight_goal(answer), now)
    except StateProblem:
        raise
    except Problem as problem:
        log.info("goal_not_told", extra={"person": person, "problem": type(problem).__name__})
