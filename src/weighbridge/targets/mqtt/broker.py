"""One broker. All threads of a process share the connection.

A command connects when something is to be published and disconnects at the end. The server stays
connected: the connection is made again by itself, and its end is known (``connection_supervisor``).

Nothing is ever kept to be sent later: the ledger is the outbox. What is published is acknowledged,
or the caller learns that it was not.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from weighbridge.core.errors import Problem, RetryLater
from weighbridge.targets.base import ServerHandle, ServerStatus
from weighbridge.targets.mqtt.bridge import Bridge
from weighbridge.targets.mqtt.broker_address import Access
from weighbridge.targets.mqtt.broker_messages import MqttMessage, PublishResult, gone, silent
from weighbridge.targets.mqtt.connection_supervisor import (
    BrokerLimits,
    ConnectionSupervisor,
    ConnectRequest,
)

if TYPE_CHECKING:
    from weighbridge.targets.mqtt.broker_connection import BrokerConnection

_NAME = "weighbridge"
_LETTERS = 23 - len(_NAME)  # every broker must take an id of 23 letters and digits (MQTT 3.1.3.1)


class Broker:
    """Constructing it connects to nothing."""

    def __init__(
        self,
        access: Access,
        bridge: Bridge,
        *,
        limits: BrokerLimits | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.access = access
        self._name = str(access.address)
        self._bridge = bridge
        self._limits = limits or BrokerLimits()
        self._uniform = uniform
        self._change = threading.Condition()
        self._connection: BrokerConnection | None = None
        self._problem: Problem | None = None
        self._supervisor: ConnectionSupervisor | None = None
        self._is_connecting = False
        self._is_closed = False
        self._published: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"Broker({self._name})"

    # publishing

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
        self.send(messages).raise_problem()

    def retained(self, topic: str) -> bytes:
        """What is retained under a topic; empty when nothing is, or we may not know."""
        deadline = self._deadline()
        connection = self._connected(deadline)
        return connection.retained(topic, deadline - time.monotonic())

    def remember(self, topic: str, payload: bytes) -> None:
        """Note what was published over this connection and need not be published again."""
        with self._change:
            self._published[topic] = payload

    def remembers(self, topic: str, payload: bytes) -> bool:
        """Whether ``remember`` was called so since the connection was made."""
        with self._change:
            return self._is_open() and self._published.get(topic) == payload

    # while the server runs

    def stay_connected(
        self, server: ServerHandle, person: str, target: str, installation: str
    ) -> None:
        """Stay connected from now on, for this person's target too. Returns at once."""
        earlier = None
        with self._change:
            if self._is_closed:
                return
            if self._supervisor is None:
                earlier, self._connection = self._connection, None
                self._supervisor = self._new_supervisor(server, installation)
                self._is_connecting = True  # publishing waits for the first attempt
                self._supervisor.start()
            supervisor = self._supervisor
        supervisor.register(person, target)
        if earlier is not None:
            earlier.close(self._limits.goodbye)

    def _new_supervisor(self, server: ServerHandle, installation: str) -> ConnectionSupervisor:
        name = f"{installation} {self.access.key(self._bridge.topics.base)}"
        digest = blake2b(name.encode(), digest_size=16).hexdigest()
        return ConnectionSupervisor(
            self._bridge,
            server,
            _NAME + digest[:_LETTERS],
            connect=self._connect,
            limits=self._limits,
            uniform=self._uniform,
        )

    def publish_status(self, person: str, status: ServerStatus) -> None:
        """How the server is doing, as far as this person is concerned. Returns at once."""
        if self._supervisor is not None:
            self._supervisor.publish_status(person, status)

    def close(self) -> None:
        """Disconnect. It takes less than two seconds even when the broker is frozen."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
        if self._supervisor is not None:
            self._supervisor.stop(self._limits.close)
        connection, self._connection = self._connection, None
        if connection is not None and connection.is_open:
            connection.close(self._limits.goodbye)

    # the connection

    def _deadline(self) -> float:
        return time.monotonic() + self._limits.answer

    def _is_open(self) -> bool:
        return self._connection is not None and self._connection.is_open

    def _connected(self, deadline: float) -> BrokerConnection:
        """The open connection. A command makes one; the server's is made by its own thread."""
        left = deadline - time.monotonic()
        with self._change:
            if not self._change.wait_for(lambda: not self._is_connecting or self._is_closed, left):
                raise silent(self._name, self._limits.answer)
            if self._is_closed:
                raise RetryLater(code="mqtt.stopping")
            if self._connection is not None and self._connection.is_open:
                return self._connection
            if self._supervisor is not None:
                raise self._problem or gone(self._name)
            self._is_connecting = True
        request = ConnectRequest(_NAME + secrets.token_hex(_LETTERS)[:_LETTERS])
        return self._connect(request, deadline - time.monotonic())

    def _connect(self, request: ConnectRequest, seconds: float) -> BrokerConnection:
        """Make the connection, and have the request's own messages published over it."""
        from weighbridge.targets.mqtt.broker_connection import BrokerConnection

        with self._change:
            self._is_connecting = True
        connection: BrokerConnection | None = None
        ready: BrokerConnection | None = None
        problem: Problem | None = None
        try:
            connection = BrokerConnection(
                self.access,
                request.client_id,
                will=request.will,
                on_message=request.on_message,
                on_end=request.on_end,
            )
            connection.open(seconds)
            request.on_connect(connection)
            ready = connection
            return connection
        except Problem as found:
            problem = found
            raise
        finally:
            is_too_late = self._end_attempt(ready, problem)
            if connection is not None and (ready is None or is_too_late):
                connection.cut()

    def _end_attempt(self, ready: BrokerConnection | None, problem: Problem | None) -> bool:
        """Record the result; whether the connection came too late to be wanted."""
        with self._change:
            self._is_connecting = False
            self._published.clear()
            self._problem = problem
            self._connection = ready if ready is not None and ready.is_open else None
            self._change.notify_all()
            return self._is_closed
