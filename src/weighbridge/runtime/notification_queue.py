"""Notifications are stored here: one thread, one database connection, many notifications in one
transaction.

A disk needs about as long for a commit of a hundred notifications as for a commit of one. So what
comes in during a commit shares the next one, and each sender is answered when its own is durable.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

import msgspec

from weighbridge.core.errors import Problem, RetryLater
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.sources.withings.notification import Notification
from weighbridge.storage.database import Database
from weighbridge.storage.notification_store import (
    Stored,
    forget_old_notifications,
    store_notifications,
)

ROOM = 2000
"""How many may wait. Withings repeats the others (docs/reference/withings-api.md#delivery)."""
PAUSE = 10.0
"""Seconds after which a sender that was turned away may come again: the pause of Withings."""
DAY = 86_400.0

_log = logging.getLogger(__name__)


class _Waiting(msgspec.Struct):
    """A notification that is not durable yet, and the answer that waits for that."""

    notification: Notification
    received_at: float
    answer: Future[None]


class NotificationQueue:
    """Stores notifications and has their people looked after.

    ``open_database`` is called in the thread of the queue, again after each failure. ``notified``
    is called in that thread for each person, after the commit, and must return at once.
    Notifications about people who are not ``is_ours`` are dropped.
    """

    def __init__(  # noqa: PLR0913  what is outside is passed in
        self,
        open_database: Callable[[], Database],
        clock: Callable[[], float],
        notified: Callable[[str], object],
        *,
        is_ours: Callable[[str], bool] = lambda person: True,
        counts: ProcessCounters | None = None,
        room: int = ROOM,
    ) -> None:
        self._open = open_database
        self._clock = clock
        self._notified = notified
        self._is_ours = is_ours
        self._counts = counts or ProcessCounters()
        self._room = room
        self._queue: list[_Waiting] = []
        self._change = threading.Condition()
        self._closed = False
        self._tidied_at: float | None = None
        self._database: Database | None = None
        self._thread = threading.Thread(
            target=self._work, name="weighbridge-notifications", daemon=True
        )

    def start(self) -> None:
        """Begin to store; returns at once. Notifications that came before wait for it."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Take no more, store what waits, give the database back. Harmless before ``start``."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def take(self, notification: Notification) -> Future[None]:
        """A future that is done when the notification is durable; from any thread, returns at once.

        It fails with a Problem when the notification could not be stored. Raises RetryLater when
        there is no room, or the server is about to end.
        """
        answer: Future[None] = Future()
        with self._change:
            if self._closed or len(self._queue) >= self._room:
                code = "server.stopping" if self._closed else "server.full"
                raise RetryLater(code=code, after=PAUSE)
            self._queue.append(_Waiting(notification, self._clock(), answer))
            self._change.notify()
        return answer

    def _work(self) -> None:
        try:
            while batch := self._next_batch():
                self._store(batch)
                self._tidy_up()
        finally:
            self._close_database()

    def _next_batch(self) -> list[_Waiting]:
        """Everything that waits. Empty: closed, and nothing is left."""
        with self._change:
            while not self._queue and not self._closed:
                self._change.wait()
            batch, self._queue = self._queue, []
            return batch

    def _store(self, batch: list[_Waiting]) -> None:
        # Whose sender went away is stored all the same, but cannot be taken back.
        answers = [one.answer for one in batch if one.answer.set_running_or_notify_cancel()]
        try:
            if self._database is None:
                self._database = self._open()
            notifications = [(one.notification, one.received_at) for one in batch]
            stored = store_notifications(self._database, notifications, self._is_ours)
        except Exception as error:  # a thread that died would leave every sender without answer
            self._refuse(answers, error)
            return
        self._tell_all(stored)
        for answer in answers:
            answer.set_result(None)
        self._counts.add("notifications", number=stored.kept)
        self._counts.add("notifications_dropped", "unknown_user", number=stored.unknown)

    def _refuse(self, answers: list[Future[None]], error: Exception) -> None:
        """Nothing of the batch was stored. The database is opened again for the next one."""
        self._close_database()
        text = str(error) if isinstance(error, Problem) else ""
        _log.error(
            "notifications_not_stored", extra={"kind": type(error).__name__, "problem": text}
        )
        for answer in answers:
            answer.set_exception(error)

    def _tell_all(self, stored: Stored) -> None:
        for person in stored.people:
            try:
                self._notified(person)
            except (
                Exception
            ) as error:  # the notification is durable all the same, and a poll finds it
                _log.error("not_followed", extra={"person": person, "kind": type(error).__name__})

    def _tidy_up(self) -> None:
        """Once a day, when nobody waits for it."""
        now = self._clock()
        if self._database is None or (self._tidied_at and abs(now - self._tidied_at) < DAY):
            return
        self._tidied_at = now
        try:
            forget_old_notifications(self._database, now)
        except Exception as error:  # nothing of this is worth the thread
            text = str(error) if isinstance(error, Problem) else ""
            _log.warning(
                "old_notifications_kept", extra={"kind": type(error).__name__, "problem": text}
            )

    def _close_database(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()
