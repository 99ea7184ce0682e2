"""What Withings tells of a person beside the measures: the batteries of the devices, and the goal.

Sources: docs/reference/withings-api.md#devices and the sections around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any

import msgspec

from weighbridge.core.errors import RetryLater
from weighbridge.core.measures import Measurement, MeasureType

PATH = "/v2/user"
DEVICES = {"action": "getdevice"}
GOALS = {"action": "getgoals"}
LEVELS = ("low", "medium", "high")
"""From the one that needs a person to the one that does not. Withings knows ``unknown`` as well."""


class Device(msgspec.Struct, frozen=True):
    """One scale, cuff or thermometer. Everything else that is told of it is not kept."""

    type: str = ""
    model: str | None = None
    battery: str | None = None


class _Devices(msgspec.Struct):
    devices: list[msgspec.Raw] = []


def list_devices(ask: Callable[[str, Mapping[str, str]], msgspec.Raw]) -> list[Device]:
    """What belongs to the account. ``ask``: makes a call and may raise; its body is read here.

    Odd entries are left out.
    """
    body = ask(PATH, DEVICES)
    try:
        answer = msgspec.json.decode(body, type=_Devices)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return list(_understood(answer.devices))


def worst_battery(devices: Iterable[Device]) -> str | None:
    """The lowest level of all batteries; None when none is known."""
    levels = [LEVELS.index(device.battery) for device in devices if device.battery in LEVELS]
    return LEVELS[min(levels)] if levels else None


def _understood(entries: Iterable[msgspec.Raw]) -> Iterator[Device]:
    for entry in entries:
        try:
            yield msgspec.json.decode(entry, type=Device)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue


class _WeightGoal(msgspec.Struct):
    value: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    unit: Annotated[int, msgspec.Meta(ge=-30, le=30)]


class _Goals(msgspec.Struct):
    goals: Any


def read_weight_goal(body: bytes | msgspec.Raw) -> Measurement | None:
    """The goal in the ``body`` of an answer; None when there is none.

    Without any goal there is an empty list in place of an object. Raises RetryLater for an answer
    that tells nothing about goals.
    """
    try:
        goals = msgspec.json.decode(body, type=_Goals).goals
        if not isinstance(goals, dict) or not goals.get("weight"):
            return None
        weight = msgspec.convert(goals["weight"], _WeightGoal, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RetryLater(code="withings.incomplete") from error
    return Measurement(int(MeasureType.WEIGHT), weight.value, weight.unit)
