"""Problems that were reported, and messages that are still to be sent: they survive restarts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from weighbridge.core.reason import Reason
from weighbridge.storage.database import Database, Row

MOST_MESSAGES = 20
"""So many go to a channel at once: one that was away for long gets the rest a minute later."""


class Alert(msgspec.Struct, frozen=True):
    """One problem. Instants are seconds since 1970."""

    name: str
    since: float
    reported_at: float | None
    """When it was reported; None: it has not lasted long enough, or there is no channel."""
    reason: Reason
    over_since: float | None = None
    """Since when it seems to be over; None: it is not."""


class AlertMessage(msgspec.Struct, frozen=True):
    """For one channel. ``channel``: its place in the configuration, from 0 on."""

    id: int
    channel: int
    reason: Reason
    made_at: float


class AlertBook:
    """The alerts of one home folder. Call it inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alerts(self) -> Mapping[str, Alert]:
        """Every problem that exists or has just ended, by name."""
        rows = self._database.all("alerts")
        return {row["name"]: Alert(**_read(row)) for row in rows}

    def keep(self, alert: Alert) -> None:
        """Write one down, new or changed."""
        values = {**msgspec.structs.asdict(alert), "reason": alert.reason.to_json()}
        self._database.run("keep_alert", **values)

    def forget(self, name: str) -> None:
        """It is over, and that was reported or need not be."""
        self._database.run("forget_alert", name=name)

    def add_message(self, reason: Reason, channels: int, now: float) -> None:
        """Have it sent on each of so many channels."""
        text = reason.to_json()
        for channel in range(channels):
            self._database.run("add_alert_message", channel=channel, reason=text, now=now)

    def messages(self, channels: int) -> list[AlertMessage]:
        """What is still to be sent, oldest first. Channels that are gone get nothing more."""
        self._database.run("forget_alert_channels", channels=channels)
        return [
            AlertMessage(**_read(row))
            for channel in range(channels)
            for row in self._database.all("alert_messages", channel=channel, most=MOST_MESSAGES)
        ]

    def accepted(self, message: int) -> None:
        """Its channel has taken it."""
        self._database.run("forget_alert_message", id=message)

    def count_reported(self) -> int:
        """How many problems were reported and are not over."""
        row = self._database.one("count_open_alerts")
        return int(row["number"]) if row else 0

    def count_messages(self) -> int:
        """How many messages no channel has accepted yet."""
        row = self._database.one("count_alert_messages")
        return int(row["number"]) if row else 0


def _read(row: Row) -> dict[str, Any]:
    return {**dict(row), "reason": msgspec.json.decode(row["reason"], type=Reason)}
