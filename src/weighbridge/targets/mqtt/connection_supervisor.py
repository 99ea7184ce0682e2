"""The connection to a broker while the server runs: made in the background, and made again.

One thread of its own does all the work. paho's thread only records events; it never waits here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.errors import LoginNeeded, Problem, backoff
from weighbridge.targets.base import ServerHandle, ServerStatus
from weighbridge.targets.mqtt.bridge import OFFLINE, ONLINE, Bridge, combined
from weighbridge.targets.mqtt.broker_messages import MqttMessage, ReceivedMessage

if TYPE_CHECKING:
    from weighbridge.targets.mqtt.broker_connection import BrokerConnection

log = logging.getLogger(__name__)


class ReconnectPolicy(msgspec.Struct, frozen=True):
    """How often to connect again, in seconds."""

    shortest: float = 1.0
    longest: float = 60.0
    """Between two attempts; they become rarer, and never keep step with other programs."""
    steady: float = 30.0
    """After a connection of this length the pauses begin at the shortest again."""
    birth: tuple[float, float] = (1.0, 5.0)
    """After Home Assistant's birth, so that many bridges do not answer at once."""


class BrokerLimits(msgspec.Struct, frozen=True):
    """How long things may take, in seconds."""

    answer: float = 10.0
    """Publishing as a whole: connecting, if need be, and the acknowledgements."""
    goodbye: float = 0.5
    """Each packet that is sent before disconnecting."""
    close: float = 1.2
    """Disconnecting as a whole."""
    reconnect: ReconnectPolicy = ReconnectPolicy()


class ConnectRequest(msgspec.Struct, frozen=True):
    """How a connection is made, and who hears of what happens to it."""

    client_id: str
    will: MqttMessage | None = None
    on_message: Callable[[ReceivedMessage], None] = lambda message: None
    on_end: Callable[[], None] = lambda: None
    on_connect: Callable[[BrokerConnection], None] = lambda connection: None


class SupervisorEvent(Enum):
    """What the thread must react to."""

    ENDED = auto()
    BIRTH = auto()
    BUTTON = auto()
    STATUS = auto()
    STOP = auto()


