"""Visiting a broker: what is said, what is acknowledged, and everything that can go wrong.

A real Mosquitto is frozen and locked; the limits are short so that nobody waits.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme

from fixtures.broker import CALM, HELLO, QUICK, make
from fixtures.mosquitto import (
    Mosquitto,
    ServerOfTests,
    listening,
    mosquitto,
    needs_mosquitto,
    world,
)
from fixtures.waiting import wait_until
from weighbridge.core.errors import ConfigProblem, LoginNeeded, RetryLater
from weighbridge.core.network import SharedResources
from weighbridge.core.secret import Secret
from weighbridge.targets.mqtt.bridge import Bridge
from weighbridge.targets.mqtt.broker import Broker
from weighbridge.targets.mqtt.broker_address import Access, Address
from weighbridge.targets.mqtt.broker_messages import MqttMessage, PublishResult
from weighbridge.targets.mqtt.mqtt_options import MqttOptions
from weighbridge.targets.mqtt.mqtt_target import MqttTarget, _delivered
from weighbridge.targets.mqtt.topics import Topics
from weighbridge.testing.builders import NOON, owe, weigh_in

pytestmark = needs_mosquitto


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker that nothing happens to."""
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture
def server() -> ServerOfTests:
    return ServerOfTests()


@pytest.fixture
def base(request: pytest.FixtureRequest) -> str:
    """A base topic of its own for each test."""
    return f"base-{abs(hash(request.node.name))}"


# --- Visiting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_a_visitor_publishes_and_says_nothing_of_itself(
    shared: Mosquitto, base: str, protocol: Any
) -> None:
    with listening(shared, f"{base}/#", "test/#") as listener:
        with closing(make(shared, base, protocol=protocol)) as broker:
            broker.publish([MqttMessage(f"{base}/one", b"1"), MqttMessage(f"{base}/two", b"2")])
        listener.all_is_said()
        assert [said.payload for said in listener.heard[:-1]] == [b"1", b"2"]


def test_nothing_is_connected_before_something_is_said(tmp_path: Path) -> None:
    broker = make(Mosquitto(tmp_path))
    assert broker.send([]).acknowledged == frozenset()
    broker.close()


def test_small_messages_are_not_held_back(shared: Mosquitto) -> None:
    with closing(make(shared)) as broker:
        broker.connect()
        assert broker._connection is not None
        opened: Any = broker._connection._client.socket()
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_hundreds_of_messages_go_in_one_go(shared: Mosquitto, base: str) -> None:
    with listening(shared, f"{base}/#", "test/#") as listener, closing(make(shared)) as broker:
        answer = broker.send([MqttMessage(f"{base}/{n}", str(n).encode()) for n in range(500)])
        assert (answer.acknowledged, answer.problem) == (frozenset(range(500)), None)
        listener.all_is_said()
        assert [said.payload for said in listener.heard[:-1]] == [b"%d" % n for n in range(500)]


def test_a_visitor_whose_connection_was_lost_connects_again(shared: Mosquitto) -> None:
    with closing(make(shared)) as broker:
        broker.publish([HELLO])
        assert broker._connection is not None
        broker._connection.cut()
        broker.publish([HELLO])


def test_what_stands_at_the_broker_can_be_read(shared: Mosquitto, base: str) -> None:
    with closing(make(shared)) as broker:
        assert broker.retained(f"{base}/kept") == b""
        broker.publish([MqttMessage(f"{base}/kept", b"here", retain=True)])
        assert broker.retained(f"{base}/kept") == b"here"


def test_a_broker_that_was_left_is_not_used_again(shared: Mosquitto) -> None:
    broker = make(shared)
    broker.close()
    with pytest.raises(RetryLater, match="about to end"):
        broker.publish([HELLO])


# --- Trouble --------------------------------------------------------------------------------------


