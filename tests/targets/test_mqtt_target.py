"""The MQTT target at a real Mosquitto: what is published, in which order, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fixtures.mosquitto import (
    Listener,
    Mosquitto,
    ids,
    listening,
    mosquitto,
    needs_mosquitto,
    world,
)
from weighbridge.core.errors import RetryLater
from weighbridge.core.measures import MeasureType
from weighbridge.core.network import SharedResources
from weighbridge.core.secret import Secret
from weighbridge.targets import mqtt
from weighbridge.targets.base import Context, Owed, Receipt
from weighbridge.targets.mqtt.mqtt_options import MqttOptions
from weighbridge.targets.mqtt.mqtt_target import MqttTarget
from weighbridge.testing.builders import (
    NOON,
    UNTHINKABLE,
    blood_pressure,
    owe,
    reading,
    weigh_in,
)
from weighbridge.testing.targets import TargetContract

NOWHERE = "mqtt://127.0.0.1:1"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture
def connections() -> Iterator[SharedResources]:
    with SharedResources() as connections:
        yield connections


@pytest.fixture
def listener(broker: Mosquitto) -> Iterator[Listener]:
    """Hears what is said from now on; nothing of the tests before stays retained."""
    with listening(broker) as listener:
        listener.all_is_said()
        for said in [said for said in listener.heard if said.retained]:
            listener.say(said.topic, retain=True)
        listener.all_is_said()
        listener.heard.clear()
        yield listener


@needs_mosquitto
class TestMqtt(TargetContract):
    """What "stands" there is every reading that was announced, by its id."""

    kind = mqtt.KIND

    @pytest.fixture(autouse=True)
    def _world(self, broker: Mosquitto, listener: Listener, connections: SharedResources) -> None:
        self.broker, self.listener, self.connections = broker, listener, connections

    def context(self, home: Path) -> Context:
        return world(home, self.connections)

    def make(self, context: Context) -> MqttTarget:
        return MqttTarget(MqttOptions(url=self.broker.url), context)

    def instants(self, payload: Any) -> list[int]:
        return [one.taken_at for one in payload.announcements]

    def standing(self, context: Context) -> Sequence[Any]:
        self.listener.all_is_said()
        return sorted(set(ids(self.listener.events())))


class Scene:
    """One person's target."""

    def __init__(self, broker: Mosquitto, context: Context, **options: Any) -> None:
        self.context = context
        self.body: Any = context.body
        self.target = MqttTarget(MqttOptions(**{"url": broker.url, **options}), context)

    def deliver(self, *owed: Owed) -> Receipt:
        """Let the archive know these readings, then send them."""
        known = {one.reading_id for one in owed}
        kept = [one for one in self.body.readings if one.reading_id not in known]
        self.body.readings = [*kept, *(one.reading for one in owed)]
        return self.target.send(self.target.render(owed))


@pytest.fixture
def scene(broker: Mosquitto, connections: SharedResources, tmp_path: Path) -> Scene:
    return Scene(broker, world(tmp_path, connections))


# --- What is published ----------------------------------------------------------------------------


@needs_mosquitto
def test_the_state_comes_before_the_event(scene: Scene, listener: Listener) -> None:
    scene.deliver(owe(weigh_in("81.43", fat_percent="22.3")))
    listener.all_is_said()
    topics = [said.topic for said in listener.heard[:-1]]
    assert topics == [
        "homeassistant/device/weighbridge_12345678/config",
        "weighbridge/12345678/state",
        "weighbridge/12345678/event",
    ]
    assert listener.heard[1].json()["weight"] == 81.43
    assert listener.heard[2].json()["values"] == {"weight_kg": 81.43, "fat_ratio_percent": 22.3}
    assert {said.qos for said in listener.heard} == {1}


@needs_mosquitto
def test_state_and_device_are_retained_and_events_are_not(
    scene: Scene, broker: Mosquitto, listener: Listener
) -> None:
    scene.deliver(owe(weigh_in("81.43")))
    with listening(broker) as late:
        late.all_is_said()
        kept = {said.topic for said in late.heard if said.retained}
    assert kept == {
        "homeassistant/device/weighbridge_12345678/config",
        "weighbridge/12345678/state",
    }


@needs_mosquitto
def test_the_device_is_published_again_only_when_it_changes(
    scene: Scene, listener: Listener
) -> None:
    scene.deliver(owe(weigh_in("81.43")))
    scene.deliver(owe(weigh_in("81.20", taken_at=NOON + 60)))
    listener.all_is_said()
    assert len(listener.under("/config")) == 1
    scene.deliver(owe(weigh_in("81.10", fat_percent="22", taken_at=NOON + 120)))
    listener.all_is_said()
    first, second = (said.json()["components"] for said in listener.under("/config"))
    assert "fat_ratio" not in first
    assert "fat_ratio" in second


