"""The broker is away, killed or frozen during a weigh-in: it is told afterwards, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fixtures.house import LONG_AGO, House, days_ago, weight
from fixtures.mosquitto import Listener, Mosquitto, listening, needs_mosquitto
from fixtures.serving import Serving
from fixtures.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.story, needs_mosquitto]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.mark.parametrize("serving", ["brisk"], indirect=True)
def test_a_broker_in_trouble_delays_nobody_else_and_hears_everything_once(
    house: House, serving: Serving, tmp_path: Path, stack: ExitStack
) -> None:
    broker = Mosquitto(tmp_path)
    stack.callback(broker.stop)
    house.person("anna", [weight(1, days_ago(1), "82.0")])
    house.target("anna", "mqtt", f'url = "{broker.url}"')
    house.target("anna", "file", f'path = "anna.csv"\nformat = "csv"\nsettle = 0\n{LONG_AGO}')

    def lines_are(number: int) -> None:
        wait_until(lambda: len(house.file_lines("anna.csv")) == number)

    def broker_is_back() -> Listener:
        """The server may not come back to it before somebody listens."""
        serving.freeze()
        broker.start()
        listener = stack.enter_context(listening(broker))
        serving.thaw()
        return listener

    # It is not there at the start.
    serving.move_in("anna")
    serving.start()
    serving.subscribe("anna")
    serving.weigh_in("anna", "81.1")
    lines_are(3)
    listener = broker_is_back()
    hears_once(house, serving, listener, 81.1)

    # It is killed while Withings is asked, and forgets everything.
    house.admin.fault("hold", path="/measure")
    serving.weigh_in("anna", "81.2")
    house.admin.wait_for_hold(seconds=PATIENCE)
    broker.kill()
    house.admin.release()
    lines_are(4)
    listener = broker_is_back()
    hears_once(house, serving, listener, 81.2)

    # It is there and does not answer.
    listener.heard.clear()
    broker.freeze()
    serving.weigh_in("anna", "81.3")
    lines_are(5)
    waiting = "JOIN route ON route.id = route WHERE target = 'mqtt' AND state <> 'delivered'"
    assert house.database(f"SELECT count(*) FROM delivery {waiting}") == [(1,)]
    broker.thaw()
    hears_once(house, serving, listener, 81.3)


def hears_once(house: House, serving: Serving, listener: Listener, kg: float) -> None:
    """One event, and what is retained is right."""
    anna = f"weighbridge/{serving.userid('anna')}"
    wait_until(listener.events)
    wait_until(lambda: listener.under("bridge/state")[-1].payload == b"online")
    wait_until(lambda: not house.database("SELECT 1 FROM delivery WHERE state <> 'delivered'"))
    listener.all_is_said()
    (told,) = listener.events()
    assert told["weight"] == kg
    assert listener.under(f"{anna}/state")[-1].json()["weight"] == kg
    assert listener.under(f"weighbridge_{serving.userid('anna')}/config")
