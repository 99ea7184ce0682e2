"""Why something is as it is: a code and values. What the database keeps instead of a sentence.

The words are in ``i18n/<language>/problems.toml`` and are looked up when they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from weighbridge.i18n.problems import message_of, remedy_of

ENGLISH = "en"
PLAIN = "plain"
"""The code of a text that is shown as it is: its values are ``message`` and ``remedy``."""


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """A code and the values of its texts. A value may be another reason, as a mapping."""

    code: str
    values: Mapping[str, Any] = {}

    def message(self, language: str = ENGLISH) -> str:
        """What happened. For an unknown language or code: the best there is, never an error."""
        if self.code == PLAIN:
            return str(self.values.get("message") or "")
        return message_of(self.code, self._shown(language), language)

    def remedy(self, language: str = ENGLISH) -> str:
        """What a person does next; empty where there is nothing to do."""
        if self.code == PLAIN:
            return str(self.values.get("remedy") or "")
        return remedy_of(self.code, self._shown(language), language)

    def sentences(self, language: str = ENGLISH) -> str:
        """What happened and what a person does next."""
        return f"{self.message(language)} {self.remedy(language)}".rstrip()

    def to_json(self) -> str:
        """As the database keeps it."""
        return msgspec.json.encode(self).decode()

    def _shown(self, language: str) -> dict[str, Any]:
        return {name: _shown(value, language) for name, value in self.values.items()}


class HasReason(Protocol):
    """A problem: what went wrong has a reason."""

    @property
    def reason(self) -> Reason: ...


type Value = str | int | float | bool | Reason | HasReason | None
"""What a text may be filled with. Of a problem or a reason, its message is shown."""


def reason(code: str, /, **values: Value) -> Reason:
    """A reason that no error brought, for instance ``reason("delivery.newer")``."""
    return Reason(code, {name: _stored(value) for name, value in values.items()})


def reason_of(said: HasReason | str) -> Reason:
    """The reason of a problem; a finished text is kept as it is."""
    return plain(said) if isinstance(said, str) else said.reason


def plain(message: str, remedy: str = "") -> Reason:
    """A finished text, shown as it is in every language."""
    return Reason(PLAIN, {"message": message, "remedy": remedy} if remedy else {"message": message})


def read_reason(stored: str | None) -> Reason | None:
    """What ``to_json`` wrote; None for nothing."""
    return msgspec.json.decode(stored, type=Reason) if stored else None


def _stored(value: Value) -> Any:
    if isinstance(value, str | int | float | dict | None):
        return value
    return msgspec.to_builtins(value if isinstance(value, Reason) else value.reason)


def _shown(value: Any, language: str) -> Any:
    return msgspec.convert(value, Reason).message(language) if isinstance(value, dict) else value
