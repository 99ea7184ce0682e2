"""How Home Assistant learns of a person and of the bridge: one retained payload each. Pure.

An unknown key at the root or inside ``device`` makes Home Assistant reject the whole payload
(docs/reference/home-assistant.md#payload-keys). ``default_entity_id`` fixes the ids,
else a German installation would have ``sensor.anna_gewicht``
(docs/reference/home-assistant.md#names-and-ids).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec

from weighbridge import __version__
from weighbridge.targets.base import Newest
from weighbridge.targets.mqtt.mqtt_event import EVENT_TYPES
from weighbridge.targets.mqtt.sensors import BATTERY_LEVELS, Sensor, by_part, by_sensor
from weighbridge.targets.mqtt.topics import BRIDGE_ID, MqttPerson, Topics, device_id

PRODUCT = "Weighbridge"

type Components = dict[str, dict[str, Any]]


def person_device(
    topics: Topics,
    person: MqttPerson,
    newest: Sequence[Newest],
    *,
    height: Decimal | None = None,
    earlier: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The device of one person: a sensor for each measure that ever had a value.

    ``height`` as in ``person_state``. ``earlier``: what ``components_of`` found in the payload
    that is retained there now; what is gone is named once more, because leaving a component out
    does not remove it (docs/reference/home-assistant.md#adding-and-removing).
    """
    components = _sensors(topics, person, newest, height)
    components["measured_at"] = _last_measurement(person)
    components["new_measurement"] = _event(topics, person)
    device = {
        "identifiers": [device_id(person.userid)],
        "name": person.display_name,
        "manufacturer": "Withings",
        "model": "Body measurements",
        "sw_version": __version__,
        "via_device": BRIDGE_ID,
    }
    state_topic = {"state_topic": topics.state(person.userid)}
    return _payload(device, state_topic, components, earlier)


