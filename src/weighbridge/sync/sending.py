"""Send a batch once, whatever the target answers. No ledger here: a receipt comes out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from weighbridge.core.errors import OutcomeUnknown, Problem, Refused
from weighbridge.targets.base import Owed, Receipt, Replaces, Target

log = logging.getLogger(__name__)

Send = Callable[[Sequence[Owed]], Receipt]


def send_all(target: Target, owed: Sequence[Owed]) -> Receipt:
    """New readings and changed ones, each in one call. Never raises a Problem."""
    fresh = [one for one in owed if one.previous is None]
    changed = [one for one in owed if one.previous is not None]
    if not isinstance(target, Replaces):
        fresh, changed = list(owed), []
    receipt = Receipt()
    if fresh:
        receipt = _send_splitting(lambda part: target.send(_rendered(target, part)), fresh)
    if changed and receipt.problem is None:
        assert isinstance(target, Replaces)
        receipt = _together(receipt, _send_splitting(target.replace, changed))
    return receipt


def _rendered(target: Target, owed: Sequence[Owed]) -> Any:
    """Rendering is pure: where it fails nothing was sent, and only the odd reading is to blame."""
    try:
        return target.render(owed)
    except Problem:
        raise
    except Exception as error:
        log.exception("render_failed")
        raise Refused(code="target.not_rendered", error=type(error).__name__) from error


def _send_once(send: Send, owed: Sequence[Owed]) -> Receipt | None:
    """None: several readings were refused together, and one of them is to blame."""
    everything = frozenset(one.reading_id for one in owed)
    try:
        return send(owed)
    except Refused as problem:
        return Receipt(refused={owed[0].reading_id: problem}) if len(owed) == 1 else None
    except OutcomeUnknown as problem:
        return Receipt(unknown=everything, problem=problem)
    except Problem as problem:
        return Receipt(problem=problem)
    except Exception as error:
        # A defect of a target must not stop the others, and it may have sent something.
        log.exception("target_failed")
        lost = OutcomeUnknown(code="target.failed", error=type(error).__name__)
        return Receipt(unknown=everything, problem=lost)


def _send_splitting(send: Send, owed: Sequence[Owed]) -> Receipt:
    """A payload refused as a whole is halved until the bad reading is found."""
    receipt = _send_once(send, owed)
    if receipt is not None:
        return receipt
    middle = len(owed) // 2
    first = _send_splitting(send, owed[:middle])
    if first.problem is not None:
        return first
    return _together(first, _send_splitting(send, owed[middle:]))


def _together(first: Receipt, second: Receipt) -> Receipt:
    return Receipt(
        delivered={**first.delivered, **second.delivered},
        refused={**first.refused, **second.refused},
        unknown=first.unknown | second.unknown,
        problem=second.problem or first.problem,
    )
