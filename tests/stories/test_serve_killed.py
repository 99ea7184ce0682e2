"""The server is killed during a weigh-in: what was notified is followed, once."""

from __future__ import annotations

import pytest

from fixtures.house import LONG_AGO, House, days_ago, weight
from fixtures.mosquitto import Listener, Mosquitto, needs_mosquitto
from fixtures.serving import Serving
from fixtures.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.story, needs_mosquitto]

BRIDGE = "weighbridge/bridge/state"


def test_a_killed_server_follows_what_was_notified_and_tells_nothing_twice(
    house: House, serving: Serving, broker: Mosquitto, listener: Listener
) -> None:
    house.person("anna", [weight(1, days_ago(1), "82.0")])
    house.target("anna", "mqtt", f'url = "{broker.url}"')
    house.target("anna", "file", f'path = "anna.csv"\nformat = "csv"\nsettle = 0\n{LONG_AGO}')
    serving.move_in("anna")
    serving.start()
    serving.subscribe("anna")
    state = f"weighbridge/{serving.userid('anna')}/state"

    def told() -> list[float]:
        listener.all_is_said()
        return [event["weight"] for event in listener.events()]

    # While Withings is about to answer.
    house.admin.fault("hold", path="/measure")
    serving.weigh_in("anna", "81.1")
    house.admin.wait_for_hold(seconds=PATIENCE)
    serving.kill()
    wait_until(lambda: listener.under(BRIDGE)[-1].payload == b"offline")
    house.admin.release()
    serving.start()
    wait_until(lambda: len(listener.events()) == 1)
    wait_until(lambda: len(house.file_lines("anna.csv")) == 3)
    serving.rest()

    # In the moment in which it has said that it knows.
    house.admin.fault("hold", path="/measure")
    taken_at = serving.weigh_in("anna", "81.2", notify=False)
    callback = serving.callback
    assert serving.notified(serving.notification("anna", taken_at), callback) == 200
    serving.kill()
    house.admin.clear_faults()
    house.admin.release()
    before = len(listener.under(state))
    serving.start()
    wait_until(lambda: len(house.file_lines("anna.csv")) == 4)
    assert told() == [81.1, 81.2]
    wait_until(lambda: len(listener.under(state)) >= before + 2)  # the greeting is over

    # While the broker does not answer.
    broker.freeze()
    serving.weigh_in("anna", "81.3")
    wait_until(lambda: bool(house.database("SELECT 1 FROM delivery WHERE state = 'sending'")))
    serving.kill()
    broker.thaw()
    serving.start()
    wait_until(lambda: len(listener.events()) == 3)
    wait_until(lambda: len(house.file_lines("anna.csv")) == 5)

    serving.rest()

    # Once more, with nothing to do.
    serving.kill()
    wait_until(lambda: listener.under(BRIDGE)[-1].payload == b"offline")
    before = len(listener.under(state))
    asked = serving.asked()
    serving.start()
    wait_until(lambda: len(listener.under(state)) > before)
    assert told() == [81.1, 81.2, 81.3]
    assert listener.under(state)[-1].json()["weight"] == 81.3
    assert serving.asked() == asked
    assert serving.integrity() == "ok"
