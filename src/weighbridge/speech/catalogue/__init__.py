"""The words of each language: ``<code>.toml`` beside this file, read when it is first asked for.

A text more is a field more here and a line more in each file: reading is strict, so a file
that lacks it, or that has one nobody knows, is an error (and the tests read them all). Texts of
another subject get a table and a class of their own beside ``Phrases``. A language more is a file
more, its code in ``LANGUAGES`` and, if it counts in a new way, a rule in ``plurals.py``.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec

from weighbridge.speech.plurals import Rule, plural_form

LANGUAGES = ("en", "de", "fr", "es", "pl", "nl")

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


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the catalogue."""

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
    text = Path(__file__).with_name(f"{code}.toml").read_bytes()
    return msgspec.toml.decode(text, type=Language)
