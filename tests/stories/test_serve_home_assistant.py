"""Home Assistant starts anew, and somebody presses its button."""

from __future__ import annotations

import pytest

from fixtures.house import House, days_ago, weight
from fixtures.mosquitto import Listener, Mosquitto, needs_mosquitto
from fixtures.serving import Serving
from fixtures.waiting import wait_until

pytestmark = [pytest.mark.story, needs_mosquitto]


@pytest.mark.parametrize("serving", ["brisk"], indirect=True)
def test_home_assistant_is_told_anew_after_its_start_and_has_a_button(
    house: House, serving: Serving, broker: Mosquitto, listener: Listener
) -> None:
    house.person("anna", [weight(1, days_ago(1), "82.0")])
    house.target("anna", "mqtt", f'url = "{broker.url}"')
    serving.move_in("anna")
    serving.start()
    anna = serving.userid("anna")
    wait_until(lambda: weighs(listener, anna, 82.0))

    listener.heard.clear()
    listener.say("homeassistant/status", "online")
    wait_until(lambda: weighs(listener, anna, 82.0))
    wait_until(lambda: bool(listener.under("device/weighbridge_bridge/config")))
    wait_until(lambda: bool(listener.under(f"device/weighbridge_{anna}/config")))
    assert listener.under("bridge/state")[-1].payload == b"online"
    assert listener.events() == []

    serving.weigh_in("anna", "81.1", notify=False)
    asked = serving.asked()
    listener.say("weighbridge/bridge/request/sync", "PRESS")
    listener.say("weighbridge/bridge/request/sync", "PRESS")
    wait_until(lambda: bool(listener.events()))
    wait_until(lambda: bool(listener.under("bridge/response/sync")))
    wait_until(lambda: weighs(listener, anna, 81.1))
    listener.all_is_said()
    assert len(listener.events()) == 1
    assert serving.asked() == asked + 1


def weighs(listener: Listener, userid: int, kg: float) -> bool:
    """Whether the newest state says so."""
    said = listener.under(f"weighbridge/{userid}/state")
    return bool(said) and said[-1].json().get("weight") == kg
