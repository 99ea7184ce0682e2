"""Logins, kept in the same database as everything else: replaced in one transaction or not at all.

A credential is bound to the account that it was issued for, and the one before it is kept (a
refresh whose answer was lost may leave the older token as the valid one:
docs/reference/withings-api.md#tokens).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from weighbridge.core.errors import ConfigProblem
from weighbridge.core.reason import Reason, read_reason
from weighbridge.core.secret import TokenPair
from weighbridge.storage.database import Database, Row
from weighbridge.storage.leases import Leases, name_of

WITHINGS = "withings"
REFRESH_SECONDS = 90.0
REFRESH_PATIENCE = 100.0


class TakenAccount(ConfigProblem):
    """An account at a target belongs to one person, and ``owner`` is another one."""

    def __init__(self, kind: str, owner: str) -> None:
        super().__init__(code="target.taken_account", kind=kind, owner=owner)
        self.owner = owner


class _Record:
    """One row of ``credential``."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        clock: Callable[[], float],
        *,
        person: str,
        service: str,
    ) -> None:
        self._database = database
        self._leases = leases
        self._clock = clock
        self.person = person
        self.service = service

    def row(self) -> Row | None:
        return self._database.one("credential_of", person=self.person, service=self.service)

    def put(self, secret: bytes, account: str) -> None:
        with self._database.transaction():
            self._database.run(
                "store_credential",
                person=self.person,
                service=self.service,
                account=account,
                secret=secret.decode(),
                now=self._clock(),
            )

    def mark_login_needed(self, why: Reason) -> None:
        with self._database.transaction():
            self._database.run(
                "mark_login_needed", person=self.person, service=self.service, reason=why.to_json()
            )

    def login_needed(self) -> Reason | None:
        row = self.row()
        return read_reason(row["login_needed"]) if row else None

    def forget(self) -> None:
        """Forget the login and the one before it.

        Hold the lease: a renewal that is under way would bring it back.
        """
        with self._database.transaction():
            self._database.run("forget_credential", person=self.person, service=self.service)

    @contextmanager
    def _hold(self, seconds: float) -> Iterator[None]:
        name = name_of("login", self.person, self.service)
        with self._leases.hold(name, seconds=seconds, patience=REFRESH_PATIENCE):
            yield


class WithingsTokens(_Record):
    """The token pair of one person's Withings account (``sources.withings.token_refresh``)."""

    def __init__(
        self, database: Database, leases: Leases, clock: Callable[[], float], person: str
    ) -> None:
        super().__init__(database, leases, clock, person=person, service=WITHINGS)

    def load(self) -> TokenPair | None:
        """The newest pair, or None before the first login."""
        row = self.row()
        return msgspec.json.decode(row["secret"], type=TokenPair) if row else None

    def previous(self) -> TokenPair | None:
        """The pair before the newest one."""
        row = self.row()
        if row is None or row["previous"] is None:
            return None
        return msgspec.json.decode(row["previous"], type=TokenPair)

    def store(self, pair: TokenPair) -> None:
        """Replace the pair; the old one is kept as ``previous``. Durable when it returns."""
        self.put(msgspec.json.encode(pair), pair.userid)

    @contextmanager
    def lease(self, seconds: float) -> Iterator[None]:
        """Held by one process at a time while it refreshes; waits for its turn."""
        with self._hold(seconds):
            yield


class TargetSession(_Record):
    """The login of one person at one target (``weighbridge.targets.base.Session``)."""

    def __init__(  # noqa: PLR0913  who, where, and what it takes to keep it
        self,
        database: Database,
        leases: Leases,
        clock: Callable[[], float],
        *,
        person: str,
        target: str,
        kind: str,
    ) -> None:
        super().__init__(database, leases, clock, person=person, service=_service(target))
        self._kind = kind

    def load(self) -> Any | None:
        """What was stored last, or None."""
        row = self.row()
        return msgspec.json.decode(row["secret"]) if row else None

    def store(self, secret: Any, *, account: str) -> None:
        """Replace the record in one transaction."""
        self.put(msgspec.json.encode(secret), f"{self._kind}:{account}")

    def account(self) -> str | None:
        """The account that was logged in; "" when that is not known yet."""
        row = self.row()
        return row["account"].partition(":")[2] if row else None

    def bind(self, account: str) -> None:
        """Name the account of a login that was stored without one. Raises ConfigProblem."""
        with self._database.transaction():
            self.refuse_shared(account)
            self._database.run(
                "bind_credential",
                person=self.person,
                service=self.service,
                unbound=f"{self._kind}:",
                account=f"{self._kind}:{account}",
            )

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Held by one process at a time while it renews the login."""
        with self._hold(REFRESH_SECONDS):
            yield

    def refuse_shared(self, account: str) -> None:
        """People do not mix: one account at a target belongs to one person."""
        row = self._database.one(
            "credential_by_account", account=f"{self._kind}:{account}", person=self.person
        )
        if row:
            raise TakenAccount(self._kind, row["person"])


def withings_login_row(database: Database, person: str) -> Row | None:
    """The row of a person's login at Withings; None: there is none."""
    return database.one("credential_of", person=person, service=WITHINGS)


def has_target_login(database: Database, person: str, target: str) -> bool:
    """Whether a person ever signed in at a target and did not disconnect it since."""
    return database.one("credential_of", person=person, service=_service(target)) is not None


def _service(target: str) -> str:
    """Under which name the login of a target is stored."""
    return f"target {target}"


class WithingsLoginState(msgspec.Struct, frozen=True):
    """How the Withings login of a person stands. ``stored_at``: seconds since 1970."""

    works: bool
    stored_at: float
    has_problem: bool
    """The last time that Withings was asked, something was wrong."""


def withings_login_states(database: Database) -> dict[str, WithingsLoginState]:
    """By person, for all who ever logged in."""
    return {
        row["person"]: WithingsLoginState(
            bool(row["works"]), row["stored_at"], bool(row["in_trouble"])
        )
        for row in database.all("withings_logins")
    }
