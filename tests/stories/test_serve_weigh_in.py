"""Somebody steps on the scale while the server runs: MQTT hears of it, and so does Garmin."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fixtures.house import LONG_AGO, House, days_ago, weight
from fixtures.mosquitto import Listener, Mosquitto, needs_mosquitto
from fixtures.serving import LONGEST_END, Serving
from fixtures.waiting import PATIENCE, wait_until
from weighbridge.runtime.poll_policy import SAME_BURST

pytestmark = [pytest.mark.story, needs_mosquitto]

AT_ONCE = "settle = 0\nresend_after = 0"


def test_a_weigh_in_is_announced_once_and_reaches_garmin_whatever_happens(
    house: House, serving: Serving, broker: Mosquitto, listener: Listener
) -> None:
    house.person("anna", [weight(1, days_ago(1), "82.0")])
    house.target("anna", "mqtt", f'url = "{broker.url}"')
    house.target("anna", "garmin", AT_ONCE)
    serving.move_in("anna")
    house.log_in_garmin("anna")
    serving.start()
    serving.subscribe("anna")
    state = f"weighbridge/{serving.userid('anna')}/state"
    event = f"weighbridge/{serving.userid('anna')}/event"
    wait_until(lambda: listener.under(state))
    assert listener.events() == []
    asked = serving.asked()

    serving.weigh_in("anna", "81.43")

    wait_until(listener.events)
    wait_until(lambda: house.weigh_ins("anna"))
    listener.all_is_said()
    (told,) = listener.events()
    assert (told["event_type"], told["weight"], told["change"]) == ("weight", 81.43, -0.57)
    assert told["text"].startswith("Anna, 81.4 kilograms")
    assert [row["weight_kg"] for row in house.weigh_ins("anna")] == ["81.43"]
    said = [one.topic for one in listener.heard]
    assert state in said[said.index(event) - 2 : said.index(event)]
    retained = listener.under(state)[-1]
    assert retained.json()["weight"] == 81.43
    serving.rest()
    assert serving.asked() == asked + 1

    a_burst_is_one_event_and_one_request(house, serving, listener)
    a_restart_announces_nothing(house, serving, listener)
    ended_while_garmin_is_served(house, serving, listener)
    assert "81.4" not in serving.log


def a_burst_is_one_event_and_one_request(
    house: House, serving: Serving, listener: Listener
) -> None:
    """The same notification twenty times, and those of the other subjects."""
    listener.heard.clear()
    asked = serving.asked()
    callback = serving.callback
    taken_at = serving.weigh_in("anna", "70.5", notify=False)
    weight_told, pulse_told = (serving.notification("anna", taken_at, n) for n in (1, 4))
    bodies = [weight_told] * 20 + [weight_told, pulse_told] * 4
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(serving.notified, bodies, [callback] * len(bodies)))
    lasted = time.monotonic() - begun
    assert answers == [200] * len(bodies)
    wait_until(listener.events)
    serving.rest()
    listener.all_is_said()
    assert len(listener.events()) == 1
    # A machine that stood still in between has made several bursts of it.
    assert 1 <= serving.asked() - asked <= 1 + int(lasted / (0.8 * SAME_BURST))


def a_restart_announces_nothing(house: House, serving: Serving, listener: Listener) -> None:
    wait_until(lambda: len(house.weigh_ins("anna")) == 2)
    bridge = "weighbridge/bridge/state"
    assert serving.stop() < LONGEST_END
    listener.all_is_said()
    assert listener.under(bridge)[-1].payload == b"offline"
    listener.heard.clear()
    house.admin.clear_requests()

    serving.start()

    wait_until(lambda: listener.under("/state") and listener.under(bridge))
    listener.all_is_said()
    assert listener.under(bridge)[-1].payload == b"online"
    assert listener.events() == []
    assert serving.asked() == 0
    assert house.requests(cloud="garmin") == []


def ended_while_garmin_is_served(house: House, serving: Serving, listener: Listener) -> None:
    """SIGTERM while an upload waits for its answer: the next start looks before it sends."""
    house.admin.fault("hold", path="/upload-service/upload", after_work=True)
    serving.weigh_in("anna", "79.9")
    house.admin.wait_for_hold(seconds=PATIENCE)
    assert len(house.weigh_ins("anna")) == 3
    assert serving.stop() < LONGEST_END
    house.admin.release()

    serving.start()

    wait_until(
        lambda: (
            not house.database(
                "SELECT 1 FROM delivery WHERE state NOT IN ('delivered', 'confirmed')"
            )
        )
    )
    assert len(house.weigh_ins("anna")) == 3
    listener.all_is_said()
    assert [told["weight"] for told in listener.events()] == [79.9]


def test_two_people_share_a_scale_and_forgers_get_nowhere(
    house: House, serving: Serving, broker: Mosquitto, listener: Listener
) -> None:
    for name, kg in (("anna", "60.0"), ("ben", "90.0")):
        house.person(name, [weight(ord(name[0]), days_ago(1), kg)])
        house.target(name, "mqtt", f'url = "{broker.url}"')
        house.target(name, "file", f'path = "{name}.csv"\nformat = "csv"\nsettle = 0\n{LONG_AGO}')
    serving.move_in("anna", "ben")
    serving.start()
    serving.subscribe("anna", "ben")
    now = int(time.time())

    for number in range(5):
        taken_at = now - 300 + 20 * number
        for name, kg in (("anna", 60), ("ben", 90)):
            reading = weight(10 + 2 * number + (name == "ben"), taken_at, f"{kg + number}.5")
            house.admin.add_groups(name, [{**reading, "created": now, "modified": now}])

    wait_until(lambda: len(listener.events()) == 10)
    wait_until(lambda: len(house.file_lines("anna.csv")) == 7)
    wait_until(lambda: len(house.file_lines("ben.csv")) == 7)
    for name, first in (("anna", 60), ("ben", 90)):
        topic = f"weighbridge/{serving.userid(name)}"
        told = [said.json() for said in listener.under(f"{topic}/event")]
        assert [one["weight"] for one in told] == [first + n + 0.5 for n in range(5)]
        assert {one["person"] for one in told} == {name}
        assert [one["previous"] for one in told] == [first, *(first + n + 0.5 for n in range(4))]
        kept = [said.json().get("weight", first) for said in listener.under(f"{topic}/state")]
        assert kept[-1] == first + 4.5
        assert all(first <= kg <= first + 4.5 for kg in kept)

    forged_notifications_ask_nothing(house, serving, now)


def forged_notifications_ask_nothing(house: House, serving: Serving, now: int) -> None:
    callback = serving.callback
    anna = serving.userid("anna")
    serving.rest()
    asked = serving.asked()
    good = f"userid={anna}&startdate={now - 1}&enddate={now}&appli=1"
    assert serving.notified(good.replace(str(anna), "4711"), callback) == 200
    assert serving.notified(good, f"{serving.url}/withings/notify/guessed") == 404
    assert serving.notified(good, callback[:-1]) == 404
    assert serving.notified(good, f"{callback}/") == 404
    malformed = [
        "",
        "userid=",
        f"userid={anna}",
        f"userid={anna}&appli=one",
        f"userid={anna}&appli=1&startdate={now}",
        f"userid={anna}&appli=1&startdate={now}&enddate={now - 1}",
        f"userid={anna}&appli=1&startdate=0&enddate={now}",
        f"userid={anna}&appli=1&startdate={now}&enddate={now + 9 * 86_400}",
        f"userid={anna}&userid=1&appli=1",
        f"userid={anna}' OR 1=1&appli=1",
        f"userid={anna}%00&appli=1",
        '{"userid": 1, "appli": 1}',
        good + "&comment=" + "x" * 5000,
        "\udcff",
    ]
    for body in malformed:
        status = serving.ask(
            "POST", callback.removeprefix(serving.url), body.encode("utf-8", "surrogateescape")
        )
        assert 400 <= status < 500, (status, body)
    path = callback.removeprefix(serving.url)
    assert serving.ask("POST", path, good, **{"Content-Type": "application/json"}) == 415
    assert serving.ask("PUT", path, good) == 405
    assert serving.asked() == asked

    house.admin.add_groups("ben", [weight(99, now - 20, "95.0", created=now)])
    wait_until(lambda: len(house.file_lines("ben.csv")) == 8)
    assert serving.asked() == asked + 1
