"""One broker, visited or lived at. All threads of a process share the connection.

A *visitor* (the command line) connects when something is to be said and leaves at the end. A
*resident* (the server) stays: it comes back by itself, and its absence is known (``residence``).

Nothing is ever kept to be sent later: the ledger is the outbox. What is published is acknowledged,
or the caller hears that it was not.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.errors import Problem, RetryLater
from weighbridge.targets.base import ServerHandle, ServerStatus
from weighbridge.targets.mqtt.bridge import Bridge
from weighbridge.targets.mqtt.broker_address import Access
from weighbridge.targets.mqtt.broker_messages import MqttMessage, PublishResult, gone, silent
from weighbridge.targets.mqtt.connection_supervisor import (
    ConnectionSupervisor,
    ConnectRequest,
    ReconnectPolicy,
)

if TYPE_CHECKING:
    from weighbridge.targets.mqtt.broker_connection import BrokerConnection

_NAME = "weighbridge"
_LETTERS = 23 - len(_NAME)  # every broker must take an id of 23 letters and digits (MQTT 3.1.3.1)


class BrokerLimits(msgspec.Struct, frozen=True):
    """How long things may take, in seconds."""

    answer: float = 10.0
    """Publishing as a whole: connecting, if need be, and the acknowledgements."""
    farewell: float = 0.5
    """Each word that is said while leaving."""
    leaving: float = 1.2
    """Leaving as a whole."""
    pace: ReconnectPolicy = ReconnectPolicy()


class Broker:
    """Constructing it connects to nothing."""

    def __init__(
        self,
        access: Access,
        bridge: Bridge,
        *,
        limits: BrokerLimits | None = None,
        between: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.access = access
        self._name = str(access.address)
        self._bridge = bridge
        self._limits = limits or BrokerLimits()
        self._between = between
        self._change = threading.Condition()
        self._connection: BrokerConnection | None = None
        self._trouble: Problem | None = None
        self._residence: ConnectionSupervisor | None = None
        self._is_dialing = False
        self._is_closed = False
        self._said: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"Broker({self._name})"

    # what targets do here

    def connect(self) -> None:
        """Be connected. Raises RetryLater, LoginNeeded or ConfigProblem."""
        self._connected(self._deadline())

    def send(self, messages: Sequence[MqttMessage]) -> PublishResult:
        """Publish all, then wait for all. Raises like ``connect`` when nothing was sent."""
        if not messages:
            return PublishResult(frozenset())
        deadline = self._deadline()
        connection = self._connected(deadline)
        return connection.publish(messages, deadline - time.monotonic())

    def publish(self, messages: Sequence[MqttMessage]) -> None:
        """The same, all or nothing. Raises like ``connect``."""
        self.send(messages).demand()

    def standing(self, topic: str) -> bytes:
        """What is retained under a topic; empty when nothing is, or we may not know."""
        deadline = self._deadline()
        connection = self._connected(deadline)
        return connection.standing(topic, deadline - time.monotonic())

    def remember(self, topic: str, payload: bytes) -> None:
        """That this was said over this connection and need not be said again."""
        with self._change:
            self._said[topic] = payload

    def remembers(self, topic: str, payload: bytes) -> bool:
        """Whether ``remember`` was called so since the connection was made."""
        with self._change:
            opened = self._connection is not None and self._connection.is_open
            return opened and self._said.get(topic) == payload

    # staying

    def stay(self, house: ServerHandle, person: str, target: str, installation: str) -> None:
        """Stay connected from now on, for this person's target too. Returns at once."""
        visit = None
        with self._change:
            if self._is_closed:
                return
            if self._residence is None:
                visit, self._connection = self._connection, None
                self._residence = self._new_residence(house, installation)
                self._is_dialing = True  # publishing waits for the first attempt
                self._residence.start()
            residence = self._residence
        residence.welcome(person, target)
        if visit is not None:
            visit.close(self._limits.farewell)

    def _new_residence(self, house: ServerHandle, installation: str) -> ConnectionSupervisor:
        name = f"{installation} {self.access.key(self._bridge.topics.base)}"
        digest = blake2b(name.encode(), digest_size=16).hexdigest()
        return ConnectionSupervisor(
            self._bridge,
            house,
            client_id=_NAME + digest[:_LETTERS],
            dial=self._dial,
            pace=self._limits.pace,
            seconds=self._limits.answer,
            farewell=self._limits.farewell,
            between=self._between,
        )

    def report(self, person: str, news: ServerStatus) -> None:
        """How the server is doing, as far as this person is concerned. Returns at once."""
        residence = self._residence
        if residence is not None:
            residence.report(person, news)

    def close(self) -> None:
        """Take leave. It takes less than two seconds even when the broker is frozen."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
        if self._residence is not None:
            self._residence.leave(self._limits.leaving)
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_open:
            connection.close(self._limits.farewell)

    # the connection

    def _deadline(self) -> float:
        return time.monotonic() + self._limits.answer

    def _connected(self, deadline: float) -> BrokerConnection:
        """The open connection. A visitor makes one; a resident's is made by its own thread."""
        left = deadline - time.monotonic()
        with self._change:
            if not self._change.wait_for(lambda: not self._is_dialing or self._is_closed, left):
                raise silent(self._name, self._limits.answer)
            if self._is_closed:
                raise RetryLater(code="mqtt.stopping")
            if self._connection is not None and self._connection.is_open:
                return self._connection
            if self._residence is not None:
                raise self._trouble or gone(self._name)
            self._is_dialing = True
        caller = ConnectRequest(_NAME + secrets.token_hex(_LETTERS)[:_LETTERS])
        return self._dial(caller, deadline - time.monotonic())

    def _dial(self, caller: ConnectRequest, seconds: float) -> BrokerConnection:
        """Make the connection and let the caller greet."""
        from weighbridge.targets.mqtt.broker_connection import BrokerConnection

        with self._change:
            self._is_dialing = True
        connection: BrokerConnection | None = None
        greeted: BrokerConnection | None = None
        trouble: Problem | None = None
        try:
            connection = BrokerConnection(
                self.access,
                caller.client_id,
                will=caller.will,
                heard=caller.heard,
                ended=caller.ended,
            )
            connection.open(seconds)
            caller.greet(connection)
            greeted = connection
            return connection
        except Problem as problem:
            trouble = problem
            raise
        finally:
            unwanted = self._dialed(greeted, trouble) or greeted is None
            if unwanted and connection is not None:
                connection.cut()

    def _dialed(self, greeted: BrokerConnection | None, trouble: Problem | None) -> bool:
        """Whether the connection came too late to be wanted."""
        with self._change:
            self._is_dialing = False
            self._said.clear()
            self._trouble = trouble
            self._connection = greeted if greeted is not None and greeted.is_open else None
            self._change.notify_all()
            return self._is_closed
