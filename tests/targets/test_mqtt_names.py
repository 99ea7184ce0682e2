"""Names in entity ids, and topics."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.targets.mqtt.topics import MqttPerson, Topics, display_name, slug

USERID = "12345678"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("anna", "anna"),
        ("Zoë Müller", "zoe_muller"),
        ("Zoe\N{COMBINING DIAERESIS}", "zoe"),
        ("Анна", "anna"),
        ("Елена Щукина", "elena_shchukina"),
        ("Андрей", "andrei"),
        ("Ελένη", "eleni"),
        ("Łukasz Groß", "lukasz_gross"),
        ("Søren Æbelø", "soren_aebelo"),
        ("İrem", "irem"),
        ("anna-maria  2", "anna_maria_2"),
        ("Анна Lee", "anna_lee"),
        ("李雷", USERID),
        ("🏋️", USERID),
    ],
)
def test_a_name_becomes_an_entity_id(name: str, expected: str) -> None:
    assert slug(name, USERID) == expected


@given(st.text())
def test_any_name_makes_a_valid_entity_id(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", slug(name, USERID))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("anna", "Anna"),
        ("anna maria", "Anna Maria"),
        ("Jan van Dijk", "Jan van Dijk"),
        ("zoë", "Zoë"),
        ("DJ Anna", "DJ Anna"),
        ("o'neil", "O'neil"),
        ("李雷", "李雷"),
    ],
)
def test_a_name_is_shown_with_capitals(name: str, shown: str) -> None:
    assert display_name(name) == MqttPerson(USERID, name).display_name == shown


# --- Topics ---------------------------------------------------------------------------------------


def test_topics_are_those_of_the_documentation() -> None:
    topics = Topics()
    assert topics.bridge_state == "weighbridge/bridge/state"
    assert topics.bridge_info == "weighbridge/bridge/info"
    assert topics.sync_request == "weighbridge/bridge/request/sync"
    assert topics.sync_response == "weighbridge/bridge/response/sync"
    assert topics.state(USERID) == "weighbridge/12345678/state"
    assert topics.event(USERID) == "weighbridge/12345678/event"
    assert topics.birth == "homeassistant/status"
    assert topics.bridge_discovery == "homeassistant/device/weighbridge_bridge/config"
    assert topics.discovery(USERID) == "homeassistant/device/weighbridge_12345678/config"


@pytest.mark.parametrize("base", ["home/scale", "my scale", "waage/küche"])
def test_a_base_topic_may_have_several_words(base: str) -> None:
    assert Topics(base=base).bridge_state == f"{base}/bridge/state"


@pytest.mark.parametrize(
    "base",
    [
        "",
        "/",
        "/home",
        "home/",
        "home//scale",
        "home/+",
        "home/#",
        "a\0b",
        "a\nb",
        "$SYS/scale",
        "\ud800",
        "long" * 100,
    ],
)
@pytest.mark.parametrize("option", ["base", "prefix"])
def test_an_impossible_topic_is_refused(base: str, option: str) -> None:
    name = {"base": "base_topic", "prefix": "discovery_prefix"}[option]
    with pytest.raises(ValueError, match=f"^{name} must be"):
        Topics(**{option: base})


@pytest.mark.parametrize("userid", ["", "anna lee", "1/2", "#", "Zoë"])
def test_only_a_user_id_names_a_person_in_a_topic(userid: str) -> None:
    for topic in (Topics().state, Topics().event, Topics().discovery):
        with pytest.raises(ValueError, match="user id"):
            topic(userid)
