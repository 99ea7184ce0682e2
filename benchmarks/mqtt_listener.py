"""A subscriber at the broker, like Home Assistant, that records when each message arrives."""

from __future__ import annotations

import queue
import time
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE = 20.0


class Listener:
    """Subscribes to everything below the base topic, in a thread of its own."""

    def __init__(self, port: int) -> None:
        self._events: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._topics: set[str] = set()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._record
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("weighbridge/#", 1)
        self._client.loop_start()

    def _record(self, _client: Any, _userdata: Any, message: Any) -> None:
        now = time.perf_counter()
        self._topics.add(message.topic)
        if message.topic.endswith("/event"):
            self._events.put(now)

    def heard(self, ending: str) -> bool:
        """Whether a message arrived under a topic of a person with this ending."""
        return any(topic.endswith(ending) and "/bridge/" not in topic for topic in self._topics)

    def next_event(self) -> float:
        """The arrival of the next event, by ``time.perf_counter``."""
        return self._events.get(timeout=PATIENCE)

    def forget(self) -> None:
        """Drop the events that arrived so far."""
        while not self._events.empty():
            self._events.get()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
