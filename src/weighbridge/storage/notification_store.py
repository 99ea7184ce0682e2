"""Stored notifications: open until Withings has been asked, kept for a month as a record.

A notification that was answered with 200 is never sent again, so it is stored before it is answered
(docs/reference/withings-api.md#delivery).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import msgspec

from weighbridge.core.reason import reason
from weighbridge.storage.database import Database, Row
from weighbridge.storage.logins import WITHINGS

KEPT_SECONDS = 30 * 86_400
TOLERANCE = 60
"""Seconds between an announced window and an instant that still belongs to it."""

GONE = {
    "unlink": reason("withings.unlinked"),
    "delete": reason("withings.deleted"),
}


class ReceivedNotification(Protocol):
    """Something happened at an account of the source. Times are seconds since 1970."""

    @property
    def userid(self) -> str: ...
    @property
    def appli(self) -> int:
        """The number of its subject."""

    @property
    def first_at(self) -> int | None: ...
    @property
    def last_at(self) -> int | None: ...
    @property
    def action(self) -> str | None: ...
    @property
    def account_gone(self) -> bool:
        """Access for the application was taken away."""

    @property
    def asks_to_fetch(self) -> bool:
        """There may be something new to read."""


class OpenNotification(msgspec.Struct, frozen=True):
    """A notification that nobody has looked after yet. Times are seconds since 1970."""

    id: int
    appli: int
    first_at: int | None
    last_at: int | None
    action: str | None
    received_at: float


class Stored(msgspec.Struct, frozen=True):
    """What became of a pile of notifications."""

    people: tuple[str, ...]
    """Whom to wake, each once, in the order of the notifications."""
    kept: int
    unknown: int
    """Notifications for a userid that nobody here has, or has any more: dropped."""


def store_notifications(
    database: Database,
    notifications: Iterable[tuple[ReceivedNotification, float]],
    is_ours: Callable[[str], bool] = lambda person: True,
) -> Stored:
    """Write down notifications with the time each was received, in one transaction.

    A notification that asks for nothing is settled at once. One that says the account is gone
    marks the login of its person and wakes that person, so that everybody hears of it soon.
    ``is_ours``: whether a person with an account is still looked after here.
    """
    accounts: dict[str, Row | None] = {}
    wake: dict[str, None] = {}
    kept = unknown = 0
    with database.transaction():
        for notification, received_at in notifications:
            if notification.userid not in accounts:
                accounts[notification.userid] = database.one(
                    "account_by_userid", source=WITHINGS, userid=notification.userid
                )
            account = accounts[notification.userid]
            if account is None or not is_ours(account["person"]):
                unknown += 1
                continue
            kept += 1
            _store(database, account["id"], notification, received_at)
            if notification.account_gone:
                mark_account_gone(database, account["person"], notification.action or "")
            if notification.account_gone or notification.asks_to_fetch:
                wake[account["person"]] = None
    return Stored(tuple(wake), kept, unknown)


def _store(
    database: Database, account: int, notification: ReceivedNotification, received_at: float
) -> None:
    database.run(
        "add_notification",
        account=account,
        appli=notification.appli,
        first_at=notification.first_at,
        last_at=notification.last_at,
        action=notification.action,
        received_at=received_at,
        done_at=None if notification.asks_to_fetch else received_at,
    )


def mark_account_gone(database: Database, person: str, action: str) -> None:
    """Pause the Withings login of a person until the next login, or until a renewal works."""
    why = GONE.get(action, GONE["unlink"]).to_json()
    database.run("mark_login_needed", person=person, service=WITHINGS, reason=why)


def open_notifications(database: Database, account: int) -> list[OpenNotification]:
    """What nobody has looked after yet, oldest first. Ask before Withings is asked."""
    return [
        OpenNotification(**dict(row)) for row in database.all("open_notifications", account=account)
    ]


def people_with_open_notifications(database: Database) -> list[str]:
    """Who notified before the server stopped: they are brought up to date first."""
    return [row["person"] for row in database.all("people_with_open_notifications")]


def settle_notifications(database: Database, ids: Collection[int], now: float) -> None:
    """They were looked after. Give only notifications that were stored before Withings was
    asked."""
    with database.transaction():
        database.run_many("settle_notification", ({"id": id_, "now": now} for id_ in ids))


def forget_old_notifications(database: Database, now: float) -> int:
    """Delete what was settled more than 30 days ago; the number of notifications."""
    return database.run("forget_notifications", before=now - KEPT_SECONDS)


def announced(database: Database, account: int, taken_at: int, *, without: Collection[int]) -> bool:
    """Whether a notification told of a measurement at this instant, give or take a minute.

    ``without``: the subjects that tell of no measurement. False as well for an instant of which
    the notifications are forgotten already.
    """
    rows = database.all(
        "notifications_announcing",
        account=account,
        earliest=taken_at - TOLERANCE,
        latest=taken_at + TOLERANCE,
    )
    return any(row["appli"] not in without for row in rows)


def last_received_at(database: Database, account: int) -> float | None:
    """When Withings last notified us of an account, in epoch seconds; None: never."""
    row = database.one("last_notification", account=account)
    return row["received_at"] if row else None


def count_open_notifications(database: Database) -> int:
    """How many wait to be followed, of everybody."""
    row = database.one("count_open_notifications")
    return int(row["number"]) if row else 0
