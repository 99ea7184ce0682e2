"""What is owed. Pure: readings, a rule and known deliveries go in, changes to the ledger come out.

Planning twice changes nothing, and planning a part of the readings says nothing about the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from weighbridge.core.days import Window
from weighbridge.core.delivery_state import Add, Change, Known, Older, State, Step
from weighbridge.core.measures import READING_KINDS, Measurement
from weighbridge.core.reason import Reason, reason
from weighbridge.core.records import Record, revision_of

WAITING = frozenset({State.PLANNED, State.HELD, State.BLOCKED})
REPLACEABLE = WAITING | {State.REJECTED}


class Rule(msgspec.Struct, frozen=True):
    """What a route wants of the readings.

    ``since`` is open at its end; ``also`` are days that a person asked for on top. A reading that
    the ledger knows already is followed up wherever it lies. ``ambiguous`` says what
    happens to a reading whose owner is doubtful: ``hold``, ``deliver`` or ``skip``.
    """

    takes: Callable[[Any], Sequence[Measurement]]
    since: Window
    kinds: Collection[str] = READING_KINDS
    """The target is asked only about records of these kinds."""
    also: Window | None = None
    ambiguous: str = "hold"
    settle: float = 10.0
    cloud_now: float = float("inf")
    """The cloud's clock: what claims to be stored later than now settles from now on."""

    def including(self, window: Window | None) -> Rule:
        """The same rule with some days on top."""
        return msgspec.structs.replace(self, also=window) if window else self


DOUBTFUL = reason("delivery.doubtful")
RELEASED = reason("delivery.released")
NEWER = reason("delivery.newer")
WITHDRAWN = reason("delivery.withdrawn")
PASSED_OVER = reason("delivery.passed_over")
GONE = reason("delivery.gone")


def owed(
    records: Iterable[Record],
    rule: Rule,
    known: Mapping[str, Known],
    accepted: frozenset[str],
) -> Iterator[Step]:
    """Yield what must change in the ledger, so that these readings reach the target.

    ``known`` holds the newest row of each reading of the same instants; rows whose reading is not
    among ``readings`` any more are withdrawn.
    """
    unwanted: dict[str, Reason | None] = {}
    for record in records:
        part = rule.takes(record) if record.kind in rule.kinds else ()
        unwanted[record.id] = why = _why_unwanted(record, part, rule)
        if why:
            continue
        row = known.get(record.id)
        if row is None and not _is_wanted(record, rule):
            yield Older(record.id)
        else:
            yield from _follow(record, revision_of(part), row, rule, accepted)
    for record_id, row in known.items():
        why = unwanted.get(record_id, GONE)
        if why and row.state in REPLACEABLE:
            yield Change(row.id, row.state, State.SUPERSEDED, row.settles_at, why)


def _why_unwanted(record: Record, part: Sequence[Measurement], rule: Rule) -> Reason | None:
    if not part:
        return WITHDRAWN
    return PASSED_OVER if record.ambiguous and rule.ambiguous == "skip" else None


def _is_wanted(record: Record, rule: Rule) -> bool:
    return rule.since.holds(record) or (rule.also is not None and rule.also.holds(record))


def _follow(
    record: Record, revision: str, row: Known | None, rule: Rule, accepted: frozenset[str]
) -> Iterator[Step]:
    held = record.ambiguous and rule.ambiguous == "hold" and record.id not in accepted
    state = State.HELD if held else State.PLANNED
    settles_at = min(record.stored_at, rule.cloud_now) + rule.settle
    if row is None:
        yield _add(record, revision, 0, state, settles_at)
    elif row.revision != revision or row.state == State.SUPERSEDED:
        if row.state in REPLACEABLE:
            yield Change(row.id, row.state, State.SUPERSEDED, row.settles_at, NEWER)
        yield _add(record, revision, row.ordinal + 1, state, settles_at)
    elif row.state == State.BLOCKED and not held:
        return  # it waits for a login, and is owed again after it
    elif row.state in WAITING and (row.state != state or row.settles_at != settles_at):
        answer = None if row.state == state else DOUBTFUL if held else RELEASED
        yield Change(row.id, row.state, state, settles_at, answer)


def _add(record: Record, revision: str, ordinal: int, state: State, settles_at: float) -> Add:
    answer = DOUBTFUL if state is State.HELD else None
    return Add(record.kind, record.id, record.start, ordinal, revision, state, settles_at, answer)
