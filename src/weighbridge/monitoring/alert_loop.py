"""Checks once a minute whether something must be reported; while all is well, it pings.

It has a thread and a database connection of its own, so whatever is slow or broken here stops and
delays no sync. What is to be sent is stored first: a channel that is out of order is tried again
with growing pauses and gets it all the same.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from weighbridge.core.errors import ConfigProblem, Problem
from weighbridge.core.reason import Reason, reason
from weighbridge.monitoring.alert_channels import Channel, Ping
from weighbridge.monitoring.alerts import message_text, next_step, note_results, stands
from weighbridge.monitoring.checks import HealthChecks, MonitoredServer, home_result
from weighbridge.monitoring.health import WriteProbe
from weighbridge.storage.alert_store import Alert, AlertBook, AlertMessage

log = logging.getLogger(__name__)

PERIOD = 60.0
FIRST_LOOK = 5.0
"""Seconds after the start: it must not make the start slower."""
PROVE_EVERY = 600.0
"""Seconds between two proofs that the disk can be written."""
STOP_SECONDS = 0.8
"""Seconds that ``stop`` waits. A message under way then is sent once more after the next start."""


class AlertLoop:
    """The alerts of one server. ``look`` is one pass."""

    def __init__(self, server: MonitoredServer) -> None:
        alerts = server.settings.alerts
        self._server = server
        self._language = alerts.language
        self._channels = [Channel(number, url) for number, url in enumerate(alerts.urls, 1)]
        self._ping = Ping(alerts.ping) if alerts.ping else None
        self._home = _HomeWatch(len(self._channels))
        self._probe = WriteProbe(PROVE_EVERY)
        self._sent: set[int] = set()
        """Accepted by their channels, but that could not be stored yet."""
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
            self._thread.join(STOP_SECONDS)

    def look(self) -> None:
        """One pass: check, send what is to be sent, ping if all is well."""
        now = self._server.clock()
        standing, messages = 1, list[AlertMessage]()
        try:
            standing, messages = self._judge(now)
            reason_of_home = None
        except Problem as problem:
            reason_of_home = problem.reason
            log.warning("home_cannot_be_used", extra={"problem": str(problem)})
        except Exception as error:
            log.exception("watch_failed")
            reason_of_home = reason("watch.watch_failed", error=type(error).__name__)
        standing += self._home.judge(reason_of_home, now)
        sent = self._send([*messages, *self._home.messages], now)
        if standing == 0 and sent and self._ping and not self._stopping.is_set():
            self._ping.send(now)

    def _judge(self, now: float) -> tuple[int, list[AlertMessage]]:
        """How many problems exist, and what is still to be sent. Raises what the database does."""
        server = self._server
        with server.open() as services:
            database = services.database
            self._probe.renew(database, now)
            checks = HealthChecks(database, server.settings, now=now, started_at=server.started_at)
            results = list(checks.results())
            book = AlertBook(database)
            with database.transaction():
                for message in self._sent:
                    book.accepted(message)
                noted = note_results(book, results, len(self._channels), now)
                messages = book.messages(len(self._channels))
            self._sent.clear()
        for name in noted.news:
            log.warning("alert", extra={"about": name})
        return noted.standing, messages

    def _send(self, messages: Sequence[AlertMessage], now: float) -> bool:
        """Whether every message was accepted. On each channel they keep their order."""
        waiting = False
        for number, channel in enumerate(self._channels):
            for message in (one for one in messages if one.channel == number):
                if self._stopping.is_set() or not channel.is_ready(now):
                    waiting = True
                    break
                if not channel.send(message_text(message.reason, self._language), now):
                    waiting = True
                    break
                self._note_sent(message)
        return not waiting

    def _note_sent(self, message: AlertMessage) -> None:
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
            except Exception:  # or nothing would be checked any more
                log.exception("watch_failed")
            wait = PERIOD


class _HomeWatch:
    """The alert about the home folder itself. It cannot be stored there, so it is kept here."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._alert: Alert | None = None
        self._number = 0
        self.messages: list[AlertMessage] = []
        """What is to be sent. Their ids are negative."""

    def judge(self, problem: Reason | None, now: float) -> bool:
        """Whether there is one. Have it reported once it lasted, and when it is over."""
        result = home_result(problem)
        step = next_step(self._alert, result, now, heard=self._channels > 0)
        self._alert = step.alert
        if step.message is not None:
            for channel in range(self._channels):
                self._number -= 1
                self.messages.append(AlertMessage(self._number, channel, step.message, now))
        return problem is not None or stands(self._alert, result, now)

    def accepted(self, message: AlertMessage) -> bool:
        """True when it was one of these."""
        if message not in self.messages:
            return False
        self.messages.remove(message)
        return True


def _is_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("apprise") is not None
