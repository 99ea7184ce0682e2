"""What a person wants to weigh (docs/reference/withings-api.md#goals). No HTTP here."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from weighbridge.core.errors import RetryLater
from weighbridge.core.measures import Measurement, MeasureType

PATH = "/v2/user"
FORM = {"action": "getgoals"}


class _Weight(msgspec.Struct):
    value: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    unit: Annotated[int, msgspec.Meta(ge=-30, le=30)]


class _Body(msgspec.Struct):
    goals: Any


def read_weight_goal(body: bytes | msgspec.Raw) -> Measurement | None:
    """The goal in the ``body`` of an answer; None when there is none.

    Without any goal there is an empty list in place of an object. Raises RetryLater for an answer
    that tells nothing about goals.
    """
    try:
        goals = msgspec.json.decode(body, type=_Body).goals
        if not isinstance(goals, dict) or not goals.get("weight"):
            return None
        weight = msgspec.convert(goals["weight"], _Weight, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RetryLater(code="withings.incomplete") from error
    return Measurement(int(MeasureType.WEIGHT), weight.value, weight.unit)
