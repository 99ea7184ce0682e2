"""Withings is down, a login ends, the secret changes: the server copes and says so once."""

from __future__ import annotations

import pytest

from fixtures.house import LONG_AGO, House, days_ago, weight
from fixtures.mosquitto import Listener, Mosquitto, needs_mosquitto
from fixtures.serving import Serving
from fixtures.waiting import wait_until

pytestmark = pytest.mark.story


@needs_mosquitto
@pytest.mark.parametrize("serving", ["brisk"], indirect=True)
def test_what_could_not_be_read_is_read_later_and_a_dead_login_is_told_once(
    house: House, serving: Serving, broker: Mosquitto, listener: Listener
) -> None:
    house.person("anna", [weight(1, days_ago(1), "82.0")])
    house.target("anna", "mqtt", f'url = "{broker.url}"')
    serving.move_in("anna")
    serving.start()
    serving.wait_for_subscriptions("anna")

    # Withings is down while somebody steps on the scale. Nobody presses anything.
    house.admin.fault("http", path="/measure", status=500, times=-1)
    asked = serving.asked()
    serving.weigh_in("anna", "81.1")
    wait_until(lambda: serving.asked() >= asked + 2)
    house.admin.clear_faults()
    wait_until(lambda: bool(listener.events()))
    serving.rest()
    assert serving.ask("GET", "/readyz") == 200

    # She takes our access away.
    house.admin.clear_requests()
    house.admin.revoke_tokens("anna")
    wait_until(lambda: bool(problems(listener)))
    taken_at = serving.weigh_in("anna", "81.2", notify=False)
    for _ in range(3):
        assert serving.notified(serving.notification("anna", taken_at)) == 200
    house.log_in("anna")
    wait_until(lambda: len(listener.events()) == 2)
    wait_until(lambda: listener.under("bridge/info")[-1].json()["problem"] is None)

    listener.all_is_said()
    assert [event["weight"] for event in listener.events()] == [81.1, 81.2]
    (told,) = problems(listener)
    assert told.endswith("Run: weighbridge login withings --person anna")
    login = house.requests(cloud="withings")[0]
    assert login["path"] == "/v2/oauth2"
    assert login["fields"]["grant_type"] == "authorization_code"


def problems(listener: Listener) -> list[str]:
    """What the bridge said that a person must do."""
    said = [one.json()["problem"] for one in list(listener.under("bridge/info"))]
    return [problem for problem in said if problem]


@pytest.mark.parametrize("serving", ["brisk"], indirect=True)
def test_the_secret_is_rotated_without_a_gap(house: House, serving: Serving) -> None:
    house.person("anna", [weight(1, days_ago(1), "82.0")])
    house.target("anna", "file", f'path = "anna.csv"\nformat = "csv"\nsettle = 0\n{LONG_AGO}')
    serving.move_in("anna")
    serving.start()
    strangers = f"{serving.url}/healthz"
    serving.subscribe("anna", applis=[1], callback=strangers)
    serving.wait_for_subscriptions("anna")
    old = serving.callback

    def arrives(kg: str, number: int) -> None:
        serving.weigh_in("anna", kg)
        wait_until(lambda: len(house.file_lines("anna.csv")) == number)

    arrives("81.1", 3)
    new = house.run("subscriptions", "url", "--rotate", expect=0).out.strip()
    assert new != old
    arrives("81.2", 4)
    wait_until(lambda: serving.ask("HEAD", new.removeprefix(serving.url)) == 200)
    arrives("81.3", 5)
    wait_until(lambda: serving.ask("HEAD", old.removeprefix(serving.url)) == 404)
    told = serving.subscriptions("anna")
    assert {callback for _, callback in told} == {new, strangers}
    assert {appli for appli, callback in told if callback == new} >= {1, 2, 4, 44, 46}
    arrives("81.4", 6)
