"""The accounts of the sandbox's TrainerRoad and what their profile holds.

Two exist from the start, so that a demonstration can sign both in:

    user name    e-mail              password             shows weights in
    anna-rides   anna@example.test   anna-climbs-hills    kilograms
    ben-rides    ben@example.test    ben-likes-the-flat   pounds

Of a profile only ``weightKg`` and ``ftp`` are known by name
(docs/reference/trainerroad.md#profile); the other names are invented after the fields of the old
form. ``virtualPower`` keeps its own casing: some payloads hold PascalCase parts in a camelCase
object (docs/reference/trainerroad.md#key-casing).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

METRIC, IMPERIAL = "kmh", "mph"


class Account(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One rider. ``profile`` is the rider-information object, with camelCase keys."""

    username: str
    email: str
    password: str
    member_id: int = 0
    profile: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Account({self.username!r})"

    def listed(self) -> dict[str, Any]:
        """What the administration may show: not the password."""
        return {"member_id": self.member_id, "username": self.username, "email": self.email}


def new_profile(weight_kg: float, ftp: int, units: str = METRIC) -> dict[str, Any]:
    """A complete profile. ``units`` is what the rider sees; ``weightKg`` is always kilograms."""
    return {
        "timeZoneId": "Europe/Paris",
        "units": units,
        "weightKg": weight_kg,
        "ftp": ftp,
        "genderId": 2,
        "genderCustomText": None,
        "dateOfBirth": "1988-04-01T00:00:00",
        "locale": "en-US",
        "isPrivate": False,
        "virtualPower": {"Enabled": True, "TrainerId": 118, "TirePressure": 7.50},
    }


def first_accounts() -> list[Account]:
    """Anna sees kilograms, Ben sees pounds."""
    return [
        Account(
            username="anna-rides",
            email="anna@example.test",
            password="anna-climbs-hills",  # noqa: S106 (documented, opens only the sandbox)
            profile=new_profile(70.0, 231),
        ),
        Account(
            username="ben-rides",
            email="ben@example.test",
            password="ben-likes-the-flat",  # noqa: S106 (documented, opens only the sandbox)
            profile=new_profile(88.0, 268, IMPERIAL),
        ),
    ]


class Accounts:
    """All accounts, found by number, by user name or e-mail."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts: dict[int, Account] = {}
        for account in accounts:
            self.add(account)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def add(self, account: Account) -> Account:
        """Number and keep an account. Raises ValueError when a name or e-mail is taken."""
        taken = {name for other in self for name in _names(other)}
        if taken & set(_names(account)):
            raise ValueError(f"There is an account {account.username} already. Choose other names.")
        account.member_id = account.member_id or 51_000_001 + len(self._accounts)
        account.profile = account.profile or new_profile(75.0, 200)
        self._accounts[account.member_id] = account
        return account

    def by_id(self, member_id: int) -> Account:
        """The account with this number; it must exist."""
        return self._accounts[member_id]

    def by_name(self, name: str) -> Account:
        """The account with this user name or e-mail. Raises ValueError when there is none."""
        for account in self:
            if name.lower() in _names(account):
                return account
        raise ValueError(f"There is no account {name}. The action accounts lists all.")

    def signed_in_by(self, name: object, password: object) -> Account | None:
        """The account whom this user name or e-mail and this password open, or None."""
        for account in self:
            if str(name).lower() in _names(account) and account.password == password:
                return account
        return None


def _names(account: Account) -> tuple[str, str]:
    return account.username.lower(), account.email.lower()