@needs_mosquitto
def test_a_sensor_that_is_gone_is_taken_away_at_home_assistant(
    scene: Scene, listener: Listener, broker: Mosquitto, tmp_path: Path
) -> None:
    scene.deliver(owe(weigh_in("81.43", fat_percent="22")))
    with SharedResources() as connections:  # as in the next process
        later = Scene(broker, world(tmp_path, connections))
        later.deliver(owe(weigh_in("81.20", taken_at=NOON + 60)))
        listener.all_is_said()
        assert listener.under("/config")[-1].json()["components"]["fat_ratio"] == {
            "platform": "sensor"
        }
    with SharedResources() as connections:
        later = Scene(broker, world(tmp_path, connections))
        later.deliver(owe(weigh_in("81.20", taken_at=NOON + 60)))
        listener.all_is_said()
        assert "fat_ratio" not in listener.under("/config")[-1].json()["components"]


@needs_mosquitto
def test_without_a_discovery_prefix_no_device_is_published(
    broker: Mosquitto, connections: SharedResources, tmp_path: Path, listener: Listener
) -> None:
    options = {"discovery_prefix": "", "base_topic": "our/house"}
    Scene(broker, world(tmp_path, connections), **options).deliver(owe(weigh_in("81.43")))
    listener.all_is_said()
    topics = [said.topic for said in listener.heard[:-1]]
    assert topics == ["our/house/12345678/state", "our/house/12345678/event"]


@needs_mosquitto
def test_the_same_weight_twice_is_two_events(scene: Scene, listener: Listener) -> None:
    scene.deliver(owe(weigh_in("81.4")))
    scene.deliver(owe(weigh_in("81.4", taken_at=NOON + 60)))
    listener.all_is_said()
    first, second = listener.events()
    assert (first["weight"], first["previous"]) == (81.4, None)
    assert (second["weight"], second["previous"], second["change"]) == (81.4, 81.4, 0)
    assert first["id"] != second["id"]


@needs_mosquitto
def test_events_come_oldest_first_with_what_changed(scene: Scene, listener: Listener) -> None:
    days = [owe(weigh_in(kg, taken_at=NOON + day)) for day, kg in enumerate(("82", "81.4", "81.9"))]
    scene.deliver(*reversed(days))
    listener.all_is_said()
    assert [event["weight"] for event in listener.events()] == [82, 81.4, 81.9]
    assert [event["change"] for event in listener.events()] == [None, -0.6, 0.5]
    assert len(listener.under("/state")) == 1


@needs_mosquitto
def test_history_gets_no_event_and_is_delivered(scene: Scene, listener: Listener) -> None:
    old = owe(weigh_in("83", taken_at=NOON - 86_400))
    receipt = scene.deliver(old)
    listener.all_is_said()
    assert listener.events() == []
    assert listener.under("/state")[-1].json()["weight"] == 83
    assert receipt.delivered == {old.reading_id: "state"}


@needs_mosquitto
def test_a_reading_that_grows_is_announced_once(scene: Scene, listener: Listener) -> None:
    first = weigh_in("81.4")
    receipt = scene.deliver(owe(first))
    reference = receipt.delivered[first.reading_id]
    grown = weigh_in("81.4", fat_percent="22")
    again = scene.deliver(owe(grown, revision="r2", previous=reference))
    listener.all_is_said()
    assert len(listener.events()) == 1
    assert listener.under("/state")[-1].json()["fat_ratio"] == 22
    assert again.delivered == {first.reading_id: "weight"}


@needs_mosquitto
def test_a_pulse_that_becomes_a_weight_is_announced_as_one(
    scene: Scene, listener: Listener
) -> None:
    pulse = reading({MeasureType.PULSE: "62"})
    receipt = scene.deliver(owe(pulse))
    grown = weigh_in("81.4", others={MeasureType.PULSE: "62"})
    assert grown.reading_id == pulse.reading_id
    previous = receipt.delivered[pulse.reading_id]
    again = scene.deliver(owe(grown, revision="r2", previous=previous))
    listener.all_is_said()
    assert [event["event_type"] for event in listener.events()] == ["other", "weight"]
    assert again.delivered == {pulse.reading_id: "other+weight"}


