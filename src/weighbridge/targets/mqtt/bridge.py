"""What is said of Weighbridge itself at a broker. Pure, apart from what it was told last."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from weighbridge.core.reason import plain
from weighbridge.targets.base import ServerStatus
from weighbridge.targets.mqtt.broker_messages import Heard, MqttMessage
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
        """What the broker says when we are gone without a word."""
        return self.state(OFFLINE)

    def state(self, word: bytes) -> MqttMessage:
        """Whether we are here."""
        return MqttMessage(self.topics.bridge_state, word, retain=True)

    def device(self, url: str | None, *, has_battery: bool, standing: bytes) -> MqttMessage:
        """The device, with ``standing``: what stands there now.

        A battery that was shown once stays: at a start nobody has asked for it yet.
        """
        earlier = components_of(standing)
        battery = has_battery or "scale_battery" in earlier
        device = bridge_device(self.topics, url=url, has_battery=battery, earlier=earlier)
        return MqttMessage(self.topics.bridge_discovery, msgspec.json.encode(device), retain=True)

    def info(self, news: ServerStatus) -> MqttMessage:
        """How we are doing."""
        return MqttMessage(
            self.topics.bridge_info, msgspec.json.encode(bridge_info(news)), retain=True
        )

    def done(self) -> MqttMessage:
        """The answer to the button."""
        return MqttMessage(self.topics.sync_response, b'{"status":"ok","data":{}}')

    @property
    def hears(self) -> tuple[str, ...]:
        """Where others speak to us."""
        birth = (self.topics.birth,) if self.discovers else ()
        return (*birth, self.topics.sync_request)

    def is_birth(self, heard: Heard) -> bool:
        """Whether Home Assistant says that it has just begun."""
        fresh = self.discovers and not heard.retained
        return fresh and heard.topic == self.topics.birth and heard.payload == ONLINE

    def is_button(self, heard: Heard) -> bool:
        """Whether the message asks for a sync now. A retained one is old."""
        return heard.topic == self.topics.sync_request and not heard.retained


def together(news: Iterable[ServerStatus]) -> ServerStatus:
    """The news of several people as those of the whole house: the worst of everything."""
    known = list(news)
    synced = [one.last_sync for one in known if one.last_sync is not None]
    problems = dict.fromkeys(one.problem.message() for one in known if one.problem)
    batteries = [one.battery for one in known if one.battery in BATTERY_LEVELS]
    return ServerStatus(
        last_sync=max(synced, default=None),
        problem=plain(" ".join(problems)) if problems else None,
        battery=min(batteries, key=BATTERY_LEVELS.index, default=None),
    )
