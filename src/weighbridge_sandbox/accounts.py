"""Accounts at a stand-in: numbered, found by any of their names, opened by a password."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec


class Account(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One person. ``account_id`` 0 gets the next free number."""

    email: str
    password: str
    account_id: int = 0

    def names(self) -> tuple[str, ...]:
        """What a person may type, in lower case."""
        return (self.email.lower(),)

    def __repr__(self) -> str:
        return f"Account({self.names()[0]!r})"


class Accounts[A: Account]:
    """All accounts of one cloud. ``first`` is the number of the first one."""

    def __init__(self, accounts: Iterable[A], first: int) -> None:
        self._first = first
        self._accounts: dict[int, A] = {}
        for account in accounts:
            self.add(account)

    def __iter__(self) -> Iterator[A]:
        return iter(self._accounts.values())

    def add(self, account: A) -> A:
        """Number and keep an account. Raises ValueError when one of its names is taken."""
        if {name for other in self for name in other.names()} & set(account.names()):
            raise ValueError(
                f"There is an account {account.names()[0]} already. Choose other names."
            )
        account.account_id = account.account_id or self._first + len(self._accounts)
        self._accounts[account.account_id] = account
        return account

    def by_id(self, account_id: int) -> A:
        """The account with this number; it must exist."""
        return self._accounts[account_id]

    def by_name(self, name: str) -> A:
        """The account with this user name or e-mail. Raises ValueError when there is none."""
        for account in self:
            if name.lower() in account.names():
                return account
        raise ValueError(f"There is no account {name}. The action accounts lists all.")

    def number_of(self, name: str | None) -> int | None:
        """The number of the account that is named, None for all."""
        return None if name is None else self.by_name(name).account_id

    def signed_in_by(self, name: object, password: object) -> A | None:
        """The account that this name and this password open, or None."""
        for account in self:
            if str(name).lower() in account.names() and account.password == password:
                return account
        return None
