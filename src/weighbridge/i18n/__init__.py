"""The words of six languages: ``<language>/<subject>.toml`` beside this file.

A subject is a flat file of ``key = "text with {places}"``; a text that depends on a number is a
table of its plural forms, ``{ one = "...", other = "..." }``, chosen by ``count``. English is the
master: what another language lacks is said in English, and a test compares all of them.
``language.toml`` (how a language writes numbers and dates) and ``speech.toml`` have types of
their own. Files are read when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec

from weighbridge.i18n.grammar import Grammar, read_grammar
from weighbridge.i18n.plurals import plural_form

__all__ = ["LANGUAGES", "MASTER", "Grammar", "Texts", "read_grammar", "texts"]

LANGUAGES = ("en", "de", "fr", "es", "pl", "nl")
MASTER = "en"

_HERE = Path(__file__).parent

type Text = str | dict[str, str]
"""A text, or its plural forms: ``{"one": "{count} day", "other": "{count} days"}``."""


class Texts:
    """The texts of one language. Get it with ``texts``."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.grammar = read_grammar(language)

    def __call__(self, key: str, /, **values: object) -> str:
        """The text under ``subject.key`` with its places filled in: plain, for no page.

        Back quotes, which mark code, are taken away; a page shows them with its own ``t``.
        Decimals get the decimal sign of the language. Raises KeyError for a key that English
        does not have either.
        """
        text = self.find(key, values.get("count")).replace("`", "")
        return text.format_map(self.written(values))

    def find(self, key: str, count: object = None) -> str:
        """The text as it stands in the catalogue, in the form that ``count`` asks for."""
        found = self.forms(key)
        return found if isinstance(found, str) else self.form(found, count)

    def forms(self, key: str) -> Text:
        """The text or its plural forms; those of English where the language has none."""
        subject, _, name = key.partition(".")
        found = _subject(self.language, subject).get(name)
        if found is None and self.language != MASTER:
            return texts(MASTER).forms(key)
        if found is None:
            raise KeyError(key)
        return found

    def form(self, forms: dict[str, str], count: object) -> str:
        """The one of several plural forms that a number asks for."""
        assert isinstance(count, (int, float, Decimal)), "a text with plural forms needs count="
        form = plural_form(self.grammar.plural_rule, abs(Decimal(str(count))))
        return forms.get(form, forms["other"])

    def written(self, values: Mapping[str, object]) -> dict[str, object]:
        """The values as the language writes them."""
        return {name: self._written(value) for name, value in values.items()}

    def _written(self, value: object) -> object:
        is_number = isinstance(value, (Decimal, float))
        return self.grammar.number(Decimal(str(value))) if is_number else value


@cache
def texts(language: str) -> Texts:
    """The texts of one of ``LANGUAGES``; English for any other."""
    return Texts(language) if language in LANGUAGES else texts(MASTER)


@cache
def _subject(language: str, subject: str) -> dict[str, Text]:
    path = _HERE / language / f"{subject}.toml"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    return msgspec.toml.decode(content, type=dict[str, str | dict[str, str]])
