"""Living at a broker while the server runs: being there, coming back, and hearing the doorbell.

One thread of its own does it all. paho's thread only rings; it never waits here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.backoff import backoff
from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.targets.base import ServerHandle, ServerStatus
from weighbridge.targets.mqtt.bridge import OFFLINE, ONLINE, Bridge, together
from weighbridge.targets.mqtt.broker_messages import Heard, MqttMessage

if TYPE_CHECKING:
    from weighbridge.targets.mqtt.broker_connection import BrokerConnection

log = logging.getLogger(__name__)


class ReconnectPolicy(msgspec.Struct, frozen=True):
    """How patient we are, in seconds."""

    shortest: float = 1.0
    longest: float = 60.0
    """Between two attempts to connect; they come slower and slower, never in step with others."""
    steady: float = 30.0
    """A connection that lasted so long was a good one: the next attempt comes soon again."""
    birth: tuple[float, float] = (1.0, 5.0)
    """After Home Assistant's birth, so that many bridges do not answer at once."""


class ConnectRequest(msgspec.Struct, frozen=True):
    """Who makes a connection, and what is to happen with it."""

    client_id: str
    will: MqttMessage | None = None
    heard: Callable[[Heard], None] = lambda heard: None
    ended: Callable[[], None] = lambda: None
    greet: Callable[[BrokerConnection], None] = lambda connection: None


class SupervisorEvent(Enum):
    """Why the bell rang."""

    ENDED = auto()
    BIRTH = auto()
    BUTTON = auto()
    NEWS = auto()
    LEAVE = auto()


