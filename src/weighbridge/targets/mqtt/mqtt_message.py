"""What is said at a broker, and what it says to it."""

from __future__ import annotations

import msgspec

from weighbridge.core.errors import Problem


class MqttMessage(msgspec.Struct, frozen=True):
    """One message; it is published with QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry: int | None = None
    """Seconds after which nobody needs it any more; only MQTT 5 can say so."""


class Heard(msgspec.Struct, frozen=True):
    """A message of others. ``retained``: it was said earlier and kept by the broker."""

    topic: str
    payload: bytes
    retained: bool


class PublishResult(msgspec.Struct, frozen=True):
    """What became of messages that were published together."""

    taken: frozenset[int]
    """The places of those that were acknowledged."""
    problem: Problem | None = None
    """Why others were not."""

    def demand(self) -> None:
        """Raises the problem, if there is one."""
        if self.problem is not None:
            raise self.problem