def bridge_device(
    topics: Topics,
    *,
    url: str | None = None,
    has_battery: bool = False,
    earlier: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The device of Weighbridge itself. ``url``: its pages; ``has_battery``: one was ever known."""
    components = _bridge_components(topics)
    if has_battery:
        components["scale_battery"] = _battery(topics)
    device: dict[str, Any] = {
        "identifiers": [BRIDGE_ID],
        "name": PRODUCT,
        "manufacturer": "weighbridge",
        "model": "Bridge",
        "sw_version": __version__,
    }
    if url and _is_page(url):
        device["configuration_url"] = url
    return _payload(device, {}, components, earlier)


def components_of(payload: bytes) -> dict[str, str]:
    """Component → platform, as a discovery payload advertises them; removed ones left out.

    For a payload of others, or none at all, an empty mapping.
    """
    try:
        return {
            key: str(one["platform"])
            for key, one in msgspec.json.decode(payload)["components"].items()
            if "unique_id" in one
        }
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return {}


def _payload(
    device: dict[str, Any],
    root: dict[str, Any],
    components: Components,
    earlier: Mapping[str, str] | None,
) -> dict[str, Any]:
    gone = {
        key: {"platform": platform}
        for key, platform in (earlier or {}).items()
        if key not in components
    }
    return {
        "device": device,
        "origin": {"name": "weighbridge", "sw_version": __version__},
        **root,
        "qos": 1,
        "components": {**components, **gone},
    }


# --- A person -------------------------------------------------------------------------------------


def _sensors(
    topics: Topics, person: MqttPerson, newest: Sequence[Newest], height: Decimal | None
) -> Components:
    parts = by_part(one.measurement for one in newest)
    components: Components = {}
    for sensor, _ in by_sensor(newest, height):
        components[sensor.key] = _sensor(person, sensor)
        if sensor.key in parts:
            components[sensor.key] |= _parts_of_the_body(topics, person, sensor)
    return components


def _sensor(person: MqttPerson, sensor: Sensor) -> dict[str, Any]:
    component = {
        **_ids(person, sensor.key, f"sensor.{person.slug}_{sensor.entity}"),
        "name": sensor.name,
        "device_class": sensor.device_class,
        "state_class": None if sensor.precision is None else "measurement",
        "unit_of_measurement": sensor.unit,
        "suggested_display_precision": sensor.precision,
        "icon": sensor.icon,
        "enabled_by_default": None if sensor.enabled else False,
        "value_template": f"{{{{ value_json.{sensor.key} }}}}",
    }
    return {key: value for key, value in component.items() if value is not None}


def _parts_of_the_body(topics: Topics, person: MqttPerson, sensor: Sensor) -> dict[str, str]:
    template = f"{{{{ value_json.segments.{sensor.key} | default({{}}) | tojson }}}}"
    return {
        "json_attributes_topic": topics.state(person.userid),
        "json_attributes_template": template,
    }


def _last_measurement(person: MqttPerson) -> dict[str, Any]:
    return {
        **_ids(person, "measured_at", f"sensor.{person.slug}_last_measurement"),
        "name": "Last measurement",
        "device_class": "timestamp",
        "entity_category": "diagnostic",
        "value_template": "{{ value_json.measured_at }}",
    }


def _event(topics: Topics, person: MqttPerson) -> dict[str, Any]:
    return {
        **_ids(person, "new_measurement", f"event.{person.slug}_new_measurement"),
        "name": "New measurement",
        "state_topic": topics.event(person.userid),
        "event_types": list(EVENT_TYPES),
        "icon": "mdi:scale-bathroom",
    }


def _ids(person: MqttPerson, key: str, entity_id: str) -> dict[str, Any]:
    return {
        "platform": entity_id.partition(".")[0],
        "unique_id": f"{device_id(person.userid)}_{key}",
        "default_entity_id": entity_id,
    }


# --- The bridge -----------------------------------------------------------------------------------


def _bridge_components(topics: Topics) -> Components:
    known = {"state_topic": topics.bridge_info, "availability_topic": topics.bridge_state}
    return {
        "connection": {
            **_bridge_ids("connection", "binary_sensor.weighbridge_connection"),
            "name": "Connection",
            "device_class": "connectivity",
            "state_topic": topics.bridge_state,
            "payload_on": "online",
            "payload_off": "offline",
        },
        "last_sync": {
            **_bridge_ids("last_sync", "sensor.weighbridge_last_sync"),
            **known,
            "name": "Last sync",
            "device_class": "timestamp",
            "value_template": "{{ value_json.last_sync }}",
        },
        "problem": {
            **_bridge_ids("problem", "binary_sensor.weighbridge_withings_account"),
            **known,
            "name": "Withings account",
            "device_class": "problem",
            "value_template": "{{ 'ON' if value_json.problem else 'OFF' }}",
            "json_attributes_topic": topics.bridge_info,
            "json_attributes_template": "{{ {'reason': value_json.problem} | tojson }}",
        },
        "sync": _button(topics),
    }


def _battery(topics: Topics) -> dict[str, Any]:
    return {
        **_bridge_ids("scale_battery", "sensor.weighbridge_scale_battery"),
        "name": "Scale battery",
        "device_class": "enum",
        "options": list(BATTERY_LEVELS),
        "icon": "mdi:battery",
        "state_topic": topics.bridge_info,
        "value_template": "{{ value_json.scale_battery }}",
    }


def _button(topics: Topics) -> dict[str, Any]:
    return {
        **_bridge_ids("sync", "button.weighbridge_sync_now"),
        "name": "Sync now",
        "command_topic": topics.sync_request,
        "payload_press": "PRESS",
        "entity_category": "config",
        "availability_topic": topics.bridge_state,
        "icon": "mdi:sync",
    }


def _bridge_ids(key: str, entity_id: str) -> dict[str, Any]:
    return {
        "platform": entity_id.partition(".")[0],
        "unique_id": f"{BRIDGE_ID}_{key}",
        "default_entity_id": entity_id,
        "entity_category": "diagnostic",
    }


def _is_page(url: str) -> bool:
    """Anything else would make Home Assistant reject the whole device."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