class ConnectionSupervisor:
    """What to do at the broker, and the thread that does it."""

    def __init__(  # noqa: PLR0913  it is made in one place
        self,
        bridge: Bridge,
        house: ServerHandle,
        *,
        client_id: str,
        dial: Callable[[ConnectRequest, float], BrokerConnection],
        pace: ReconnectPolicy,
        seconds: float,
        farewell: float,
        between: Callable[[float, float], float],
    ) -> None:
        self._bridge = bridge
        self._house = house
        self._dial = dial
        self._pace = pace
        self._seconds = seconds
        self._farewell = farewell
        self._between = between
        self._caller = ConnectRequest(
            client_id,
            will=bridge.will,
            heard=self._hear,
            ended=lambda: self._ring(SupervisorEvent.ENDED),
            greet=self._greet,
        )
        self._bell = threading.Condition()
        self._notes: set[SupervisorEvent] = set()
        self._guests: dict[tuple[str, str], None] = {}
        self._news: dict[str, ServerStatus] = {}
        self._is_battery_known = False
        self._is_battery_shown = False
        self._is_home = False
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="weighbridge-mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect, in the background."""
        self._thread.start()

    def welcome(self, person: str, target: str) -> None:
        """Register a target; it is called when the broker is reachable (again)."""
        with self._bell:
            is_late = self._is_home and (person, target) not in self._guests
            self._guests[person, target] = None
        if is_late:
            self._house.came_back(person, target)

    def report(self, person: str, news: ServerStatus) -> None:
        """Remember how the server is doing and say so soon."""
        with self._bell:
            if self._news.get(person) == news:
                return
            self._news[person] = news
            self._is_battery_known |= news.battery is not None
        self._ring(SupervisorEvent.NEWS)

    def leave(self, seconds: float) -> None:
        """Say goodbye and end the thread; at most so many seconds."""
        self._ring(SupervisorEvent.LEAVE)
        self._thread.join(seconds)

    # in paho's thread

    def _hear(self, heard: Heard) -> None:
        if self._bridge.is_birth(heard):
            self._ring(SupervisorEvent.BIRTH)
        elif self._bridge.is_button(heard):
            self._ring(SupervisorEvent.BUTTON)

    def _ring(self, note: SupervisorEvent) -> None:
        with self._bell:
            self._notes.add(note)
            self._bell.notify_all()

    # in our own thread

    def _run(self) -> None:
        while not self._is_leaving():
            began = time.monotonic()
            problem: Problem | None = None
            try:
                self._live()
            except Problem as found:
                problem = found
                self._tell(found)
            except Exception:  # a defect of ours must not end the thread
                log.exception("mqtt_failed")
            with self._bell:
                self._is_home = False
                self._notes.discard(SupervisorEvent.ENDED)
            lasted = time.monotonic() - began
            self._rest(self._wait_after(problem, lasted))

    def _tell(self, problem: Problem) -> None:
        """Tell every target once that the login was refused, until the broker is back."""
        level = logging.INFO if self._failures else logging.WARNING
        log.log(level, "mqtt_not_connected", extra={"problem": str(problem)})
        if isinstance(problem, LoginNeeded) and not self._failures:
            with self._bell:
                guests = list(self._guests)
            for person, target in guests:
                self._house.locked_out(person, target)

    def _wait_after(self, problem: Problem | None, lasted: float) -> float:
        """Seconds until the next attempt. A refused login will not heal quickly."""
        pace = self._pace
        self._failures = 0 if lasted >= pace.steady else self._failures + 1
        slow = isinstance(problem, LoginNeeded)
        growing = backoff(self._failures + 1, pace.shortest, pace.longest)
        most = pace.longest if slow else growing
        return self._between(max(pace.shortest, most / 2), most)

    def _rest(self, seconds: float) -> None:
        with self._bell:
            self._bell.wait_for(lambda: SupervisorEvent.LEAVE in self._notes, seconds)

    def _live(self) -> None:
        """From one connection to its end. Raises the Problem that kept it from being made."""
        connection = self._dial(self._caller, self._seconds)
        try:
            log.info("mqtt_connected")
            self._tell_guests()
            self._attend(connection)
        finally:
            if connection.is_open:
                connection.cut()

    def _attend(self, connection: BrokerConnection) -> None:
        """Do what the bell rings for, until the connection ends or we leave."""
        greet_at: float | None = None
        while True:
            notes = self._next_notes(greet_at)
            if SupervisorEvent.LEAVE in notes:
                self._take_leave(connection)
                return
            if not connection.is_open:
                return
            if SupervisorEvent.BIRTH in notes and greet_at is None:
                greet_at = time.monotonic() + self._between(*self._pace.birth)
            if greet_at is not None and time.monotonic() >= greet_at:
                greet_at = None
                self._greet(connection)
                self._tell_guests()
            if SupervisorEvent.NEWS in notes:
                self._tell_news(connection)
            if SupervisorEvent.BUTTON in notes:
                self._house.sync_now()
                self._say(connection, self._bridge.done())

    def _next_notes(self, until: float | None) -> set[SupervisorEvent]:
        """What the bell rang for; empty when ``until`` (by the monotonic clock) came first."""
        seconds = None if until is None else max(0.0, until - time.monotonic())
        with self._bell:
            self._bell.wait_for(lambda: self._notes, seconds)
            notes = set(self._notes)
            self._notes -= notes - {SupervisorEvent.LEAVE}
            return notes

    def _greet(self, connection: BrokerConnection) -> None:
        """Everything that is to be known of us. Raises RetryLater or LoginNeeded."""
        bridge, seconds = self._bridge, self._seconds
        if not connection.subscribe(bridge.hears, seconds):
            log.warning("mqtt_may_not_subscribe")  # readings still arrive
        messages = [bridge.state(ONLINE), bridge.info(self._all_news())]
        if bridge.discovers:
            messages.append(self._device(connection))
        connection.publish(messages, seconds).demand()

    def _device(self, connection: BrokerConnection) -> MqttMessage:
        standing = connection.standing(self._bridge.topics.bridge_discovery, self._seconds)
        with self._bell:
            self._is_battery_shown = self._is_battery_known
            shown = self._is_battery_shown
        return self._bridge.device(self._house.url, has_battery=shown, standing=standing)

    def _tell_news(self, connection: BrokerConnection) -> None:
        with self._bell:
            is_more = self._is_battery_known and not self._is_battery_shown
        if is_more:
            self._greet(connection)
        else:
            self._say(connection, self._bridge.info(self._all_news()))

    def _tell_guests(self) -> None:
        with self._bell:
            self._is_home = True
            guests = list(self._guests)
        for person, target in guests:
            self._house.came_back(person, target)

    def _say(self, connection: BrokerConnection, message: MqttMessage) -> None:
        """What is lost here is published again at the next greeting, or no longer needed."""
        connection.publish([message], self._seconds)

    def _take_leave(self, connection: BrokerConnection) -> None:
        connection.publish([self._bridge.state(OFFLINE)], self._farewell)
        connection.close(self._farewell)

    def _all_news(self) -> ServerStatus:
        with self._bell:
            return together(self._news.values())

    def _is_leaving(self) -> bool:
        with self._bell:
            return SupervisorEvent.LEAVE in self._notes
