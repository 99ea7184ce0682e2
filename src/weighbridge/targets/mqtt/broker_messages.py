"""What is published at a broker, what it answers, and what follows from that.

The numbers are reason codes of MQTT 5 (docs/reference/home-assistant.md#reason-codes). paho
translates those of MQTT 3.1.1 into them; 4 and 5 are here too, for what arrives untranslated.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import msgspec

from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.core.network import is_untrusted


class MqttMessage(msgspec.Struct, frozen=True):
    """One message; it is published with QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry: int | None = None
    """Seconds after which it is of no use; only MQTT 5 can say so."""


class ReceivedMessage(msgspec.Struct, frozen=True):
    """A message of others. ``retained``: it was published earlier and kept by the broker."""

    topic: str
    payload: bytes
    retained: bool


class PublishResult(msgspec.Struct, frozen=True):
    """What became of messages that were published together."""

    acknowledged: frozenset[int]
    """Their places in the list."""
    problem: Problem | None = None
    """Why others were not."""

    def raise_problem(self) -> None:
        """Raises the problem, if there is one."""
        if self.problem is not None:
            raise self.problem


class BrokerAnswers:
    """The answers of one connection. The ``note…`` methods are called in its network thread.

    Never call into paho while holding ``_change``: it calls back here while it holds its own lock.
    """

    def __init__(
        self, on_message: Callable[[ReceivedMessage], None], on_end: Callable[[], None]
    ) -> None:
        self._on_message = on_message
        self._on_end = on_end
        self._change = threading.Condition()
        self._login: int | None = None
        self._codes: dict[int, int] = {}
        self._collected: dict[str, list[bytes]] = {}
        self.is_accepted = False
        self.is_ended = False
        self.reason = ""
        """Why it ended, as the library says it."""

    # in the network thread

    def note_login(self, code: int) -> None:
        """The broker accepted us, or did not."""
        with self._change:
            self._login = code
            self.is_accepted = code == 0
            self._change.notify_all()

    def note(self, number: int, code: int) -> None:
        """The answer to what was sent under this number."""
        with self._change:
            self._codes[number] = code
            self._change.notify_all()

    def note_message(self, message: ReceivedMessage) -> None:
        """A message of others."""
        with self._change:
            collected = self._collected.get(message.topic)
            if collected is not None:
                collected.append(message.payload)
                return
        self._on_message(message)

    def note_end(self, reason: str) -> None:
        """The connection ended."""
        with self._change:
            self.is_ended = True
            self.reason = reason
            self._change.notify_all()
        self._on_end()

    # in other threads

    def of_login(self, seconds: float) -> int | None:
        """The reason code of the login; None: it ended without one, or the time is over."""
        with self._change:
            self._change.wait_for(lambda: self._login is not None or self.is_ended, seconds)
            return self._login

    def of(self, numbers: Collection[int], seconds: float) -> dict[int, int]:
        """Number → reason code; what is missing has no answer in time, or never will have one."""
        with self._change:
            self._change.wait_for(
                lambda: self.is_ended or all(number in self._codes for number in numbers), seconds
            )
            return {number: self._codes.pop(number) for number in numbers if number in self._codes}

    def wait_for_end(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        with self._change:
            return self._change.wait_for(lambda: self.is_ended, seconds)

    @contextmanager
    def collect(self, topic: str) -> Iterator[list[bytes]]:
        """Collect the messages under a topic meanwhile, instead of passing them on."""
        collected: list[bytes] = []
        with self._change:
            self._collected[topic] = collected
        try:
            yield collected
        finally:
            with self._change:
                self._collected.pop(topic, None)


FAILURE = 128
"""Reason codes from here on are failures."""

_LOGIN = {4, 5, 134, 135, 138, 140}
_CODES = {
    **dict.fromkeys((1, 132), "version"),
    **dict.fromkeys((2, 133), "client_id"),
    **dict.fromkeys((3, 136), "unavailable"),
    137: "busy",
    142: "client_id_taken",
    149: "too_large",
    151: "no_room",
}
"""Reason code → the end of a code ``mqtt.<...>``."""


def refused_login(broker: str, code: int, user: str) -> Problem:
    """What follows from a connection that the broker did not accept."""
    if code in _LOGIN:
        if user:
            return LoginNeeded(code="mqtt.user_refused", broker=broker, user=user)
        return LoginNeeded(code="mqtt.anonymous_refused", broker=broker)
    return _later(broker, code)


def refused_message(broker: str, code: int, topic: str) -> Problem:
    """What follows from a message that the broker did not accept (MQTT 5 only)."""
    if code in _LOGIN:
        return LoginNeeded(code="mqtt.not_allowed", broker=broker, topic=topic)
    return _later(broker, code)


def _later(broker: str, code: int) -> RetryLater:
    return RetryLater(code=f"mqtt.{_CODES.get(code, 'refused')}", broker=broker, status=code)


def unreachable(broker: str, error: Exception) -> RetryLater:
    """What follows from a connection that could not be made."""
    reason = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    if is_untrusted(error):
        return RetryLater(code="mqtt.not_trusted", broker=broker, error=reason)
    return RetryLater(code="mqtt.unreachable", broker=broker, error=reason or type(error).__name__)


def silent(broker: str, seconds: float) -> RetryLater:
    """What follows from an answer that did not come."""
    return RetryLater(code="mqtt.silent", broker=broker, seconds=round(seconds, 1))


def gone(broker: str, reason: str = "") -> RetryLater:
    """What follows from a connection that ended."""
    if reason:
        return RetryLater(code="mqtt.ended_because", broker=broker, error=reason)
    return RetryLater(code="mqtt.ended", broker=broker)
