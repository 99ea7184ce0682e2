"""The words of each language for speech: ``speech.toml`` in the catalogue.

A text more is a field more here and a line more in each file: reading is strict, so a file
that lacks it, or that has one nobody knows, is an error (and the tests read them all).
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec

from weighbridge import i18n
from weighbridge.i18n import LANGUAGES, read_grammar
from weighbridge.i18n.plurals import Rule, plural_form

__all__ = ["LANGUAGES", "Forms", "Language", "Nouns", "Phrases", "read_language"]

type Forms = dict[str, str]
"""A counted word by its plural form: ``{"one": "pound", "other": "pounds"}``."""


class Nouns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is counted, in full words: a speech engine reads "kg" or "°C" as it likes."""

    kilogram: Forms
    pound: Forms
    celsius: Forms
    fahrenheit: Forms


class Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said after the name. ``{amount}`` is a number with its noun."""

    less: str
    more: str
    same: str
    weighed: str
    pressure: str
    pulse: str
    measured: str


class _SpeechFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    nouns: Nouns
    speech: Phrases


class Language(msgspec.Struct, frozen=True):
    """The words of one language and what it takes to put numbers among them."""

    decimal_sign: str
    plural_rule: Rule
    nouns: Nouns
    speech: Phrases

    def number(self, value: Decimal) -> str:
        """A number with the language's decimal sign; ``81.0`` is said as ``81``."""
        return f"{abs(value):f}".removesuffix(".0").replace(".", self.decimal_sign)

    def amount(self, value: Decimal, noun: Forms) -> str:
        """Number and noun in the right form: ``81,4 kilograma``."""
        return f"{self.number(value)} {noun[plural_form(self.plural_rule, value)]}"


@cache
def read_language(code: str) -> Language:
    """The words of one of ``LANGUAGES``."""
    folder = Path(i18n.__file__).parent / code
    words = msgspec.toml.decode((folder / "speech.toml").read_bytes(), type=_SpeechFile)
    grammar = read_grammar(code)
    return Language(grammar.decimal_sign, grammar.plural_rule, words.nouns, words.speech)