@needs_mosquitto
def test_what_was_delivered_under_no_known_reference_is_not_announced_again(
    scene: Scene, listener: Listener
) -> None:
    scene.deliver(owe(weigh_in("81.4"), revision="r2", previous=""))
    listener.all_is_said()
    assert listener.events() == []


@needs_mosquitto
@pytest.mark.parametrize(("units", "plain"), [("metric", b"75.2"), ("imperial", b"165.7")])
def test_the_plain_topic_gets_just_the_weight(
    broker: Mosquitto,
    connections: SharedResources,
    tmp_path: Path,
    listener: Listener,
    units: str,
    plain: bytes,
) -> None:
    scene = Scene(broker, world(tmp_path, connections), plain_topic="weight/anna", units=units)
    scene.deliver(owe(weigh_in("75.15")), owe(blood_pressure(taken_at=NOON + 60)))
    scene.deliver(owe(weigh_in("80", taken_at=NOON - 60)))
    listener.all_is_said()
    [said] = listener.under("weight/anna")
    assert (said.payload, said.retained) == (plain, False)
    with listening(broker, "weight/#", "test/#") as late:
        late.all_is_said()
        assert late.under("weight/anna") == []


@needs_mosquitto
def test_the_sentence_can_be_left_out(
    broker: Mosquitto, connections: SharedResources, tmp_path: Path, listener: Listener
) -> None:
    context = world(tmp_path, connections)
    Scene(broker, context, says="nothing").deliver(owe(weigh_in("81.4")))
    Scene(broker, context, language="de").deliver(owe(weigh_in("81.2", taken_at=NOON + 60)))
    listener.all_is_said()
    silent, spoken = listener.events()
    assert (silent["text"], silent["weight"]) == ("", 81.4)
    assert "Kilogramm" in spoken["text"]


@needs_mosquitto
def test_mqtt_5_lets_old_events_expire(
    broker: Mosquitto, connections: SharedResources, tmp_path: Path, listener: Listener
) -> None:
    newer = Scene(broker, world(tmp_path, connections), protocol="5")
    newer.deliver(owe(weigh_in("81.4")))
    listener.all_is_said()
    [event] = listener.under("/event")
    [state] = listener.under("/state")
    assert event.expiry == 86_400
    assert state.expiry is None
    assert newer.target.check().endswith("(MQTT 5).")


@needs_mosquitto
def test_two_people_share_one_connection_and_nothing_else(
    broker: Mosquitto, connections: SharedResources, tmp_path: Path, listener: Listener
) -> None:
    anna = Scene(broker, world(tmp_path, connections))
    ben = Scene(broker, world(tmp_path, connections, person="ben", userid="87654321"))
    assert anna.target._broker() is ben.target._broker()
    anna.deliver(owe(weigh_in("62")))
    ben.deliver(owe(weigh_in("91")))
    listener.all_is_said()
    weights = {said.topic: said.json()["weight"] for said in listener.under("/event")}
    assert weights == {"weighbridge/12345678/event": 62, "weighbridge/87654321/event": 91}


@needs_mosquitto
def test_other_settings_are_another_connection(
    broker: Mosquitto, connections: SharedResources, tmp_path: Path
) -> None:
    context = world(tmp_path, connections)
    url = f"mqtt://anna@127.0.0.1:{broker.port}"
    kinds: list[dict[str, Any]] = [
        {},
        {"base_topic": "elsewhere"},
        {"protocol": "5"},
        {"url": url},
        {"url": url, "password": Secret.of_value("one")},
        {"url": url, "password": Secret.of_value("other")},
    ]
    brokers = [Scene(broker, context, **options).target._broker() for options in kinds]
    assert len({id(one) for one in brokers}) == len(kinds)
    languages = [Scene(broker, context, language=word).target._broker() for word in ("de", "fr")]
    assert languages == [brokers[0]] * 2


# --- Trouble --------------------------------------------------------------------------------------


@needs_mosquitto
def test_a_refused_reading_does_not_need_the_broker(
    connections: SharedResources, tmp_path: Path
) -> None:
    target = MqttTarget(MqttOptions(url=NOWHERE), world(tmp_path, connections))
    odd = weigh_in("70", taken_at=UNTHINKABLE)
    heavy = weigh_in("1e400", taken_at=NOON + 1)
    receipt = target.send(target.render([owe(odd), owe(heavy)]))
    assert set(receipt.refused) == {odd.reading_id, heavy.reading_id}
    assert receipt.problem is None
    with pytest.raises(RetryLater, match=r"cannot be reached .*Start it"):
        target.send(target.render([owe(weigh_in("70"))]))