class ConnectionSupervisor:
    """``connect`` makes a connection within so many seconds, or raises a Problem."""

    def __init__(  # noqa: PLR0913  it is made in one place
        self,
        bridge: Bridge,
        server: ServerHandle,
        client_id: str,
        *,
        connect: Callable[[ConnectRequest, float], BrokerConnection],
        limits: BrokerLimits,
        uniform: Callable[[float, float], float],
    ) -> None:
        self.request = ConnectRequest(
            client_id,
            will=bridge.will,
            on_message=self._received,
            on_end=lambda: self._notify(SupervisorEvent.ENDED),
            on_connect=self._publish_birth,
        )
        self._bridge = bridge
        self._server = server
        self._connect = connect
        self._limits = limits
        self._uniform = uniform
        self._change = threading.Condition()
        self._events: set[SupervisorEvent] = set()
        self._targets: dict[tuple[str, str], None] = {}
        self._status: dict[str, ServerStatus] = {}
        self._shows_battery = False
        self._is_connected = False
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="weighbridge-mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._thread.start()

    def register(self, person: str, target: str) -> None:
        """Add a target: the server hears each time that its broker is connected."""
        with self._change:
            is_late = self._is_connected and (person, target) not in self._targets
            self._targets[person, target] = None
        if is_late:
            self._server.on_connected(person, target)

    def publish_status(self, person: str, status: ServerStatus) -> None:
        """Remember how the server is doing and publish it soon."""
        with self._change:
            if self._status.get(person) == status:
                return
            self._status[person] = status
        self._notify(SupervisorEvent.STATUS)

    def stop(self, seconds: float) -> None:
        """Disconnect and end the thread; at most so many seconds."""
        self._notify(SupervisorEvent.STOP)
        self._thread.join(seconds)

    # in paho's thread

    def _received(self, message: ReceivedMessage) -> None:
        if self._bridge.is_birth(message):
            self._notify(SupervisorEvent.BIRTH)
        elif self._bridge.is_button(message):
            self._notify(SupervisorEvent.BUTTON)

    def _notify(self, event: SupervisorEvent) -> None:
        with self._change:
            self._events.add(event)
            self._change.notify_all()

    # in our own thread

    def _run(self) -> None:
        while not self._is_stopping():
            began = time.monotonic()
            problem: Problem | None = None
            try:
                self._run_connection()
            except Problem as found:
                problem = found
                self._report(found)
            except Exception:  # a defect of ours must not end the thread
                log.exception("mqtt_failed")
            with self._change:
                self._is_connected = False
                self._events.discard(SupervisorEvent.ENDED)
            pause = self._pause_after(problem, time.monotonic() - began)
            with self._change:
                self._change.wait_for(lambda: SupervisorEvent.STOP in self._events, pause)

    def _report(self, problem: Problem) -> None:
        """Log it; a refused login is reported for every target, once until the broker is back."""
        level = logging.INFO if self._failures else logging.WARNING
        log.log(level, "mqtt_not_connected", extra={"problem": str(problem)})
        if isinstance(problem, LoginNeeded) and not self._failures:
            for person, target in self._registered():
                self._server.on_login_refused(person, target)

    def _pause_after(self, problem: Problem | None, lasted: float) -> float:
        """Seconds until the next attempt. A refused login will not heal quickly."""
        policy = self._limits.reconnect
        self._failures = 0 if lasted >= policy.steady else self._failures + 1
        most = policy.longest
        if not isinstance(problem, LoginNeeded):
            most = backoff(self._failures + 1, policy.shortest, policy.longest)
        return self._uniform(max(policy.shortest, most / 2), most)

    def _run_connection(self) -> None:
        """From one connection to its end. Raises the Problem that kept it from being made."""
        connection = self._connect(self.request, self._limits.answer)
        try:
            log.info("mqtt_connected")
            self._report_connected()
            self._handle_events(connection)
        finally:
            if connection.is_open:
                connection.cut()

    def _handle_events(self, connection: BrokerConnection) -> None:
        """React to what happens, until the connection ends or we stop."""
        birth_at: float | None = None
        while True:
            events = self._next_events(birth_at)
            if SupervisorEvent.STOP in events:
                connection.publish([self._bridge.state(OFFLINE)], self._limits.goodbye)
                connection.close(self._limits.goodbye)
                return
            if not connection.is_open:
                return
            if SupervisorEvent.BIRTH in events and birth_at is None:
                birth_at = time.monotonic() + self._uniform(*self._limits.reconnect.birth)
            if birth_at is not None and time.monotonic() >= birth_at:
                birth_at = None
                self._publish_birth(connection)
                self._report_connected()
            if SupervisorEvent.STATUS in events:
                self._publish_info(connection)
            if SupervisorEvent.BUTTON in events:
                self._server.sync_now()
                self._publish(connection, self._bridge.button_answer)

    def _next_events(self, until: float | None) -> set[SupervisorEvent]:
        """What has happened; empty when ``until`` (by the monotonic clock) came first."""
        seconds = None if until is None else max(0.0, until - time.monotonic())
        with self._change:
            self._change.wait_for(lambda: self._events, seconds)
            events = set(self._events)
            self._events -= events - {SupervisorEvent.STOP}
            return events

    def _publish_birth(self, connection: BrokerConnection) -> None:
        """Everything about the bridge. Raises RetryLater or LoginNeeded."""
        bridge, seconds, status = self._bridge, self._limits.answer, self._combined()
        if not connection.subscribe(bridge.subscriptions, seconds):
            log.warning("mqtt_may_not_subscribe")  # readings still arrive
        messages = [bridge.state(ONLINE), bridge.info(status)]
        if bridge.discovers:
            retained = connection.retained(bridge.topics.bridge_discovery, seconds)
            self._shows_battery = status.battery is not None
            messages.append(
                bridge.device(self._server.url, has_battery=self._shows_battery, retained=retained)
            )
        connection.publish(messages, seconds).raise_problem()

    def _publish_info(self, connection: BrokerConnection) -> None:
        status = self._combined()
        if status.battery is not None and not self._shows_battery:
            self._publish_birth(connection)
        else:
            self._publish(connection, self._bridge.info(status))

    def _report_connected(self) -> None:
        with self._change:
            self._is_connected = True
        for person, target in self._registered():
            self._server.on_connected(person, target)

    def _publish(self, connection: BrokerConnection, message: MqttMessage) -> None:
        """What is lost here is published again at the next birth, or no longer needed."""
        connection.publish([message], self._limits.answer)

    def _registered(self) -> list[tuple[str, str]]:
        with self._change:
            return list(self._targets)

    def _combined(self) -> ServerStatus:
        with self._change:
            return combined(self._status.values())

    def _is_stopping(self) -> bool:
        with self._change:
            return SupervisorEvent.STOP in self._events
