"""``MQTT_URL`` and ``MQTT_CHANNEL``: a broker without a configuration file, as trumpet had it."""

from __future__ import annotations

from pathlib import Path

import pytest

from weighbridge.config import ConfigProblems, Person, load
from weighbridge.core.errors import ConfigProblem
from weighbridge.targets.mqtt.mqtt_options import MqttOptions

APP = {"WITHINGS_CLIENT_ID": "client", "WITHINGS_CLIENT_SECRET": "secret"}


def person(home: Path, **variables: str) -> Person:
    [person] = load(home, {**APP, **variables}).people
    return person


def options(home: Path, **variables: str) -> MqttOptions:
    found = person(home, **variables).target("mqtt").options
    assert isinstance(found, MqttOptions)
    return found


def test_a_url_alone_makes_a_target(tmp_path: Path) -> None:
    target = person(tmp_path, MQTT_URL="mqtt://broker:1884").target("mqtt")
    assert (target.kind, target.settle) == ("mqtt", 0)
    assert options(tmp_path, MQTT_URL="mqtt://broker:1884") == MqttOptions(url="mqtt://broker:1884")


def test_the_channel_gets_the_plain_weight(tmp_path: Path) -> None:
    found = options(tmp_path, MQTT_URL="mqtt://broker", MQTT_CHANNEL="house/weight")
    assert found.plain_topic == "house/weight"


def test_a_channel_may_begin_with_a_slash(tmp_path: Path) -> None:
    found = options(tmp_path, MQTT_URL="tcp://broker:1883", MQTT_CHANNEL="/house/weight")
    assert (found.url, found.plain_topic) == ("mqtt://broker:1883", "/house/weight")


def test_user_and_password_are_taken_out_of_the_url(tmp_path: Path) -> None:
    url = "mqtts://anna:p%40ss-hidden@broker"
    found = options(tmp_path, MQTT_URL=url)
    assert found.url == "mqtts://anna@broker"
    assert found.password is not None
    assert found.password.reveal() == "p@ss-hidden"
    settings = load(tmp_path, {**APP, "MQTT_URL": url})
    assert "hidden" not in repr(settings)
    assert settings.warnings == ()


def test_it_is_known_where_the_values_come_from(tmp_path: Path) -> None:
    settings = load(tmp_path, {**APP, "MQTT_URL": "mqtt://a:b@c", "MQTT_CHANNEL": "weight"})
    assert settings.origin("person.me.target.mqtt.url") == "environment MQTT_URL"
    assert settings.origin("person.me.target.mqtt.plain_topic") == "environment MQTT_CHANNEL"
    assert settings.origin("person.me.target.mqtt.kind") == "environment MQTT_URL"
    assert settings.origin("person.me.target.mqtt.password") == "environment MQTT_URL"
    assert settings.origin("person.me.target.mqtt.language") == "default"


def test_a_channel_without_a_broker_is_nothing(tmp_path: Path) -> None:
    assert person(tmp_path, MQTT_CHANNEL="weight").targets == ()


def test_other_targets_stand_beside_it(tmp_path: Path) -> None:
    found = person(tmp_path, MQTT_URL="mqtt://broker", TRAINERROAD_USERNAME="anna-rides")
    assert {target.name: target.settle for target in found.targets} == {
        "trainerroad": 10,
        "mqtt": 0,
    }


def test_a_person_in_the_file_has_only_the_targets_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_text('[[person]]\nname = "anna"\n')
    assert person(tmp_path, MQTT_URL="mqtt://broker").targets == ()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://anna:hidden@broker", "MQTT_URL does not fit: url "),
        ("anna:hidden@broker:port", "MQTT_URL does not fit: url "),
        ("mqtt://anna:hidden@broker/topic", "MQTT_URL does not fit: url has more than"),
        ("mqtt://:hidden@broker", "MQTT_URL does not fit: password belongs to a user"),
    ],
)
def test_a_url_that_does_not_fit_is_not_shown(tmp_path: Path, url: str, complaint: str) -> None:
    with pytest.raises(ConfigProblems, match=complaint) as caught:
        person(tmp_path, MQTT_URL=url)
    assert "hidden" not in str(caught.value)
    assert "Correct it or MQTT_CHANNEL." in str(caught.value)


def test_a_password_in_the_url_of_a_file_is_refused_at_its_line(tmp_path: Path) -> None:
    text = (
        '[[person]]\nname = "anna"\n\n[[person.target]]\nkind = "mqtt"\n'
        'url = "mqtt://anna:hidden@broker"\n'
    )
    (tmp_path / "weighbridge.toml").write_text(text)
    with pytest.raises(ConfigProblem, match=r"weighbridge.toml:6: .*Write password = ") as caught:
        load(tmp_path, APP)
    assert "hidden" not in str(caught.value)


def test_a_file_may_say_everything(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_text(
        """
[[person]]
name = "anna"

[[person.target]]
kind = "mqtt"
url = "mqtts://anna@broker"
password = { env = "BROKER_PASSWORD" }
base_topic = "our/scale"
discovery_prefix = ""
language = "de"
units = "imperial"
says = "change"
plain_topic = "weight"
ca_file = "ca.pem"
client_certificate = "own.pem"
client_key = "own.key"
protocol = "5"
"""
    )
    found = options(tmp_path, BROKER_PASSWORD="hidden")
    assert found.password is not None
    assert found.password.reveal() == "hidden"
    assert found.ca_file == tmp_path / "ca.pem"
    assert found.access.protocol == "5"
