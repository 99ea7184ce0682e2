"""What is retained: the newest values of a person, and how the bridge is doing. Pure.

Every key that discovery advertises is always there, ``None`` when it has no value: a missing key
would be a warning in Home Assistant's log at every message
(docs/reference/home-assistant.md#states).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from weighbridge import __version__
from weighbridge.targets.base import Newest, ServerStatus
from weighbridge.targets.mqtt.mqtt_values import by_part, by_sensor, instant, number

BATTERY_LEVELS = ("low", "medium", "high")
"""The words that Withings has for a battery (docs/reference/withings-api.md#devices)."""


def person_state(newest: Sequence[Newest], *, height: Decimal | None = None) -> dict[str, Any]:
    """The newest value by sensor key, ``measured_at`` and ``segments``; SI units.

    ``height`` in metres is the configured one, for the BMI; None: the newest measured one.
    """
    values = {sensor.key: number(value) for sensor, value in by_sensor(newest, height)}
    last = max((one.taken_at for one in newest), default=None)
    oldest_first = sorted(newest, key=lambda one: one.taken_at)
    return {
        **values,
        "measured_at": None if last is None else instant(last),
        "segments": by_part(one.measurement for one in oldest_first),
    }


def bridge_info(news: ServerStatus) -> dict[str, Any]:
    """Version, last sync, what is wrong (a sentence) and the battery of the scale."""
    return {
        "version": __version__,
        "last_sync": None if news.last_sync is None else instant(news.last_sync),
        "problem": news.problem.message() if news.problem else None,
        "scale_battery": news.battery if news.battery in BATTERY_LEVELS else None,
    }
