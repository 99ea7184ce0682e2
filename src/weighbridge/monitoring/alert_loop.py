"""Looks once a minute whether somebody must be told, and tells; while all is well, it pings.

It has a thread and a database connection of its own, so whatever is slow or broken here stops and
delays no sync. What is to be told is stored first and sent then: a channel that is out of order is
tried again with growing pauses and still told.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from weighbridge.core.errors import ConfigProblem, Problem
from weighbridge.monitoring.alert_channels import Channel, Pulse
from weighbridge.monitoring.alerts import CheckResult, next_step, stands, take_down
from weighbridge.monitoring.checks import HealthChecks, MonitoredServer, home_finding
from weighbridge.monitoring.health import WriteProbe
from weighbridge.storage.alert_store import Alert, AlertBook, Message

log = logging.getLogger(__name__)

PERIOD = 60.0
FIRST_LOOK = 5.0
"""Seconds after the start: it must not make the start slower."""
PROVE_EVERY = 600.0
"""Seconds between two proofs that the disk can be written."""
ENOUGH = 0.8
"""Seconds that ``stop`` waits. A message under way then is told once more after the next start."""


class AlertLoop:
    """The watchman of one server. ``look`` is one round of his."""

    def __init__(self, server: MonitoredServer) -> None:
        alerts = server.settings.alerts
        self._server = server
        self._channels = [Channel(number, url) for number, url in enumerate(alerts.urls, 1)]
        self._pulse = Pulse(alerts.ping) if alerts.ping else None
        self._home = _HomeWatch(len(self._channels))
        self._proof = WriteProbe(PROVE_EVERY)
        self._sent: set[int] = set()
        """Taken by their channels, but the database could not be told yet."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="weighbridge-watch", daemon=True)

    def start(self) -> None:
        """Begin; returns at once. Says in the log when alerts cannot be sent at all."""
        if self._channels and not _is_installed():
            log.warning(
                "alerts_cannot_be_sent",
                extra={"reason": str(ConfigProblem(code="alerts.not_installed"))},
            )
        self._thread.start()

    def stop(self) -> None:
        """End within a second, whatever a channel is doing."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(ENOUGH)

    def look(self) -> None:
        """One evaluation: judge, tell what is to be told, ping if all is well."""
        now = self._server.clock()
        standing, messages = 1, list[Message]()
        try:
            standing, messages = self._judge(now)
            trouble = None
        except Problem as problem:
            trouble = str(problem)
            log.warning("home_cannot_be_used", extra={"problem": trouble})
        except Exception as error:
            log.exception("watch_failed")
            trouble = f"The watch failed unexpectedly ({type(error).__name__}). Look into the log."
        standing += self._home.judge(trouble, now)
        told = self._tell([*messages, *self._home.messages], now)
        if standing == 0 and told and self._pulse and not self._stopping.is_set():
            self._pulse.beat(now)

    def _judge(self, now: float) -> tuple[int, list[Message]]:
        """How many troubles stand, and what is still to be told. Raises what the database does."""
        server = self._server
        with server.open() as services:
            database = services.database
            self._proof.renew(database, now)
            survey = HealthChecks(database, server.settings, now=now, started_at=server.started_at)
            findings = list(survey.findings())
            book = AlertBook(database)
            with database.transaction():
                for message in self._sent:
                    book.accepted(message)
                taken = take_down(book, findings, len(self._channels), now)
                messages = book.messages(len(self._channels))
            self._sent.clear()
        for name in taken.news:
            log.warning("alert", extra={"about": name})
        return taken.standing, messages

    def _tell(self, messages: Sequence[Message], now: float) -> bool:
        """Whether every message was taken. On each channel they keep their order."""
        waiting = False
        for number, channel in enumerate(self._channels):
            for message in (one for one in messages if one.channel == number):
                if self._stopping.is_set() or not channel.is_ready(now):
                    waiting = True
                    break
                if not channel.tell(message.text, now):
                    waiting = True
                    break
                self._note_sent(message)
        return not waiting

    def _note_sent(self, message: Message) -> None:
        if self._home.accepted(message):
            return
        self._sent.add(message.id)
        try:
            with self._server.open() as services, services.database.transaction():
                AlertBook(services.database).accepted(message.id)
        except Problem as problem:  # it stands in ``_sent``; so it is not sent again
            log.warning("alert_sent_not_noted", extra={"problem": str(problem)})
        else:
            self._sent.discard(message.id)

    def _run(self) -> None:
        wait = FIRST_LOOK
        while not self._stopping.wait(wait):
            try:
                self.look()
            except Exception:  # nobody would watch any more
                log.exception("watch_failed")
            wait = PERIOD


class _HomeWatch:
    """The alert about the home folder itself. It cannot be kept in there, so it is kept here."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._alert: Alert | None = None
        self._number = 0
        self.messages: list[Message] = []
        """What is to be told. Their ids are negative."""

    def judge(self, trouble: str | None, now: float) -> bool:
        """Whether it stands in the way. Have it told once it lasted, and when it is over."""
        finding: CheckResult = home_finding(trouble)
        step = next_step(self._alert, finding, now, heard=self._channels > 0)
        self._alert = step.alert
        for channel in range(self._channels if step.tell else 0):
            self._number -= 1
            self.messages.append(Message(self._number, channel, step.tell or "", now))
        return trouble is not None or stands(self._alert, finding, now)

    def accepted(self, message: Message) -> bool:
        """True when it was one of these."""
        if message not in self.messages:
            return False
        self.messages.remove(message)
        return True


def _is_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("apprise") is not None
