"""What was told to a person about trouble, and what is still to be told: it survives restarts."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from weighbridge.storage.database import Database

MOST_MESSAGES = 20
"""So many go to a channel at once: one that was away for long gets the rest a minute later."""


class Alert(msgspec.Struct, frozen=True):
    """One trouble. Instants are seconds since 1970."""

    name: str
    since: float
    told_at: float | None
    """None: it has not lasted long enough, or nobody is there to be told."""
    text: str
    well_at: float | None = None
    """Since when it seems to be over; None: it is not."""


class Message(msgspec.Struct, frozen=True):
    """A sentence for one channel. ``channel``: its place in the configuration, from 0 on."""

    id: int
    channel: int
    text: str
    made_at: float


class AlertBook:
    """The alerts of one home folder. Call it inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def alerts(self) -> Mapping[str, Alert]:
        """Everything that is or was just in trouble, by name."""
        rows = self._database.all("alerts")
        return {row["name"]: Alert(**dict(row)) for row in rows}

    def keep(self, alert: Alert) -> None:
        """Write one down, new or changed."""
        self._database.run("keep_alert", **msgspec.structs.asdict(alert))

    def forget(self, name: str) -> None:
        """It is over, and everybody was told or nobody needs to be."""
        self._database.run("forget_alert", name=name)

    def tell(self, text: str, channels: int, now: float) -> None:
        """Have it told on each of so many channels."""
        for channel in range(channels):
            self._database.run("add_alert_message", channel=channel, text=text, now=now)

    def messages(self, channels: int) -> list[Message]:
        """What is still to be told, oldest first. Channels that are gone hear nothing more."""
        self._database.run("forget_alert_channels", channels=channels)
        return [
            Message(**dict(row))
            for channel in range(channels)
            for row in self._database.all("alert_messages", channel=channel, most=MOST_MESSAGES)
        ]

    def accepted(self, message: int) -> None:
        """Its channel has taken it."""
        self._database.run("forget_alert_message", id=message)

    def count_told(self) -> int:
        """How many problems were reported and are not over."""
        row = self._database.one("count_open_alerts")
        return int(row["number"]) if row else 0

    def count_messages(self) -> int:
        """How many messages no channel has accepted yet."""
        row = self._database.one("count_alert_messages")
        return int(row["number"]) if row else 0