def test_a_broker_that_is_away_is_tried_again(tmp_path: Path) -> None:
    where = Mosquitto(tmp_path)
    with closing(make(where)) as broker:
        with pytest.raises(RetryLater, match=f"127.0.0.1:{where.port} cannot be reached"):
            broker.publish([HELLO])
        where.start()
        broker.publish([HELLO])
        where.stop()


def test_a_name_that_nobody_knows_is_tried_again() -> None:
    address = Address("no-such-host.invalid", 1883, tls=False)
    with (
        closing(Broker(Access(address=address), Bridge(Topics()))) as broker,
        pytest.raises(RetryLater, match="cannot be reached"),
    ):
        broker.connect()


def test_somebody_who_speaks_no_mqtt_does_not_hold_us_up(tmp_path: Path) -> None:
    where = Mosquitto(tmp_path)
    with (
        socket.create_server(("127.0.0.1", where.port)),
        closing(make(where, limits=QUICK)) as broker,
        pytest.raises(RetryLater, match=r"did not answer within 0\.\d+ seconds"),
    ):
        broker.publish([HELLO])


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_a_refused_login_needs_a_person(tmp_path: Path, protocol: Any) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "anna", "right"], check=True)
    with mosquitto(tmp_path, f"password_file {passwords}", anonymous=False) as where:

        def broker(user: str, password: str) -> Broker:
            secret = Secret.of_value(password) if password else None
            return make(where, user=user, password=secret, protocol=protocol)

        with closing(broker("anna", "right")) as welcome:
            welcome.publish([HELLO])
        with closing(broker("anna", "wrong-71bc")) as unwelcome:
            with pytest.raises(LoginNeeded, match=r"refuses the user anna\. Correct") as caught:
                unwelcome.publish([HELLO])
            assert "wrong-71bc" not in f"{caught.value!r}{caught.value}{unwelcome!r}"
        with closing(broker("", "")) as stranger, pytest.raises(LoginNeeded, match="visitors"):
            stranger.publish([HELLO])


