"""
Keep the weight of a TrainerRoad profile up to date.

Example configuration::

    [[person.target]]
    kind = "trainerroad"
    username = "anna-rides"         # whom ``weighbridge login trainerroad`` signs in
    max_age_days = 14               # an older weight is not sent any more

Log in once with ``weighbridge login trainerroad``. A profile has one weight and no date, so only
the newest one is sent, and never an older one after a newer one. It is written in kilograms with
one decimal, whatever unit the rider sees. Everything else in the profile is left as it is.

TrainerRoad offers no public interface: this is what its own web page does, and it may change
(docs/reference/trainerroad.md#changes).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import urlsplit

import msgspec

from weighbridge.core.errors import OutcomeUnknown, Problem, Refused
from weighbridge.core.measures import Kind, Measurement, MeasureType, Reading
from weighbridge.core.network import is_loopback
from weighbridge.targets.base import Context, Owed, Receipt, SignedIn, SignInAnswers

if TYPE_CHECKING:
    from weighbridge.targets.trainerroad.trainerroad_account import RiderAccount

DAY_SECONDS = 86_400.0
HEAVIEST_KG = Decimal(1000)

SERVICE = "TrainerRoad"

UNCHANGED = "unchanged"
WRITTEN = "written"

FROM_BROWSER = (
    "Then open the browser's developer tools (F12), find the cookies of this site under Storage or "
    "Application, and copy the value of SharedTrainerRoadAuth. Treat it like a password.",
    "Cookie",
)
"""What ``weighbridge login --ticket`` says below its link, and what it asks for."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may write for this target."""

    username: str = ""
    """User name or e-mail. Only ``weighbridge login trainerroad`` uses it."""
    url: str = ""
    """The address of a stand-in for TrainerRoad; ``http`` only on this machine."""
    max_age_days: Annotated[int, msgspec.Meta(ge=1)] = 14
    """A weight that was taken longer ago is not sent any more."""

    def __post_init__(self) -> None:
        if not self.url or self.url.startswith("https://"):
            return
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
            raise ValueError("url must begin with https:// (http:// only for this machine)")


class Weight(msgspec.Struct, frozen=True):
    """One weight, rounded half up to what is written."""

    reading_id: str
    taken_at: int
    kg: Decimal


class Payload(msgspec.Struct, frozen=True):
    """Weights, oldest first: the last one stands in the end."""

    weights: tuple[Weight, ...]
    refused: dict[str, str]
    """Reading id → why it cannot be sent."""


class TrainerRoad:
    """Writing the same weight again changes nothing, so whatever is in doubt is sent again."""

    batch_size: ClassVar[int] = 1
    idempotent: ClassVar[bool] = True

    def __init__(self, options: Options, context: Context) -> None:
        self.oldest = options.max_age_days * DAY_SECONDS
        self._options = options
        self._context = context

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        """The weight of a weigh-in."""
        if reading.kind != Kind.BODY:
            return []
        return [one for one in reading.measurements if one.type_code == MeasureType.WEIGHT]

    def render(self, owed: Sequence[Owed]) -> Payload:
        """The weights, oldest first. What cannot be sent is named."""
        weights: list[Weight] = []
        refused: dict[str, str] = {}
        for reading in sorted((one.reading for one in owed), key=_age):
            kg = weight_of(reading)
            if kg is None:
                refused[reading.reading_id] = "TrainerRoad takes weights between 0.1 and 999.9 kg."
            else:
                weights.append(Weight(reading.reading_id, reading.taken_at, kg))
        return Payload(tuple(weights), refused)

    def preview(self, payload: Payload) -> Iterable[str]:
        """One line a reading."""
        for one in payload.weights:
            yield f"{_instant(one.taken_at)}  weight  {one.kg} kg"
        for reading_id, reason in payload.refused.items():
            yield f"cannot be sent: {reading_id}: {reason}"

    def send(self, payload: Payload) -> Receipt:
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

        return RiderAccount(self._options.url, self._context)


def create(options: Options, context: Context) -> TrainerRoad:
    """The target of one person."""
    return TrainerRoad(options, context)


def sign_in(options: Options, answers: SignInAnswers) -> SignedIn:
    """Sign a person in: with a browser's cookie when there is one, else with the password.

    Raises LoginNeeded, SignInBlocked (open a breaker), RetryLater and ConfigProblem.
    """
    from weighbridge.targets.trainerroad import trainerroad_sign_in as trainerroad

    if answers.ticket is not None:
        pasted = answers.ticket(trainerroad.browser_url(options.url))
        return trainerroad.sign_in_with_cookie(options.url, pasted)
    return trainerroad.sign_in(options.url, answers.username(), answers.password())


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
        return change(receipt, refused={**receipt.refused, name: str(problem)})
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


def _age(reading: Reading) -> tuple[int, str]:
    return reading.taken_at, reading.reading_id


def _instant(taken_at: int) -> str:
    try:
        return datetime.fromtimestamp(taken_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {taken_at}"
