"""What we remember about subscriptions: their secrets, our addresses, the state of each account.

The secret is the last part of the address that Withings notifies: a request to that address is
taken for a notification. The newest secret is used; older ones are accepted until all
subscriptions have moved to it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from weighbridge.core.errors import Problem
from weighbridge.core.reason import Reason, read_reason
from weighbridge.storage.database import Database, Row

LEFT_OUT_SECONDS = 7 * 86_400.0
"""A subject that Withings does not offer is asked for again after a week: plans change."""
_TICK = 0.001
"""Seconds by which a new secret is newer than the last one, whatever the clock says."""


def new_secret() -> str:
    """43 characters that nobody can guess and that need no escaping in an address."""
    import secrets

    return secrets.token_urlsafe(32)


def current_secret(database: Database, now: float, make: Callable[[], str] = new_secret) -> str:
    """The secret of the address that is notified. Made at the first call, then the same."""
    known = accepted_secrets(database)
    if known:
        return known[0]
    with database.transaction():  # it begins with the lock: two processes make one secret
        known = accepted_secrets(database)
        return known[0] if known else rotate(database, now, make)


def accepted_secrets(database: Database) -> tuple[str, ...]:
    """All secrets that still open the door, the current one first."""
    return tuple([row["secret"] for row in database.all("notify_secrets")])


def rotate(database: Database, now: float, make: Callable[[], str] = new_secret) -> str:
    """Make a new secret. The ones before stay accepted until they are retired."""
    secret = make()
    with database.transaction():
        newest = database.one("notify_secrets")
        made_at = max(now, newest["made_at"] + _TICK) if newest else now
        database.run("add_notify_secret", secret=secret, now=made_at)
    return secret


def retire(database: Database, current: str, now: float) -> int:
    """Accept nothing but ``current`` any more; the number of secrets that ended.

    Nothing ends when ``current`` is not the newest one: another one has just been made.
    """
    with database.transaction():
        if current not in accepted_secrets(database)[:1]:
            return 0
        return database.run("retire_notify_secrets", current=current, now=now)


def remember_callback(database: Database, url: str, now: float) -> None:
    """An address becomes ours, for ever. Call it before the address is first subscribed."""
    database.run("add_known_callback", url=url, now=now)


def our_callbacks(database: Database) -> frozenset[str]:
    """Every address of ours that was ever used, with whatever secret and public address."""
    return frozenset(row["url"] for row in database.all("known_callbacks"))


def look_soon(database: Database) -> None:
    """Have the subscriptions of everybody looked after at the next opportunity."""
    database.run("check_subscriptions_soon")


class SubscriptionState(msgspec.Struct, frozen=True):
    """How the subscriptions of an account stand. Times are epoch seconds."""

    callback: str | None = None
    """The address to which they were, or are being, moved."""
    listed_at: float | None = None
    """When all of them were last in order under ``callback``; None: never yet."""
    trouble: Reason | None = None
    trouble_at: float | None = None
    """Since when they are not in order."""
    next_try_at: float = 0.0
    steps: int = 0
    """Failures in a row."""

    def settled_at(self, callback: str) -> bool:
        """Whether nothing of ours is left anywhere else."""
        return self.callback == callback and self.listed_at is not None and self.trouble is None

    def __repr__(self) -> str:  # the address holds our secret
        return f"SubscriptionState(listed_at={self.listed_at}, trouble={self.trouble!r})"


class SubscriptionStore:
    """The memory of looking after one account."""

    def __init__(self, database: Database, account: int) -> None:
        self._database = database
        self._account = account

    def state(self) -> SubscriptionState | None:
        """None: nobody has looked yet."""
        row = self._database.one("subscription_state", account=self._account)
        return _state(row) if row else None

    def begin(self, callback: str) -> SubscriptionState:
        """Note where the subscriptions are to be from now on, and how they stand there."""
        self._database.run("begin_subscriptions", account=self._account, callback=callback)
        return self.state() or SubscriptionState()

    def note_in_order(self, now: float, next_try_at: float) -> None:
        """Everything is as it should be; whatever trouble there was is over."""
        self._database.run(
            "note_subscribed", account=self._account, now=now, next_try_at=next_try_at
        )

    def note_trouble(self, problem: Problem, now: float, next_try_at: float) -> None:
        """It could not be put in order. The beginning of a lasting trouble is kept."""
        self._database.run(
            "note_subscription_trouble",
            account=self._account,
            trouble=problem.reason.to_json(),
            now=now,
            next_try_at=next_try_at,
        )

    def postpone(self, next_try_at: float) -> None:
        """Nothing was learnt; look again then."""
        self._database.run("postpone_subscriptions", account=self._account, next_try_at=next_try_at)

    def note_removed(self, next_try_at: float) -> None:
        """A person has removed the subscriptions. A server makes them again, but not at once."""
        self._database.run("note_unsubscribed", account=self._account, next_try_at=next_try_at)

    def leave_out(self, appli: int, now: float) -> None:
        """Withings does not offer this subject to the application."""
        self._database.run("add_appli_not_offered", account=self._account, appli=appli, now=now)

    def left_out(self, now: float) -> frozenset[int]:
        """The subjects that are not worth a call at present."""
        rows = self._database.all(
            "applis_not_offered", account=self._account, after=now - LEFT_OUT_SECONDS
        )
        return frozenset(row["appli"] for row in rows)

    def take_back(self) -> None:
        """Ask for every subject again: a person wants to know."""
        self._database.run("forget_applis_not_offered", account=self._account)


def _state(row: Row) -> SubscriptionState:
    return SubscriptionState(**{**dict(row), "trouble": read_reason(row["trouble"])})
