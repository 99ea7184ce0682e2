"""``getdevice`` and ``getgoals``: answers that fit the stored groups.

Sources: docs/reference/withings-api.md#devices and docs/reference/withings-api.md#goals.
"""

from __future__ import annotations

from typing import Any

from weighbridge_sandbox.withings.household import Profile

_BPM = range(41, 49)
_SESSION_KEYS = ("first_session_date", "last_session_date")


def list_devices(profile: Profile) -> dict[str, Any]:
    """Every device that has stored a group, with its first and last session."""
    devices: dict[str, dict[str, Any]] = {}
    for group in profile.groups():
        raw = group.raw
        if not isinstance(raw, dict) or not isinstance(raw.get("deviceid"), str):
            continue
        device = devices.setdefault(raw["deviceid"], _device(raw, group.taken_at, profile))
        device["first_session_date"] = min(device["first_session_date"], group.taken_at)
        device["last_session_date"] = max(device["last_session_date"], group.taken_at)
    return {"devices": list(devices.values())}


def _device(raw: dict[str, Any], taken_at: int, profile: Profile) -> dict[str, Any]:
    model = raw.get("modelid")
    return {
        "type": "Blood Pressure Monitor" if model in _BPM else "Scale",
        "battery": "high",
        "model": raw.get("model") or "",
        "model_id": model,
        "timezone": profile.timezone,
        **dict.fromkeys(_SESSION_KEYS, taken_at),
        "deviceid": raw["deviceid"],
        "hash_deviceid": raw.get("hash_deviceid", raw["deviceid"]),
    }


def list_goals(profile: Profile) -> dict[str, Any]:
    """The goals; an empty list, not an object, when there are none ([F:getgoals-none])."""
    return {"goals": profile.goals or []}
