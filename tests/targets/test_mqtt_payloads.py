"""Discovery and state are what Home Assistant was seen to take.

Source: docs/reference/home-assistant.md#discovery.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.nativetypes import NativeEnvironment

from fixtures.mqtt_payloads import (
    ANNA,
    BODY,
    MORNING,
    NEWEST,
    SENSIBLE,
    TOPICS,
    golden,
    newest,
    whole_body,
)
from weighbridge.core.measures import SEGMENT_TYPES, WHOLE_BODY, MeasureType
from weighbridge.core.reason import plain
from weighbridge.targets.base import Newest, ServerStatus
from weighbridge.targets.mqtt.discovery import bridge_device, components_of, person_device
from weighbridge.targets.mqtt.mqtt_event import EVENT_TYPES
from weighbridge.targets.mqtt.sensors import SENSORS, bridge_info, number, person_state
from weighbridge.targets.mqtt.topics import MqttPerson, Topics
from weighbridge.testing.builders import UNHEARD_OF

ROOT_KEYS = {"device", "origin", "components", "state_topic", "qos"}
DEVICE_KEYS = {"identifiers", "name", "manufacturer", "model", "sw_version", "via_device"} | {
    "configuration_url"
}
PAGES = "http://192.0.2.10:9474"
LEFT_ARM, TORSO = 3, 12


def everything() -> list[Newest]:
    """A value of every measure type that has a name."""
    return [newest(int(code), "1.5") for code in MeasureType]


def every_device() -> list[dict[str, Any]]:
    return [
        person_device(TOPICS, ANNA, []),
        person_device(TOPICS, ANNA, everything()),
        bridge_device(TOPICS),
        bridge_device(TOPICS, url=PAGES, has_battery=True),
    ]


def rendered(template: str, state: Any) -> Any:
    return NativeEnvironment().from_string(template).render(value_json=state)


def _sorted(content: Any) -> str:
    """As text, because 62 is not the same as 62.0 for those who read it."""
    return json.dumps(content, sort_keys=True)


# --- What was verified ----------------------------------------------------------------------------


def test_a_person_is_announced_as_it_was_verified() -> None:
    assert person_device(TOPICS, ANNA, whole_body()) == golden("person")


def test_the_bridge_is_announced_as_it_was_verified() -> None:
    assert bridge_device(TOPICS, url=PAGES, has_battery=True) == golden("bridge")


def test_the_state_is_as_it_was_verified() -> None:
    assert _sorted(person_state(whole_body())) == _sorted(golden("state"))


def test_the_info_of_the_bridge_is_as_it_was_verified() -> None:
    news = ServerStatus(last_sync=MORNING + 6.9, problem=None, battery="medium")
    assert bridge_info(news) == golden("info")


# --- The rules ------------------------------------------------------------------------------------


def test_only_allowed_keys_stand_where_home_assistant_is_strict() -> None:
    for payload in every_device():
        assert set(payload) <= ROOT_KEYS
        assert set(payload["device"]) <= DEVICE_KEYS
        assert payload["origin"]["name"] == "weighbridge"


def test_every_component_has_ids_and_something_to_be_called_by() -> None:
    for payload in every_device():
        components = payload["components"]
        assert components
        for one in components.values():
            assert one["default_entity_id"].startswith(one["platform"] + ".")
            assert one["unique_id"].startswith(payload["device"]["identifiers"][0] + "_")
            assert "name" in one or "device_class" in one
            assert None not in one.values()
        for field in ("unique_id", "default_entity_id"):
            assert len({one[field] for one in components.values()}) == len(components)


def test_every_measure_type_with_a_name_is_a_sensor_or_the_part_of_one() -> None:
    shown = {sensor.code for sensor in SENSORS if sensor.code is not None}
    assert shown | SEGMENT_TYPES == {int(code) for code in MeasureType}
    assert not shown & SEGMENT_TYPES


def test_only_classes_that_leave_the_value_alone_are_used() -> None:
    allowed = {"weight": "kg", "distance": "m", "temperature": "°C"}
    for sensor in SENSORS:
        if sensor.device_class is not None:
            assert sensor.unit == allowed[sensor.device_class]
    without = {MeasureType.SYSTOLIC, MeasureType.DIASTOLIC, MeasureType.PULSE_WAVE_VELOCITY}
    assert not any(sensor.device_class for sensor in SENSORS if sensor.code in without)


def test_what_was_never_measured_is_not_announced() -> None:
    payload = person_device(TOPICS, ANNA, [newest(MeasureType.PULSE, "62")])
    assert set(payload["components"]) == {"heart_rate", "measured_at", "new_measurement"}
    assert "scale_battery" not in bridge_device(TOPICS)["components"]


def test_a_type_without_a_name_is_left_out() -> None:
    stranger = [newest(UNHEARD_OF, "7")]
    assert set(person_device(TOPICS, ANNA, stranger)["components"]) == {
        "measured_at",
        "new_measurement",
    }
    assert person_state(stranger)["measured_at"] is not None


def test_the_event_types_are_those_that_are_announced() -> None:
    announced = person_device(TOPICS, ANNA, [])["components"]["new_measurement"]["event_types"]
    assert announced == list(EVENT_TYPES)


@pytest.mark.parametrize("url", ["", "weighbridge.example", "ftp://x/", "http://", "http://[::x"])
def test_an_address_that_would_cost_the_whole_device_is_left_out(url: str) -> None:
    assert "configuration_url" not in bridge_device(TOPICS, url=url)["device"]


def test_other_topics_are_used_everywhere() -> None:
    topics = Topics(base="home/scale", prefix="ha")
    text = json.dumps([person_device(topics, ANNA, everything()), bridge_device(topics)])
    assert "home/scale/12345678/state" in text
    assert '"weighbridge/' not in text


@given(NEWEST, st.one_of(st.none(), SENSIBLE))
def test_every_advertised_value_stands_in_the_state(
    known: list[Newest], height: Decimal | None
) -> None:
    state = json.loads(msgspec.json.encode(person_state(known, height=height)))
    payload = person_device(TOPICS, ANNA, known, height=height)
    for key, component in payload["components"].items():
        if component["platform"] == "sensor":
            assert key in state
            assert rendered(component["value_template"], state) == state[key]
    assert set(state) == set(payload["components"]) - {"new_measurement"} | {"segments"}


# --- What is gone ---------------------------------------------------------------------------------


def test_what_is_gone_is_named_once_more_and_then_left_out() -> None:
    before = person_device(TOPICS, ANNA, whole_body())
    now = [one for one in whole_body() if one.measurement.type_code != MeasureType.SPO2]
    farewell = person_device(TOPICS, ANNA, now, earlier=components_of(msgspec.json.encode(before)))
    assert farewell["components"]["spo2"] == {"platform": "sensor"}
    after = person_device(TOPICS, ANNA, now, earlier=components_of(msgspec.json.encode(farewell)))
    assert after == person_device(TOPICS, ANNA, now)


def test_an_unknown_battery_takes_its_sensor_away() -> None:
    earlier = {"scale_battery": "sensor", "sync": "button"}
    components = bridge_device(TOPICS, earlier=earlier)["components"]
    assert components["scale_battery"] == {"platform": "sensor"}
    assert "unique_id" in components["sync"]


@pytest.mark.parametrize(
    "strange",
    [
        b"",
        b"\xff",
        b"7",
        b"{}",
        b"[]",
        b'{"components": 3}',
        b'{"components": {"a": null}}',
        b'{"components": {"a": {"unique_id": "x"}}}',
        b'{"components": {"a": "unique_id"}}',
    ],
)
def test_a_strange_payload_tells_of_no_components(strange: bytes) -> None:
    assert components_of(strange) == {}


# --- Values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("81.430", "81.43"),
        ("53.800003", "53.8"),
        ("89.475006", "89.475"),
        ("62", "62"),
        ("62.00", "62.0"),
        ("0.0005", "0.001"),
        ("1E+400", "null"),
        ("1E+3", "1000.0"),
    ],
)
def test_numbers_are_what_the_scale_resolves(sent: str, written: str) -> None:
    assert json.dumps(number(Decimal(sent))) == written


@given(SENSIBLE)
def test_no_gram_is_lost(kg: Decimal) -> None:
    state = person_state([newest(MeasureType.WEIGHT, str(kg))])
    assert Decimal(json.dumps(state["weight"])) == kg


def test_the_newest_value_counts_wherever_it_was_measured() -> None:
    state = person_state(
        [
            newest(MeasureType.SYSTOLIC, "120", MORNING - 60),
            newest(MeasureType.SYSTOLIC, "131", MORNING, LEFT_ARM),
            newest(MeasureType.WEIGHT, "80.5", MORNING, WHOLE_BODY),
            newest(MeasureType.WEIGHT, "81", MORNING - 60),
        ]
    )
    assert (state["systolic"], state["weight"]) == (131, 80.5)


def test_nothing_known_is_null_and_never_zero() -> None:
    assert person_state([]) == {"measured_at": None, "segments": {}}
    info = bridge_info(ServerStatus())
    assert info["last_sync"] is info["problem"] is info["scale_battery"] is None


def test_the_body_mass_index_takes_the_configured_height_first() -> None:
    measured = whole_body({MeasureType.WEIGHT: "81.43", MeasureType.HEIGHT: "1.82"})
    assert person_state(measured)["bmi"] == 24.6
    assert person_state(measured, height=Decimal("1.80"))["bmi"] == 25.1
    assert "bmi" not in person_state(whole_body({MeasureType.WEIGHT: "81.43"}))
    assert "bmi" not in person_state(whole_body({MeasureType.HEIGHT: "1.82"}), height=Decimal(2))


def test_parts_of_the_body_are_attributes_of_the_whole() -> None:
    known = [
        *whole_body(),
        newest(MeasureType.SEGMENT_FAT_MASS, "9.1", MORNING - 60, TORSO),
        newest(MeasureType.SEGMENT_FAT_MASS, "9.07", MORNING, TORSO),
        newest(MeasureType.SEGMENT_FAT_MASS, "0.8", MORNING, LEFT_ARM),
        newest(MeasureType.SEGMENT_FAT_MASS, "18", MORNING, WHOLE_BODY),
    ]
    state = person_state(known)
    assert state["segments"] == {"fat_mass": {"torso": 9.07, "left_arm": 0.8}}
    fat = person_device(TOPICS, ANNA, known)["components"]["fat_mass"]
    assert fat["json_attributes_topic"] == TOPICS.state(ANNA.userid)
    assert rendered(fat["json_attributes_template"], state) == {"torso": 9.07, "left_arm": 0.8}
    assert rendered(fat["json_attributes_template"], person_state(whole_body())) == {}
    muscle = person_device(TOPICS, ANNA, known)["components"]["muscle_mass"]
    assert "json_attributes_topic" not in muscle


@pytest.mark.parametrize("battery", ["empty", "", None])
def test_a_battery_that_is_no_option_of_the_sensor_is_not_said(battery: str | None) -> None:
    assert bridge_info(ServerStatus(battery=battery))["scale_battery"] is None


def test_a_problem_is_shown_with_its_reason() -> None:
    components = bridge_device(TOPICS)["components"]
    info = bridge_info(ServerStatus(problem=plain('Run "weighbridge login".')))
    assert rendered(components["problem"]["value_template"], info) == "ON"
    reason = rendered(components["problem"]["json_attributes_template"], info)
    assert reason == {"reason": 'Run "weighbridge login".'}
    assert rendered(components["problem"]["value_template"], bridge_info(ServerStatus())) == "OFF"


def test_two_people_with_one_name_have_different_ids() -> None:
    one, two = (
        person_device(TOPICS, MqttPerson(userid, "Anna"), whole_body()) for userid in ("1", "2")
    )
    ids = [{c["unique_id"] for c in device["components"].values()} for device in (one, two)]
    assert not ids[0] & ids[1]
    assert len(BODY) < len(ids[0])
