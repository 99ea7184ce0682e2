"""Sending one payload step by step, so that a success is never forgotten because of a problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from weighbridge.core.errors import OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.targets.base import Receipt

Step = tuple[Sequence[str], Callable[[], str]]
"""Reading ids, and what sends them at once and returns their reference."""


def send_each(steps: Iterable[Step], refused: Mapping[str, Problem | str]) -> Receipt:
    """Carry out one step after the other, until one meets trouble. ``refused`` is known before.

    Raises the problem when it is the fate of all readings, and Refused when several readings were
    refused together: then nothing else may have been sent before.
    """
    waiting = list(steps)
    delivered: dict[str, str] = {}
    rejected = dict(refused)
    while waiting:
        ids, send = waiting[0]
        try:
            delivered.update(dict.fromkeys(ids, send()))
        except Refused as problem:
            if len(ids) > 1:
                raise
            rejected[ids[0]] = problem
        except Problem as problem:
            return _ended(Receipt(delivered, rejected), waiting, problem)
        del waiting[0]
    return Receipt(delivered, rejected)


def _ended(before: Receipt, waiting: Sequence[Step], problem: Problem) -> Receipt:
    """The result when a problem ended the first of these steps; the others were not tried."""
    is_unknown = isinstance(problem, OutcomeUnknown)
    untried = any(ids for ids, _ in waiting[1:])
    if not (before.delivered or before.refused) and not (is_unknown and untried):
        raise problem
    unknown = frozenset(waiting[0][0]) if is_unknown else frozenset()
    if is_unknown and untried:
        problem = RetryLater(code="target.try_again", cause=problem)
    return Receipt(before.delivered, before.refused, unknown, problem)
