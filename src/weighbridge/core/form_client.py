"""Forms are posted, whole answers come back: what the source needs of HTTP, and how it can fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self

import msgspec


class CallFailed(Exception):
    """There is no answer. The text names the kind of the error and what is known of it."""

    @classmethod
    def because(cls, error: Exception) -> Self:
        """The same, with the text of an error of a library."""
        text = str(error)
        return cls(f"{type(error).__name__}: {text}" if text else type(error).__name__)


class NotConnected(CallFailed):
    """Nothing was sent."""


class NotSpoken(NotConnected):
    """Nothing was sent: this scheme is not spoken here."""


class NotConnectedInTime(NotConnected, TimeoutError):
    """Nothing was sent: it took too long to connect."""


class AnswerLost(CallFailed):
    """The request may have arrived, and what came back is no answer."""


class AnswerLate(CallFailed, TimeoutError):
    """The request may have arrived, and nothing came back in time."""


class FormResponse(msgspec.Struct, frozen=True):
    """One answer, read completely."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes


class FormClient(Protocol):
    """Posts forms to one service. It follows no redirect and keeps no cookie."""

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> FormResponse:
        """Post a form once. Raises CallFailed; each wait for the network has its time limit."""

    def close(self) -> None:
        """Give the connections back."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc_info: object) -> None: ...
