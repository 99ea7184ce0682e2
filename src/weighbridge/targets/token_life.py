"""A login that is renewed: one renewal at a time, stored before it is used.

A refresh token may die at its first use, and its successor comes in the answer. So a renewal holds
a lease from before the request until the new tokens are stored, and who waited for the lease takes
what the other one stored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import msgspec

from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.targets.base import Session


class TokenLife[T: msgspec.Struct](ABC):
    """The login of one person, kept in a session. ``login`` is the command for a new one."""

    def __init__(self, session: Session, login: str) -> None:
        self._session = session
        self._login = login

    @abstractmethod
    def read(self, stored: Any) -> T | None:
        """The tokens in what the session holds; None when it is absent or incomplete."""

    @abstractmethod
    def is_old(self, tokens: T) -> bool:
        """Whether tokens are to be renewed before they are used."""

    @abstractmethod
    def renewed(self, tokens: T) -> T:
        """Ask for new tokens, once. Only a complete answer may be returned.

        Raises LoginNeeded when the other side does not know these, and RetryLater.
        """

    @abstractmethod
    def never_logged_in(self) -> LoginNeeded:
        """What to say when there are no tokens."""

    def current(self) -> T:
        """Tokens that can be used. Raises LoginNeeded or RetryLater."""
        tokens = self._load()
        return self.renew(tokens) if self.is_old(tokens) else tokens

    def renew(self, stale: T) -> T:
        """Replace tokens that are old or were refused, unless another process already did."""
        with self._session.lease():
            tokens = self._load()
            if tokens != stale and not self.is_old(tokens):
                return tokens
            return self._renew(tokens)

    def login_needed(self, problem: Problem) -> LoginNeeded:
        """The same problem with the command that cures it."""
        return LoginNeeded(code="target.log_in", cause=problem, login=self._login)

    def _renew(self, tokens: T) -> T:
        try:
            fresh = self.renewed(tokens)
        except LoginNeeded as problem:
            raise self.login_needed(problem) from None
        # Stored before it is used: the old refresh token may be dead from now on.
        self._session.store(msgspec.to_builtins(fresh), account=self._session.account() or "")
        return fresh

    def _load(self) -> T:
        tokens = self.read(self._session.load())
        if tokens is None:
            raise self.never_logged_in()
        return tokens
