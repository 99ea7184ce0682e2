"""What may be written for an MQTT target, and what it does without a broker."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.mosquitto import world
from weighbridge.core.errors import LoginNeeded
from weighbridge.core.measures import Reading
from weighbridge.core.network import SharedResources
from weighbridge.core.secret import Secret
from weighbridge.targets import load_kind, mqtt
from weighbridge.targets.base import Checks, KeepsConnection, NoBody
from weighbridge.targets.mqtt.mqtt_event import plain_weight
from weighbridge.targets.mqtt.mqtt_options import MqttOptions
from weighbridge.targets.mqtt.mqtt_target import MqttTarget
from weighbridge.testing.builders import (
    NOON,
    UNTHINKABLE,
    blood_pressure,
    measurement,
    owe,
    weigh_in,
)

NOWHERE = "mqtt://127.0.0.1:1"


def offline(tmp_path: Path, *readings: Reading, **options: Any) -> MqttTarget:
    context = world(tmp_path, SharedResources(), *readings)
    return MqttTarget(MqttOptions(**{"url": NOWHERE, **options}), context)


def test_it_takes_everything(tmp_path: Path) -> None:
    segment = measurement(173, "2.5", position=2)
    full = msgspec.structs.replace(weigh_in("70", fat_percent="20"), segments=(segment,))
    assert list(offline(tmp_path).takes(full)) == [*full.measurements, segment]
    assert offline(tmp_path).takes(blood_pressure())


def test_a_preview_needs_no_broker_and_shows_what_would_be_said(tmp_path: Path) -> None:
    new, old = weigh_in("70"), weigh_in("71", taken_at=NOON - 86_400)
    target = offline(tmp_path, new, old, plain_topic="weight")
    odd = weigh_in("70", taken_at=UNTHINKABLE)
    lines = list(target.preview(target.render([owe(new), owe(old), owe(odd)])))
    assert lines[0].startswith('weighbridge/12345678/state {"weight":70,')
    assert lines[1] == f"no event: {old.reading_id} only counts for the state"
    assert lines[2].startswith('weighbridge/12345678/event {"event_type":"weight",')
    assert lines[3] == "weight 70.0"
    assert lines[4].startswith(f"not published: {odd.reading_id}: ")


@given(st.decimals(min_value="0", max_value="500", places=5))
def test_a_plain_weight_is_at_most_half_a_step_off(kg: Decimal) -> None:
    plain = Decimal(plain_weight(kg, "metric"))
    assert abs(plain - kg) <= Decimal("0.05")
    assert plain.as_tuple().exponent == -1


def test_the_kind_says_what_it_is() -> None:
    assert load_kind("mqtt") is mqtt.KIND
    assert mqtt.KIND.settle == 0
    target = MqttTarget(MqttOptions(url=NOWHERE), world(Path(), SharedResources()))
    assert isinstance(target, KeepsConnection)
    assert isinstance(target, Checks)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"url": "http://host"}, r"^url must begin with mqtt:// or mqtts://"),
        ({"url": "mqtt://"}, "^url names no host"),
        ({"url": "mqtt://host:nine"}, "^url is no address of a broker"),
        ({"url": "mqtt://host/topic"}, "^url has more than"),
        ({"url": "mqtt://anna:hidden@host"}, r"^url must not hold a password\. Write password ="),
        ({"base_topic": "a/#"}, "^base_topic "),
        ({"discovery_prefix": "/a"}, "^discovery_prefix "),
        ({"plain_topic": ""}, "^plain_topic "),
        ({"password": Secret.of_value("x")}, "^password belongs to a user"),
        ({"ca_file": Path("ca.pem")}, "^ca_file is for encrypted connections"),
        ({"url": "mqtts://host", "client_key": Path("key")}, "^client_key belongs to"),
    ],
)
def test_what_does_not_fit_is_refused_without_showing_it(
    options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        MqttOptions(**{"url": "mqtt://host", **options})
    assert "hidden" not in str(caught.value)
    assert (
        "Write" in str(caught.value)
        or "missing" in str(caught.value)
        or "slash" in str(caught.value)
    )


def test_without_an_account_nobody_is_announced(tmp_path: Path) -> None:
    context = world(tmp_path, SharedResources(), body=NoBody())
    target = MqttTarget(MqttOptions(url=NOWHERE), context)
    with pytest.raises(LoginNeeded, match="weighbridge login withings --person anna"):
        target.render([owe(weigh_in("70"))])
