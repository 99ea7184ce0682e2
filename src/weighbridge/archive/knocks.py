"""Knocks that are written down: open until somebody has looked, kept a month to tell what was said.

What Withings was told 200 for is never told again (Withings reference, section 8.4), so a knock is
stored before it is answered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from weighbridge.archive.credentials import WITHINGS
from weighbridge.archive.database import Database, Row
from weighbridge.withings.knock import NOT_OF_MEASURES, Knock

KEPT_SECONDS = 30 * 86_400
TOLERANCE = 60
"""Seconds between an announced window and an instant that still belongs to it."""

GONE = {
    "unlink": "Withings says that access for this application was taken away.",
    "delete": "Withings says that this account was deleted.",
}


class OpenKnock(msgspec.Struct, frozen=True):
    """A knock that nobody has looked after yet. Times are seconds since 1970."""

    id: int
    appli: int
    first_at: int | None
    last_at: int | None
    action: str | None
    received_at: float


class Stored(msgspec.Struct, frozen=True):
    """What became of a pile of knocks."""

    people: tuple[str, ...]
    """Whom to wake, each once, in the order of the knocks."""
    kept: int
    unknown: int
    """Knocks for a userid that nobody here has, or has any more: dropped."""


def store_knocks(
    database: Database,
    knocks: Iterable[tuple[Knock, float]],
    people: Collection[str] | None = None,
) -> Stored:
    """Write down knocks with the time each was received, in one transaction.

    A knock that asks for nothing is settled at once. One that says the account is gone marks the
    login of its person and wakes that person, so that everybody hears of it soon. ``people``: who
    is looked after; None: everybody who ever had an account.
    """
    accounts: dict[str, Row | None] = {}
    wake: dict[str, None] = {}
    kept = unknown = 0
    with database.transaction():
        for knock, received_at in knocks:
            if knock.userid not in accounts:
                accounts[knock.userid] = database.one("account_by_userid", userid=knock.userid)
            account = accounts[knock.userid]
            if account is None or (people is not None and account["person"] not in people):
                unknown += 1
                continue
            kept += 1
            _store(database, account["id"], knock, received_at)
            if knock.account_gone:
                mark_account_gone(database, account["person"], knock.action or "")
            if knock.account_gone or knock.asks_to_fetch:
                wake[account["person"]] = None
    return Stored(tuple(wake), kept, unknown)


def _store(database: Database, account: int, knock: Knock, received_at: float) -> None:
    database.run(
        "add_knock",
        account=account,
        appli=knock.appli,
        first_at=knock.first_at,
        last_at=knock.last_at,
        action=knock.action,
        received_at=received_at,
        done_at=None if knock.asks_to_fetch else received_at,
    )


def mark_account_gone(database: Database, person: str, action: str) -> None:
    """Pause the Withings login of a person until the next login, or until a renewal works."""
    reason = GONE.get(action, GONE["unlink"])
    database.run("mark_login_needed", person=person, service=WITHINGS, reason=reason)


def open_knocks(database: Database, account: int) -> list[OpenKnock]:
    """What nobody has looked after yet, oldest first. Ask before Withings is asked."""
    return [OpenKnock(*row) for row in database.all("open_knocks", account=account)]


def people_with_open_knocks(database: Database) -> list[str]:
    """Who knocked before the server stopped: they are brought up to date first."""
    return [row["person"] for row in database.all("people_with_open_knocks")]


def settle_knocks(database: Database, ids: Collection[int], now: float) -> None:
    """They were looked after. Give only knocks that were stored before Withings was asked."""
    with database.transaction():
        database.run_many("settle_knock", ({"id": id_, "now": now} for id_ in ids))


def forget_old_knocks(database: Database, now: float) -> int:
    """Delete what was settled more than 30 days ago; the number of knocks."""
    return database.run("forget_knocks", before=now - KEPT_SECONDS)


def announced(database: Database, account: int, taken_at: int) -> bool:
    """Whether a knock told of a measurement at this instant, give or take a minute.

    False as well for an instant of which the knocks are forgotten already.
    """
    rows = database.all(
        "knocks_announcing",
        account=account,
        earliest=taken_at - TOLERANCE,
        latest=taken_at + TOLERANCE,
    )
    return any(row["appli"] not in NOT_OF_MEASURES for row in rows)
