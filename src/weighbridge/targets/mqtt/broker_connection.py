"""One connection to a broker over paho-mqtt, from CONNECT to its end.

paho keeps what it could not send and sends it after it has reconnected. That would be a second
outbox beside the ledger, so a connection lives once: what was not acknowledged when it ends is
gone with it, and the sender learns it.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from weighbridge.core.errors import ConfigProblem, Problem, RetryLater
from weighbridge.core.network import within
from weighbridge.targets.mqtt.broker_address import Access
from weighbridge.targets.mqtt.broker_messages import (
    FAILURE,
    BrokerAnswers,
    MqttMessage,
    PublishResult,
    ReceivedMessage,
    gone,
    refused_login,
    refused_message,
    silent,
    unreachable,
)


def tls_context(access: Access) -> ssl.SSLContext:
    """With the system's authorities, or those of ``ca_file``.

    Raises ConfigProblem for files that cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=access.ca_file)
    except OSError as error:  # an ssl.SSLError is one, too
        raise ConfigProblem(code="mqtt.authority", path=str(access.ca_file)) from error
    if access.client_certificate is not None:
        _show_certificate(context, access)
    context.sslsocket_class = _Socket
    return context


class _Socket(ssl.SSLSocket):
    """paho forgets a socket whose handshake failed and leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _show_certificate(context: ssl.SSLContext, access: Access) -> None:
    assert access.client_certificate is not None
    try:
        # Without a password given here, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(access.client_certificate, access.client_key, password="")
    except OSError as error:
        names = " and ".join(
            str(file) for file in (access.client_certificate, access.client_key) if file
        )
        raise ConfigProblem(code="mqtt.certificate", path=names) from error


KEEPALIVE = 30
"""Seconds after which a silent connection is probed."""

_QOS = 1
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux has it
_LAST_WORDS = 0.3
"""Seconds that paho's thread gets to see that its socket is shut."""


