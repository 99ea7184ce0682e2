"""The options of the kind."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from weighbridge.core.secret import Secret
from weighbridge.targets.mqtt.broker_access import Access, Protocol
from weighbridge.targets.mqtt.broker_address import read_address
from weighbridge.targets.mqtt.topics import BASE, DISCOVERY_PREFIX, check_topic


class MqttOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may write for a target of this kind."""

    url: str
    password: Secret | None = None
    base_topic: str = BASE
    discovery_prefix: str = DISCOVERY_PREFIX
    language: Literal["en", "de", "fr", "es", "pl", "nl"] = "en"
    units: Literal["metric", "imperial"] = "metric"
    says: Literal["value", "change", "value_and_change", "nothing"] = "value_and_change"
    plain_topic: str | None = None
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    protocol: Protocol = "3.1.1"

    def __post_init__(self) -> None:
        address = read_address(self.url)
        check_topic(self.base_topic, "base_topic")
        if self.discovery_prefix:
            check_topic(self.discovery_prefix, "discovery_prefix")
        if self.plain_topic is not None:
            # A listener that is there already may have a topic with slashes anywhere.
            check_topic("/".join(filter(None, self.plain_topic.split("/"))), "plain_topic")
        if self.password is not None and not address.user:
            raise ValueError('password belongs to a user. Write url = "mqtt://user@host"')
        if self.client_key and not self.client_certificate:
            raise ValueError("client_key belongs to a client_certificate, which is missing")
        for name in ("ca_file", "client_certificate"):
            if getattr(self, name) and not address.tls:
                raise ValueError(f"{name} is for encrypted connections. Write mqtts:// in url")

    @property
    def access(self) -> Access:
        """How the broker is reached."""
        return Access(
            address=read_address(self.url),
            password=self.password,
            ca_file=self.ca_file,
            client_certificate=self.client_certificate,
            client_key=self.client_key,
            protocol=self.protocol,
        )
