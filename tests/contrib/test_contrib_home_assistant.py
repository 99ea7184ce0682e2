"""Blueprint and automations for Home Assistant (docs/reference/home-assistant.md#speech)."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from fixtures.contrib_home_assistant import (
    AUTOMATIONS,
    BLUEPRINT,
    FOLDER,
    NOON,
    Announcer,
    Input,
    everything_in,
    read,
    sections,
)
from weighbridge.core.measures import MeasureType
from weighbridge.targets.base import Newest
from weighbridge.targets.mqtt.discovery import bridge_device, person_device
from weighbridge.targets.mqtt.mqtt_event import EVENT_TYPES, Wording, event_of
from weighbridge.targets.mqtt.topics import MqttPerson, Topics
from weighbridge.testing.builders import blood_pressure, measurement, reading, weigh_in

TAKEN = int(NOON.timestamp()) - 8
HOURS = 3600


def event(of: Any = None, *, after: float = 8, **changes: Any) -> dict[str, Any]:
    """A real event, as it stands in the attributes of the entity."""
    one = of or weigh_in("81.43", taken_at=TAKEN, reading_id="first")
    made = event_of(one, None, person="anna", now=one.taken_at + after, wording=Wording())
    return {**made, **changes}


# --- The blueprint: its form ----------------------------------------------------------------------


def test_the_blueprint_keeps_the_rules_for_blueprints() -> None:
    content = read(BLUEPRINT)
    about = content["blueprint"]
    assert about["domain"] == "automation"
    assert about["name"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", about["homeassistant"]["min_version"])
    named = Counter(name for part in sections(content) for name in part)
    assert max(named.values()) == 1, "a name may stand in one section only"


def test_every_input_is_declared_and_used() -> None:
    content = read(BLUEPRINT)
    declared = {name for part in sections(content) for name in part}
    used = {str(one) for one in everything_in(content) if isinstance(one, Input)}
    assert declared == used


def test_every_input_can_be_filled_in_and_what_is_hidden_has_a_default() -> None:
    top, *hidden = sections(read(BLUEPRINT))
    for one in [*top.values(), *(one for part in hidden for one in part.values())]:
        assert one["name"]
        assert len(one["selector"]) == 1
    assert hidden
    assert all("default" in one for part in hidden for one in part.values())


def test_the_kinds_to_choose_from_are_the_event_types() -> None:
    top, *_ = sections(read(BLUEPRINT))
    options = top["kinds"]["selector"]["select"]["options"]
    assert tuple(option["value"] for option in options) == EVENT_TYPES


def triggers() -> list[dict[str, Any]]:
    automations = [read(BLUEPRINT), *read(AUTOMATIONS)]
    return [trigger for one in automations for trigger in one["triggers"]]


def test_no_event_is_made_of_a_restart() -> None:
    on_events = [
        trigger
        for trigger in triggers()
        if trigger["trigger"] == "state" and not str(trigger["entity_id"]).startswith("binary")
    ]
    assert len(on_events) > 5
    for trigger in on_events:
        assert trigger["not_from"] == "unavailable"
        assert trigger["not_to"] == ["unavailable", "unknown"]


# --- The blueprint: what it says ------------------------------------------------------------------


def test_it_says_the_sentence_of_the_event() -> None:
    assert Announcer().says(event()) == "Anna, 81.4 kilograms"


def test_it_says_a_sentence_of_your_own() -> None:
    message = "{{ trigger.to_state.attributes.weight | round(1) | string | replace('.', ',') }} kg"
    assert Announcer(message=message).says(event()) == "81,4 kg"


def test_it_says_only_the_kinds_that_were_chosen() -> None:
    pressure = event(blood_pressure(taken_at=TAKEN))
    assert Announcer().says(pressure) is None
    assert Announcer(kinds=["weight", "blood_pressure"]).says(pressure) == pressure["text"]
    assert Announcer(kinds=["blood_pressure"]).says(event()) is None


def test_an_event_of_another_kind_and_one_without_words_are_silent() -> None:
    assert Announcer().says(event(event_type="heart")) is None
    assert Announcer().says(event(text="")) is None
    assert Announcer().says({"event_type": "weight"}) is None


def test_old_news_are_not_said() -> None:
    assert Announcer().says(event(after=2 * HOURS)) is None
    an_hour_on = NOON + timedelta(hours=1)
    assert Announcer(an_hour_on).says(event()) is None
    assert Announcer(an_hour_on, max_age=2 * HOURS).says(event())
    assert Announcer(an_hour_on, silent_when_late=False).says(event())
    assert Announcer().says(event(measured_at="no time at all"))


def test_the_same_message_twice_is_said_once() -> None:
    assert Announcer().says(event(), before=event()) is None
    assert Announcer().says(event(), before={})
    assert Announcer().says(event(id="second"), before=event()), "the same weight again is news"


def test_a_reading_that_became_a_weight_is_said() -> None:
    pulse = event(reading({MeasureType.PULSE: 62}, taken_at=TAKEN, reading_id="first"))
    assert pulse["event_type"] == "other"
    assert Announcer().says(event(), before=pulse)


@pytest.mark.parametrize(
    ("silent", "until", "hour", "spoken"),
    [
        *[("00:00:00", "00:00:00", hour, True) for hour in (0, 12, 23)],
        *[("22:00:00", "07:00:00", hour, 7 <= hour < 22) for hour in range(24)],
        *[("09:00:00", "17:30:00", hour, not 9 <= hour <= 17) for hour in (0, 8, 9, 17, 18)],
    ],
)
def test_silent_hours_are_silent(silent: str, until: str, hour: int, spoken: bool) -> None:
    now = NOON.replace(hour=hour)
    announcer = Announcer(now, silent_from=silent, silent_until=until, silent_when_late=False)
    assert (announcer.says(event()) is not None) is spoken


# --- The automations ------------------------------------------------------------------------------


def known_entities() -> set[str]:
    """All entities that Anna, Ben and the bridge may have."""
    newest = [Newest(measurement(int(code), 1), TAKEN) for code in MeasureType]
    devices = [person_device(Topics(), MqttPerson(n, n), newest) for n in ("anna", "ben")]
    devices.append(bridge_device(Topics(), has_battery=True))
    return {one["default_entity_id"] for made in devices for one in made["components"].values()}


def test_every_automation_is_complete_and_has_a_name_of_its_own() -> None:
    automations = read(AUTOMATIONS)
    for one in automations:
        assert one["triggers"]
        assert one["actions"]
    for field in ("id", "alias"):
        assert len({one[field] for one in automations}) == len(automations)


def test_the_automations_use_entities_and_topics_that_exist() -> None:
    text = AUTOMATIONS.read_text("utf-8") + (FOLDER / "README.md").read_text("utf-8")
    ours = set(re.findall(r"\b\w+\.(?:anna|ben|weighbridge)_\w+", text))
    assert len(ours) > 2
    assert ours <= known_entities()
    topics = {trigger["topic"] for trigger in triggers() if trigger["trigger"] == "mqtt"}
    assert topics == {Topics().event("12345678")}


def test_the_templates_of_the_automations_understand_real_events() -> None:
    environment = ImmutableSandboxedEnvironment()
    environment.globals |= {"as_local": lambda at: at, "as_datetime": lambda text: NOON}
    environment.globals |= {"state_attr": lambda entity, name: "Log in."}
    events = [event(), event(blood_pressure(141, 79, taken_at=TAKEN)), event(after=HOURS)]
    heard = []
    for one in events:
        known = {
            "trigger": {
                "to_state": {"attributes": one},
                "from_state": {"attributes": {}},
                "payload_json": one,
            },
            "speaker": "media_player.kitchen",
        }
        for automation in read(AUTOMATIONS):
            conditions = [c for c in automation.get("conditions", []) if "value_template" in c]
            rendered = [environment.from_string(c["value_template"]) for c in conditions]
            if conditions and all(c.render(known).strip() == "True" for c in rendered):
                heard += [
                    environment.from_string(text).render(known)
                    for text in everything_in(automation["actions"])
                    if "_state.attributes" in str(text) or "payload_json" in str(text)
                ]
    assert set(heard) == {"Anna, 81.4 kilograms", "141/79 mmHg at 12:00"}
