"""The devices of an account and their batteries (docs/reference/withings-api.md#devices)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

PATH = "/v2/user"
LEVELS = ("low", "medium", "high")
"""From the one that needs a person to the one that does not. Withings knows ``unknown`` as well."""


class Device(msgspec.Struct, frozen=True):
    """One scale, cuff or thermometer. Everything else that is told of it is not kept."""

    type: str = ""
    model: str | None = None
    battery: str | None = None


class _Answer(msgspec.Struct):
    devices: list[msgspec.Raw] = []


def list_devices(ask: Callable[[str, Mapping[str, str]], msgspec.Raw]) -> list[Device]:
    """What belongs to the account. ``ask``: makes a call and may raise; its body is read here.

    Odd entries are left out.
    """
    body = ask(PATH, {"action": "getdevice"})
    try:
        answer = msgspec.json.decode(body, type=_Answer)
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
