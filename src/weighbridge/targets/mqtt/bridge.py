"""What is published about Weighbridge itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from weighbridge.core.reason import plain
from weighbridge.targets.base import ServerStatus
from weighbridge.targets.mqtt.broker_messages import MqttMessage, ReceivedMessage
from weighbridge.targets.mqtt.discovery import bridge_device, components_of
from weighbridge.targets.mqtt.sensors import BATTERY_LEVELS, bridge_info
from weighbridge.targets.mqtt.topics import Topics

ONLINE = b"online"
OFFLINE = b"offline"


class Bridge(msgspec.Struct, frozen=True):
    """The bridge at one broker. ``discovers``: Home Assistant is to find it by itself."""

    topics: Topics
    discovers: bool = True

    @property
    def will(self) -> MqttMessage:
        """What the broker publishes when our connection breaks."""
        return self.state(OFFLINE)

    def state(self, word: bytes) -> MqttMessage:
        """Whether we are connected."""
        return MqttMessage(self.topics.bridge_state, word, retain=True)

    def device(self, url: str | None, *, has_battery: bool, retained: bytes) -> MqttMessage:
        """The device, with ``retained``: what is published there now.

        A battery that was shown once stays: at a start its level is not known yet.
        """
        earlier = components_of(retained)
        battery = has_battery or "scale_battery" in earlier
        device = bridge_device(self.topics, url=url, has_battery=battery, earlier=earlier)
        return MqttMessage(self.topics.bridge_discovery, msgspec.json.encode(device), retain=True)

    def info(self, status: ServerStatus) -> MqttMessage:
        """How the server is doing."""
        return MqttMessage(
            self.topics.bridge_info, msgspec.json.encode(bridge_info(status)), retain=True
        )

    @property
    def button_answer(self) -> MqttMessage:
        """The answer to the button."""
        return MqttMessage(self.topics.sync_response, b'{"status":"ok","data":{}}')

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The topics on which others publish for us."""
        birth = (self.topics.birth,) if self.discovers else ()
        return (*birth, self.topics.sync_request)

    def is_birth(self, message: ReceivedMessage) -> bool:
        """Whether Home Assistant has just started."""
        fresh = self.discovers and not message.retained
        return fresh and message.topic == self.topics.birth and message.payload == ONLINE

    def is_button(self, message: ReceivedMessage) -> bool:
        """Whether the message asks for a sync now. A retained one is old."""
        return message.topic == self.topics.sync_request and not message.retained


def combined(statuses: Iterable[ServerStatus]) -> ServerStatus:
    """The statuses of several people as one: the worst of everything."""
    known = list(statuses)
    synced = [one.last_sync for one in known if one.last_sync is not None]
    problems = dict.fromkeys(one.problem.message() for one in known if one.problem)
    batteries = [one.battery for one in known if one.battery in BATTERY_LEVELS]
    return ServerStatus(
        last_sync=max(synced, default=None),
        problem=plain(" ".join(problems)) if problems else None,
        battery=min(batteries, key=BATTERY_LEVELS.index, default=None),
    )