def test_a_topic_that_is_not_allowed_needs_a_person(tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite test/#\n")
    with (
        mosquitto(tmp_path, f"acl_file {rules}") as where,
        closing(make(where, protocol="5")) as broker,
    ):
        answer = broker.send([HELLO, MqttMessage("else/where", b"")])
        assert answer.acknowledged == {0}
        assert isinstance(answer.problem, LoginNeeded)
        assert "write to else/where" in str(answer.problem)


def test_a_password_that_cannot_be_looked_up_is_a_mistake_of_the_configuration(
    shared: Mosquitto, tmp_path: Path
) -> None:
    secret = Secret.of_file(tmp_path / "nothing")
    with (
        closing(make(shared, user="anna", password=secret)) as broker,
        pytest.raises(ConfigProblem, match="does not exist"),
    ):
        broker.publish([HELLO])


def test_a_frozen_broker_is_not_waited_for_and_hears_it_only_once(
    tmp_path: Path, base: str
) -> None:
    with (
        mosquitto(tmp_path) as where,
        listening(where) as listener,
        closing(make(where, base, QUICK)) as broker,
    ):
        broker.publish([HELLO])
        where.freeze()
        with pytest.raises(RetryLater, match=r"did not answer within 0\.\d+ seconds"):
            broker.publish([MqttMessage("test/state", b"1", retain=True)])
        where.thaw()
        broker.publish([HELLO])
        listener.all_is_said()
        listener.all_is_said()
        assert len(listener.under("test/hello")) == 2
        assert len(listener.under("test/state")) <= 1


def test_an_event_that_met_a_frozen_broker_is_heard_once(tmp_path: Path) -> None:
    """The state goes first. Whoever does not acknowledge it never gets to see the event."""
    with (
        mosquitto(tmp_path) as where,
        listening(where) as listener,
        SharedResources() as connections,
    ):
        context = world(tmp_path, connections)
        target = MqttTarget(MqttOptions(url=where.url), context)
        target._broker()._limits = QUICK
        target.send(target.render([owe(weigh_in("81.4"))]))
        again = target.render([owe(weigh_in("81.2", taken_at=NOON + 60))])
        where.freeze()
        with pytest.raises(RetryLater):
            target.send(again)
        where.thaw()
        assert len(target.send(again).delivered) == 1
        listener.all_is_said()
        assert [event["weight"] for event in listener.events()] == [81.4, 81.2]


def test_only_what_was_acknowledged_counts_as_delivered(tmp_path: Path) -> None:
    target = MqttTarget(
        MqttOptions(url="mqtt://127.0.0.1:1", plain_topic="plain"),
        world(tmp_path, SharedResources()),
    )
    readings = [weigh_in("70", taken_at=NOON + n) for n in range(3)]
    old = weigh_in("70", taken_at=NOON - 60)
    payload = target.render([owe(one) for one in (*readings, old)])
    delivered = _delivered(payload, PublishResult(frozenset({0, 1, 2})))
    assert set(delivered) == {old.reading_id, readings[0].reading_id}


# --- TLS ------------------------------------------------------------------------------------------


class Certificates:
    """An authority, the broker's certificate and one for us, as files."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.broker, self.broker_key = folder / "broker.pem", folder / "broker.key"
        self.own, self.own_key = folder / "own.pem", folder / "own.key"
        authority.cert_pem.write_to_path(self.ca)
        for name, certificate, key in (
            ("127.0.0.1", self.broker, self.broker_key),
            ("anna", self.own, self.own_key),
        ):
            issued = authority.issue_cert(name)
            issued.private_key_pem.write_to_path(key)
            issued.cert_chain_pems[0].write_to_path(certificate)

    def lines(self, *, ask: bool) -> list[str]:
        return [
            f"cafile {self.ca}",
            f"certfile {self.broker}",
            f"keyfile {self.broker_key}",
            f"require_certificate {'true' if ask else 'false'}",
        ]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def encrypted(where: Mosquitto, **access: Any) -> Broker:
    address = Address("127.0.0.1", where.port, tls=True)
    return Broker(Access(address=address, **access), Bridge(Topics()), limits=CALM)


def test_an_encrypted_connection_trusts_only_its_authority(
    tmp_path: Path, certificates: Certificates
) -> None:
    with mosquitto(tmp_path, *certificates.lines(ask=False)) as where:
        with closing(encrypted(where, ca_file=certificates.ca)) as broker:
            broker.publish([HELLO])
        with (
            closing(encrypted(where)) as stranger,
            pytest.raises(RetryLater, match=r"is not trusted .*ca_file"),
        ):
            stranger.publish([HELLO])
        with (
            closing(encrypted(where, ca_file=certificates.broker_key)) as wrong,
            pytest.raises(ConfigProblem, match="holds no certificates"),
        ):
            wrong.publish([HELLO])


def test_a_broker_that_asks_for_a_certificate_gets_one(
    tmp_path: Path, certificates: Certificates, server: ServerOfTests
) -> None:
    own = {"client_certificate": certificates.own, "client_key": certificates.own_key}
    with mosquitto(tmp_path, *certificates.lines(ask=True)) as where:
        with closing(encrypted(where, ca_file=certificates.ca, **own)) as broker:
            broker.stay_connected(server, "anna", "mqtt", "home")
            wait_until(lambda: server.back)
            broker.publish([HELLO])
            assert broker._connection is not None
            broker._connection.cut()
            wait_until(lambda: len(server.back) == 2)
        with (
            closing(encrypted(where, ca_file=certificates.ca)) as stranger,
            pytest.raises(RetryLater),
        ):
            stranger.publish([HELLO])
        own["client_key"] = certificates.broker_key
        with (
            closing(encrypted(where, ca_file=certificates.ca, **own)) as wrong,
            pytest.raises(ConfigProblem, match="client certificate"),
        ):
            wrong.publish([HELLO])
