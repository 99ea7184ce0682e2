"""When a route wants to be served again, for a server that sleeps until then."""

from __future__ import annotations

from weighbridge.archive.ledger import Ledger
from weighbridge.deliver.retry import FIRST_WAIT, LONGEST_WAIT
from weighbridge.errors import LoginNeeded
from weighbridge.plan.planner import State

LOOK_AGAIN = 5 * 60.0
"""Seconds after which it is looked again for what was sent but not seen."""

_OPEN_FATE = {State.UNKNOWN, State.SENDING}


def next_due(ledger: Ledger, cloud_ahead: float = 0.0) -> float | None:
    """By our clock in epoch seconds; None: nothing waits, or a person must log in first.

    ``cloud_ahead``: seconds by which the cloud's clock is ahead of ours. While there is trouble
    the waiting grows with its age, so a restart does not begin anew.
    """
    row = ledger.row()
    if row["trouble_kind"] == LoginNeeded.__name__:
        return None
    attempted: float = row["attempted_at"] or 0.0
    moments = [ledger.first_due(cloud_ahead)]
    if ledger.counts().keys() & _OPEN_FATE or ledger.count_unseen():
        moments.append(attempted + LOOK_AGAIN)
    known = [moment for moment in moments if moment is not None]
    if not known:
        return None
    due: float = max(min(known), row["pause_until"])
    if row["trouble_at"] is None:
        return due
    return max(due, attempted + patience(attempted - row["trouble_at"]))


def patience(age: float) -> float:
    """Seconds to wait when the trouble is so old: as long again, within bounds."""
    return min(max(age, FIRST_WAIT), LONGEST_WAIT)