class BrokerConnection:
    """Used once. Any thread may publish; ``on_message`` and ``on_end`` run in paho's thread."""

    def __init__(
        self,
        access: Access,
        client_id: str,
        *,
        will: MqttMessage | None = None,
        on_message: Callable[[ReceivedMessage], None] = lambda message: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._access = access
        self._name = str(access.address)
        self._answers = BrokerAnswers(on_message, on_end)
        self._is_cut = False
        self._client = _client(access, client_id, will)
        _listen(self._client, self._answers)

    @property
    def is_open(self) -> bool:
        """Whether the broker accepted us and the connection has not ended."""
        return self._answers.is_accepted and not self._answers.is_ended

    def open(self, seconds: float) -> None:
        """Connect and log in. Raises RetryLater, LoginNeeded or ConfigProblem."""
        deadline = time.monotonic() + seconds
        try:
            within(seconds, lambda: self._connect(seconds))
        except TimeoutError:
            self.cut()
            raise silent(self._name, seconds) from None
        except (OSError, ValueError) as error:  # ValueError: a host name that is none
            raise unreachable(self._name, error) from error
        self._client.loop_start()
        code = self._answers.of_login(deadline - time.monotonic())
        if code is None or code >= FAILURE:
            problem = self._why_not_accepted(code, seconds)
            self.cut()
            raise problem

    def _connect(self, seconds: float) -> None:
        """Reaches the broker, in a thread that is left behind when it takes too long."""
        access = self._access
        if access.address.tls:
            self._client.tls_set_context(tls_context(access))
        if access.address.user:
            password = access.password.reveal() if access.password else None
            self._client.username_pw_set(access.address.user, password)
        self._client.connect_timeout = seconds
        self._client.connect(access.address.host, access.address.port, KEEPALIVE)
        if self._is_cut:
            self.cut()

    def _why_not_accepted(self, code: int | None, seconds: float) -> Problem:
        if code is not None:
            return refused_login(self._name, code, self._access.address.user)
        if self._answers.is_ended:
            return gone(self._name, self._answers.reason)
        return silent(self._name, seconds)

    def publish(self, messages: Sequence[MqttMessage], seconds: float) -> PublishResult:
        """Publish all, then wait for all. A broker that does not answer in time is cut off.

        Otherwise the acknowledgement of one message could be taken for that of another.
        """
        places: dict[int, int] = {}
        for place, message in enumerate(messages):
            info = self._client.publish(
                message.topic, message.payload, _QOS, message.retain, self._properties(message)
            )
            if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
            places[info.mid] = place
        codes = self._answers.of(places, seconds)
        problem: Problem | None = None
        if len(codes) < len(messages):
            problem = self._give_up(seconds)
        taken = {places[number] for number, code in codes.items() if code < FAILURE}
        for number, code in codes.items():
            if code >= FAILURE and problem is None:
                topic = messages[places[number]].topic
                problem = refused_message(self._name, code, topic)
        return PublishResult(frozenset(taken), problem)

    def subscribe(self, topics: Sequence[str], seconds: float) -> bool:
        """Receive what is published under these topics. False: the broker does not allow all.

        Raises RetryLater.
        """
        _, number = self._client.subscribe([(topic, _QOS) for topic in topics])
        return self._wait_for([number], seconds) < FAILURE

    def retained(self, topic: str, seconds: float) -> bytes:
        """What is retained under a topic; empty when nothing is, or we may not know.

        Brokers answer in order: what is retained comes before the end of the subscription.
        Raises RetryLater.
        """
        with self._answers.collect(topic) as collected:
            _, first = self._client.subscribe(topic, _QOS)
            _, second = self._client.unsubscribe(topic)
            self._wait_for([first, second], seconds)
        return collected[-1] if collected else b""

    def _wait_for(self, numbers: Sequence[int | None], seconds: float) -> int:
        """The worst of these answers."""
        known = [number for number in numbers if number is not None]
        codes = self._answers.of(known, seconds)
        if len(codes) < len(numbers):
            raise self._give_up(seconds)
        return max(codes.values())

    def _give_up(self, seconds: float) -> RetryLater:
        if self._answers.is_ended:
            return gone(self._name, self._answers.reason)
        self.cut()
        return silent(self._name, seconds)

    def close(self, seconds: float) -> None:
        """Disconnect, so that the will is not published. At most ``seconds`` and a bit."""
        self._client.disconnect()
        if not self._answers.wait_for_end(seconds):
            self.cut()

    def cut(self) -> None:
        """End it at once. What was not acknowledged is not sent again."""
        self._is_cut = True
        opened: Any = self._client.socket()
        if opened is None:
            return
        with suppress(OSError):
            # Not the method of an SSLSocket: that would take the encryption away first, under the
            # hands of paho's thread.
            socket.socket.shutdown(opened, socket.SHUT_RDWR)
        self._answers.wait_for_end(_LAST_WORDS)

    def _properties(self, message: MqttMessage) -> Properties | None:
        if message.expiry is None or self._access.protocol != "5":
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = message.expiry
        return properties


def _client(access: Access, client_id: str, will: MqttMessage | None) -> Client:
    newer = access.protocol == "5"
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if newer else True,
        protocol=MQTTv5 if newer else MQTTv311,
        reconnect_on_failure=False,
    )
    if will is not None:
        client.will_set(will.topic, will.payload, _QOS, will.retain)
    return client


def _listen(client: Client, answers: BrokerAnswers) -> None:
    """Have paho's thread write down what arrives. ``answers`` knows no client: no circle."""

    def opened(_client: Any, _userdata: Any, opened: Any) -> None:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def accepted(_client: Any, _userdata: Any, _flags: Any, code: Any, _properties: Any) -> None:
        answers.note_login(code.value)

    def acknowledged(client: Any, _userdata: Any, number: int, code: Any, _properties: Any) -> None:
        answers.note(number, code.value)
        _take_more(client)

    def answered(client: Any, _userdata: Any, number: int, codes: Any, _properties: Any) -> None:
        answers.note(number, max((code.value for code in codes), default=0))
        _take_more(client)

    def heard(client: Any, _userdata: Any, message: Any) -> None:
        with suppress(UnicodeDecodeError):  # the topic is no text: it is none of ours
            answers.note_message(
                ReceivedMessage(message.topic, bytes(message.payload), bool(message.retain))
            )
        _take_more(client)

    def ended(_client: Any, _userdata: Any, _flags: Any, code: Any, _properties: Any) -> None:
        answers.note_end(str(code))

    client.on_socket_open = opened
    client.on_connect = accepted
    client.on_publish = acknowledged
    client.on_subscribe = client.on_unsubscribe = answered
    client.on_message = heard
    client.on_disconnect = ended


def _take_more(client: Client) -> None:
    """Acknowledge at once that the broker's packet arrived.

    It holds its next small one back until then (Nagle), and the system would wait 40 ms with the
    word for something to go along with: two messages would take 44 ms instead of one.
    """
    opened: Any = client.socket()
    if opened is not None and _QUICKACK is not None:
        with suppress(OSError):
            opened.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
