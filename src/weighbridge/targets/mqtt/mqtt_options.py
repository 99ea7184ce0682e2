"""The options of the kind, and what a person types about a broker. Pure.

The url holds the user and never a password; a form has a field for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

import msgspec

from weighbridge.core.secret import Secret
from weighbridge.targets.kind import FormAnswer, FormFault, TargetKind
from weighbridge.targets.mqtt.broker_address import (
    Access,
    Protocol,
    read_address,
    with_our_words,
    without_password,
)
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


_CHOICES = {"language": "en", "units": "metric"}
"""Option → what is meant when nothing is written."""


def from_environment(found: Mapping[str, str]) -> dict[str, str]:
    """Options as ``MQTT_URL`` and ``MQTT_CHANNEL`` give them; a password leaves the url."""
    url, password = without_password(with_our_words(found["url"]))
    return {**found, "url": url, **({"password": password} if password else {})}


def read_form(kind: TargetKind, typed: Mapping[str, str]) -> FormAnswer:
    """The user goes into the url, and a password leaves it, as it does in the environment."""
    text, user, password = (typed.get(name, "") for name in ("url", "user", "password"))
    text, user = text.strip(), user.strip()
    if not text:
        is_alone = bool(user or password)
        return FormAnswer(faults=(FormFault("url", "url_missing"),) if is_alone else ())
    found = from_environment({"url": text})
    password = password or found.get("password", "")
    place, in_url = _without_user(found["url"])
    user = user or in_url
    shown = {"url": place, "user": user}
    url = _with_user(place, user)
    try:
        read_address(url)
    except ValueError:
        return FormAnswer(shown=shown, faults=(FormFault("url", "url"),))
    if password and not user:
        return FormAnswer(shown=shown, faults=(FormFault("user", "user_missing"),))
    choices = {name: typed[name] for name, usual in _CHOICES.items() if typed.get(name) != usual}
    return FormAnswer(
        options={"url": url, **choices},
        secrets={"password": Secret.of_value(password)} if password else {},
        shown=shown,
    )


def show_form(options: Mapping[str, str]) -> dict[str, str]:
    """The fields; nothing before an ``@`` is shown as a part of the url."""
    place, user = _without_user(options.get("url", ""))
    return {**options, "url": place, "user": user}


def _without_user(url: str) -> tuple[str, str]:
    scheme, sign, rest = url.partition("://")
    user, _, place = rest.rpartition("@")
    return f"{scheme}{sign}{place}", unquote(user)


def _with_user(url: str, user: str) -> str:
    scheme, sign, rest = url.partition("://")
    return f"{scheme}{sign}{quote(user, safe='')}@{rest}" if user else url
