"""The command line works in the home folder of a running server."""

from __future__ import annotations

import json

import pytest

from fixtures.house import LONG_AGO, TIME_LIMIT, House, days_ago, weight
from fixtures.mosquitto import Listener, Mosquitto, needs_mosquitto
from fixtures.serving import Serving
from fixtures.waiting import wait_until

pytestmark = [pytest.mark.story, needs_mosquitto]

COMMANDS = (
    ("sync",),
    ("status", "--json"),
    ("subscriptions", "url"),
    ("deliveries", "list", "--json"),
    ("sync", "--person", "anna"),
)
MOST = 20
QUIETLY = {0, 3, 4}
"""Ben has no login yet, and what the server is just sending is open."""


@pytest.mark.parametrize("serving", ["brisk"], indirect=True)
def test_the_command_line_and_the_server_share_a_home(
    house: House, serving: Serving, broker: Mosquitto, listener: Listener
) -> None:
    for name in ("anna", "ben"):
        house.person(name, [weight(ord(name[0]), days_ago(1), "82.0")])
        house.target(name, "mqtt", f'url = "{broker.url}"')
        house.target(name, "file", f'path = "{name}.csv"\nformat = "csv"\nsettle = 0\n{LONG_AGO}')
    serving.move_in("anna")
    serving.start()
    serving.subscribe("anna")

    running = [house.start(*command) for command in COMMANDS]
    weights: list[float] = []
    while len(weights) < MOST and any(process.poll() is None for process in running):
        weights.append(70.5 + len(weights))
        serving.weigh_in("anna", str(weights[-1]))
        wait_until(lambda: len(listener.events()) >= len(weights))
    for command, process in zip(COMMANDS, running, strict=True):
        out, err = process.communicate(timeout=TIME_LIMIT)
        assert process.returncode in QUIETLY, (command, out, err)
        assert "Traceback" not in err, (command, err)
        if command == ("subscriptions", "url"):
            assert out.strip() == serving.callback
        if "--json" in command:
            json.loads(out)

    serving.rest()
    wait_until(lambda: not house.database("SELECT 1 FROM delivery WHERE state <> 'delivered'"))
    listener.all_is_said()
    told = [event["weight"] for event in listener.events()]
    assert sorted(told) == weights
    lines = house.file_lines("anna.csv")
    assert len(lines) == len(set(lines)) == 2 + len(weights)
    assert serving.integrity() == "ok"

    second = house.run("serve", "--port", "0", expect=2)
    assert "Another server is already running" in second.err

    house.log_in("ben")
    wait_until((house.home / "ben.csv").exists)
    wait_until(lambda: bool(listener.under(f"{serving.userid('ben')}/state")))
    wait_until(lambda: bool(house.admin.tell("withings", "subscriptions", profile="ben")))
    serving.weigh_in("ben", "91.5", notify=False)
    house.run("sync", "--person", "ben", expect=0)
    wait_until(lambda: len(listener.events()) == len(weights) + 1)
    assert serving.integrity() == "ok"
