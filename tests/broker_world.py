"""A connection to the Mosquitto of the tests, with limits that nobody has to wait for."""

from __future__ import annotations

from typing import Any

from mosquitto_world import (
    Listener,
    Mosquitto,
)
from weighbridge.mqtt.access import Access
from weighbridge.mqtt.address import Address
from weighbridge.mqtt.bridge import Bridge
from weighbridge.mqtt.broker import Broker, Limits
from weighbridge.mqtt.message import Message
from weighbridge.mqtt.residence import Pace
from weighbridge.mqtt.topics import Topics

PACE = Pace(shortest=0.01, longest=0.05, birth=(0.01, 0.02))
QUICK = Limits(answer=0.3, farewell=0.1, leaving=0.4, pace=PACE)
CALM = Limits(pace=PACE)
HELLO = Message("test/hello", b"hello")


def make(
    where: Mosquitto, base: str = "weighbridge", limits: Limits = CALM, **access: Any
) -> Broker:
    address = Address("127.0.0.1", where.port, tls=False, user=access.pop("user", ""))
    bridge = Bridge(Topics(base, f"{base}-discovery"))
    return Broker(Access(**{"address": address, **access}), bridge, limits=limits)


def words(listener: Listener, base: str) -> list[str]:
    """What was said about being there, in order."""
    return [
        said.payload.decode() for said in listener.heard if said.topic == f"{base}/bridge/state"
    ]
