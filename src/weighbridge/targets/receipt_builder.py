"""What became of each reading while one payload was sent, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from weighbridge.core.errors import OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.targets.base import Receipt


class ReceiptBuilder:
    """Collects results, so that a success is never forgotten because of a later problem."""

    def __init__(self, ids: Sequence[str], refused: Mapping[str, Problem | str]) -> None:
        self._all = frozenset(ids)
        self._delivered: dict[str, str] = {}
        self._refused = dict(refused)
        self._unknown: set[str] = set()
        self._problem: Problem | None = None

    def carry_out(self, ids: Sequence[str], send: Callable[[], str]) -> bool:
        """Send these readings at once; whether to go on with the next ones.

        ``send`` returns their reference. Raises Refused when several were refused together:
        then nothing else may have been sent before.
        """
        try:
            reference = send()
        except Refused as problem:
            if len(ids) > 1:
                raise
            self._refused[ids[0]] = problem
        except Problem as problem:
            self._problem = problem
            if isinstance(problem, OutcomeUnknown):
                self._unknown.update(ids)
            return False
        else:
            self._delivered.update(dict.fromkeys(ids, reference))
        return True

    def receipt(self) -> Receipt:
        """The result. Raises the problem when it is the fate of the whole payload."""
        unknown = frozenset(self._unknown)
        whole = not (self._delivered or self._refused) and unknown in {frozenset(), self._all}
        if self._problem is not None and whole:
            raise self._problem
        return Receipt(self._delivered, self._refused, unknown, self._reason())

    def _reason(self) -> Problem | None:
        """Why readings are left over. They were not tried, so their fate is known."""
        settled = {*self._delivered, *self._refused, *self._unknown}
        if isinstance(self._problem, OutcomeUnknown) and not settled >= self._all:
            return RetryLater(code="target.try_again", cause=self._problem)
        return self._problem


Step = tuple[Sequence[str], Callable[[], str]]
"""Reading ids, and what sends them at once and returns their reference."""


def send_each(steps: Iterable[Step], refused: Mapping[str, Problem | str]) -> Receipt:
    """Carry out one step after the other, until one meets trouble. ``refused`` is known before.

    Raises the problem when it is the fate of all readings.
    """
    known = list(steps)
    builder = ReceiptBuilder([reading_id for ids, _ in known for reading_id in ids], refused)
    for ids, send in known:
        if not builder.carry_out(ids, send):
            break
    return builder.receipt()
