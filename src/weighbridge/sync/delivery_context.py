"""What is needed to serve one route, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from weighbridge.core.delivery_state import Transition
from weighbridge.storage.ledger import Ledger
from weighbridge.targets.base import Target, Verifiable


class DeliveryCounts(msgspec.Struct):
    """What one call of ``deliver`` did."""

    sent: int = 0
    already_there: int = 0
    rejected: int = 0
    unknown: int = 0


class DeliveryContext(msgspec.Struct, frozen=True):
    """One target of one person, with what the engine needs to serve it."""

    target: Target
    ledger: Ledger
    recall: Callable[[Collection[int]], Mapping[str, Any]]
    """Instants → records by id: readings, or what else the target takes."""
    touch: Callable[[int], None]
    renew: Callable[[], None]
    clock: Callable[[], float]
    told: Callable[[int], None]
    heed_backoff: bool = False

    def settle(self, *transitions: Transition) -> None:
        """Write down what became of deliveries, all of it together."""
        if transitions:
            self.ledger.record_outcomes(transitions, self.clock())

    @property
    def looks(self) -> Verifiable | None:
        """A target that may be sent the same thing twice need not be looked at."""
        return (
            self.target
            if isinstance(self.target, Verifiable) and not self.target.idempotent
            else None
        )
