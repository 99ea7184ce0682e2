"""Which form a word takes after a number: ``1 kilogram``, ``2 kilograms``.

The names of the forms and the rules are those of Unicode CLDR, "Language Plural Rules", for
numbers as we say them: without zeros after the decimal sign, so 1.0 is one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

Rule = Literal["one", "below_two", "polish"]
"""``plural_rule`` in a language's catalogue."""


def _one(number: Decimal) -> str:
    """English, German, Spanish and Dutch: only exactly one is singular."""
    return "one" if number == 1 else "other"


def _below_two(number: Decimal) -> str:
    """French: *1,9 kilogramme*, but *2 kilogrammes*."""
    return "one" if number < 2 else "other"


def _polish(number: Decimal) -> str:
    """*1 kilogram, 22 kilogramy, 12 kilogramów*, and ``other`` for fractions: *0,5 kilograma*."""
    if number % 1:
        return "other"
    if number == 1:
        return "one"
    ends_in_two_to_four = 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14
    return "few" if ends_in_two_to_four else "many"


_RULES: dict[Rule, tuple[Callable[[Decimal], str], frozenset[str]]] = {
    "one": (_one, frozenset({"one", "other"})),
    "below_two": (_below_two, frozenset({"one", "other"})),
    "polish": (_polish, frozenset({"one", "few", "many", "other"})),
}


def plural_form(rule: Rule, number: Decimal) -> str:
    """The form that a word takes after a number that is not negative."""
    choose, _ = _RULES[rule]
    return choose(number)


def forms_of(rule: Rule) -> frozenset[str]:
    """Every form that the rule can ask for: what a catalogue must have for each counted word."""
    _, forms = _RULES[rule]
    return forms
