"""What comes back from a broker: written down by one thread, waited for by others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from weighbridge.targets.mqtt.mqtt_message import Heard


class BrokerAnswers:
    """The answers of one connection. The ``note…`` methods are called in its network thread.

    Never call into paho while holding ``_change``: it calls back here while it holds its own lock.
    """

    def __init__(self, heard: Callable[[Heard], None], ended: Callable[[], None]) -> None:
        self._heard = heard
        self._ended = ended
        self._change = threading.Condition()
        self._login: int | None = None
        self._codes: dict[int, int] = {}
        self._overheard: dict[str, list[bytes]] = {}
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

    def note_heard(self, heard: Heard) -> None:
        """A message of others."""
        with self._change:
            overheard = self._overheard.get(heard.topic)
            if overheard is not None:
                overheard.append(heard.payload)
                return
        self._heard(heard)

    def note_end(self, reason: str) -> None:
        """The connection ended."""
        with self._change:
            self.is_ended = True
            self.reason = reason
            self._change.notify_all()
        self._ended()

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
    def overhear(self, topic: str) -> Iterator[list[bytes]]:
        """Collects what is heard under a topic meanwhile, instead of passing it on."""
        overheard: list[bytes] = []
        with self._change:
            self._overheard[topic] = overheard
        try:
            yield overheard
        finally:
            with self._change:
                self._overheard.pop(topic, None)
