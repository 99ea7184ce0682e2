"""The target: one weight, written, read back and compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, ClassVar

import msgspec

from weighbridge.core.errors import OutcomeUnknown, Problem, Refused
from weighbridge.core.measures import Kind, Measurement, MeasureType, Reading
from weighbridge.targets.base import Context, Owed, Receipt, oldest_first

if TYPE_CHECKING:
    from weighbridge.targets.trainerroad.trainerroad_account import RiderAccount

DAY_SECONDS = 86_400.0
HEAVIEST_KG = Decimal(1000)

UNCHANGED = "unchanged"
WRITTEN = "written"


class Weight(msgspec.Struct, frozen=True):
    """One weight, rounded half up to what is written."""

    reading_id: str
    taken_at: int
    kg: Decimal


class TrainerRoadPayload(msgspec.Struct, frozen=True):
    """Weights, oldest first: the last one stays."""

    weights: tuple[Weight, ...]
    refused: dict[str, Problem | str]
    """Reading id → why it cannot be sent."""


class TrainerRoadTarget:
    """Writing the same weight again changes nothing, so whatever is in doubt is sent again."""

    batch_size: ClassVar[int] = 1
    idempotent: ClassVar[bool] = True

    def __init__(self, url: str, max_age_days: float, context: Context) -> None:
        self.oldest = max_age_days * DAY_SECONDS
        self._url = url
        self._context = context

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        """The weight of a weigh-in."""
        if reading.kind != Kind.BODY:
            return []
        return [one for one in reading.measurements if one.type_code == MeasureType.WEIGHT]

    def render(self, owed: Sequence[Owed]) -> TrainerRoadPayload:
        """The weights, oldest first. What cannot be sent is named."""
        weights: list[Weight] = []
        refused: dict[str, Problem | str] = {}
        for reading in (one.reading for one in oldest_first(owed)):
            kg = weight_of(reading)
            if kg is None:
                refused[reading.reading_id] = Refused(code="trainerroad.out_of_range")
            else:
                weights.append(Weight(reading.reading_id, reading.taken_at, kg))
        return TrainerRoadPayload(tuple(weights), refused)

    def preview(self, payload: TrainerRoadPayload) -> Iterable[str]:
        """One line a reading."""
        for one in payload.weights:
            yield f"{_instant(one.taken_at)}  weight  {one.kg} kg"
        for reading_id, reason in payload.refused.items():
            yield f"cannot be sent: {reading_id}: {reason}"

    def send(self, payload: TrainerRoadPayload) -> Receipt:
        """Write one weight after the other, until one meets trouble."""
        receipt = Receipt(refused=payload.refused)
        account = self._account()
        for one in payload.weights:
            receipt = _write(account, one, receipt)
            if receipt.problem is not None:
                break
        return receipt

    def check(self) -> str:
        """Who is logged in. Raises LoginNeeded or RetryLater."""
        return f"Logged in to TrainerRoad as {self._account().member().name}."

    def _account(self) -> RiderAccount:
        from weighbridge.targets.trainerroad.trainerroad_account import RiderAccount

        return RiderAccount(self._url, self._context)


def weight_of(reading: Reading) -> Decimal | None:
    """The weight in kilograms with one decimal, rounded half up; None when there is none. Pure."""
    kg = reading.get(MeasureType.WEIGHT)
    if kg is None or not 0 < kg < HEAVIEST_KG:
        return None
    rounded = kg.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return rounded if 0 < rounded < HEAVIEST_KG else None


def _write(account: RiderAccount, one: Weight, receipt: Receipt) -> Receipt:
    """The receipt with what became of one more weight."""
    name, change = one.reading_id, msgspec.structs.replace
    try:
        written = account.set_weight(one.kg)
    except Refused as problem:
        return change(receipt, refused={**receipt.refused, name: problem})
    except OutcomeUnknown as problem:
        return change(receipt, unknown=frozenset({name}), problem=problem)
    except Problem as problem:
        return change(receipt, problem=problem)
    reference = WRITTEN if written.is_new else UNCHANGED
    remark = _remark_on_ftp() if written.ftp_changed else None
    return change(receipt, delivered={**receipt.delivered, name: reference}, problem=remark)


def _remark_on_ftp() -> Problem:
    """The weight arrived; we may have undone a change (docs/reference/trainerroad.md#profile)."""
    return Problem(code="trainerroad.ftp_changed")


def _instant(taken_at: int) -> str:
    try:
        return datetime.fromtimestamp(taken_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {taken_at}"
