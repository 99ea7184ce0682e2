"""A measurement as a sentence that a speech engine can read aloud. Pure, in six languages.

The name, then one or two clauses. There is no full stop at the end: after a number some engines
would read it as an ordinal ("Puls zweiundsechzigste"). The words of a language are in the
``speech.toml`` of its folder in ``weighbridge.i18n``; reading is strict, so a file that lacks a
text, or has one that is not known here, is an error (and the tests read them all).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

import msgspec

from weighbridge import i18n
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.measures import KG_IN_A_POUND
from weighbridge.i18n import LANGUAGES, read_grammar
from weighbridge.i18n.plurals import Rule, plural_form

UNITS = ("metric", "imperial")

_LARGEST = 10_000
"""No body weighs that much: the value is an error and is not said."""


def spoken_weight(kg: Decimal | None, units: str) -> Decimal | None:
    """Kilograms or pounds with one decimal place; None for what cannot be said."""
    if kg is None or not _can_be_said(kg):
        return None
    return _rounded(kg if units == "metric" else kg / KG_IN_A_POUND, "0.1")


def spoken_temperature(celsius: Decimal | None, units: str) -> Decimal | None:
    """Degrees Celsius or Fahrenheit with one decimal place; None for what cannot be said."""
    if celsius is None or not _can_be_said(celsius):
        return None
    return _rounded(celsius if units == "metric" else celsius * 9 / 5 + 32, "0.1")


def spoken_count(value: Decimal | None) -> Decimal | None:
    """A whole number, as for mmHg and beats per minute; None for what cannot be said."""
    if value is None or not _can_be_said(value):
        return None
    return _rounded(value, "1")


def _can_be_said(value: Decimal) -> bool:
    """One odd value must not cost the announcement, so it is never an error."""
    return value.is_finite() and 0 <= value < _LARGEST


def _rounded(value: Decimal, step: str) -> Decimal:
    return value.quantize(Decimal(step), rounding=ROUND_HALF_UP)


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


MANNERS = ("value", "change", "value_and_change")
"""How a weight is said. "change" is for people who do not want its number said aloud."""


class Spoken(msgspec.Struct, frozen=True):
    """What there is to say: exact SI values (kg, mmHg, beats per minute, degrees Celsius).

    ``kind`` is "weight", "blood_pressure", "temperature" or anything else, of which only is said
    that it was measured. ``previous_kg`` is the weight before this one; None says there was none.
    """

    name: str
    kind: str
    kg: Decimal | None = None
    previous_kg: Decimal | None = None
    systolic: Decimal | None = None
    diastolic: Decimal | None = None
    pulse: Decimal | None = None
    celsius: Decimal | None = None


class _Voice(msgspec.Struct, frozen=True):
    """How it is said."""

    words: Language
    units: str
    manner: str


def sentence(event: Spoken, *, language: str, units: str, manner: str) -> str:
    """One sentence for a speech engine: ``Anna, 81.4 kilograms, the same as last time``.

    Full words only, no unit symbols. A value that is absent or absurd is not said and never an
    error. Raises ConfigProblem for a language, units or manner that do not exist.

    The manner is that of a weight: blood pressure and temperature are said with their numbers.
    """
    _check("language", language, LANGUAGES)
    _check("units", units, UNITS)
    _check("manner", manner, MANNERS)
    voice = _Voice(read_language(language), units, manner)
    say = _KINDS.get(event.kind)
    clauses = say(event, voice) if say else []
    return ", ".join([event.name, *(clauses or [voice.words.speech.measured])])


def _check(what: str, chosen: str, choices: tuple[str, ...]) -> None:
    if chosen not in choices:
        raise ConfigProblem(code=f"mqtt.no_{what}", chosen=chosen, choices=", ".join(choices))


def _weight(event: Spoken, voice: _Voice) -> list[str]:
    weight = spoken_weight(event.kg, voice.units)
    if weight is None:
        return []
    value = _weight_amount(weight, voice)
    change = _change(weight, spoken_weight(event.previous_kg, voice.units), voice)
    match voice.manner:
        case "value":
            return [value]
        case "change":
            return change or [voice.words.speech.weighed]
        case _:
            return [value, *change]


def _change(weight: Decimal, previous: Decimal | None, voice: _Voice) -> list[str]:
    """The difference of the numbers as they were said, so that what a listener hears adds up."""
    phrases = voice.words.speech
    if previous is None:
        return []
    if weight == previous:
        return [phrases.same]
    phrase = phrases.less if weight < previous else phrases.more
    return [phrase.format(amount=_weight_amount(abs(weight - previous), voice))]


def _weight_amount(weight: Decimal, voice: _Voice) -> str:
    nouns = voice.words.nouns
    return voice.words.amount(weight, nouns.kilogram if voice.units == "metric" else nouns.pound)


def _blood_pressure(event: Spoken, voice: _Voice) -> list[str]:
    systolic, diastolic = spoken_count(event.systolic), spoken_count(event.diastolic)
    if systolic is None or diastolic is None:
        return []
    words, number = voice.words.speech, voice.words.number
    pressure = words.pressure.format(systolic=number(systolic), diastolic=number(diastolic))
    pulse = spoken_count(event.pulse)
    return [pressure] if pulse is None else [pressure, words.pulse.format(pulse=number(pulse))]


def _temperature(event: Spoken, voice: _Voice) -> list[str]:
    degrees = spoken_temperature(event.celsius, voice.units)
    if degrees is None:
        return []
    nouns = voice.words.nouns
    noun = nouns.celsius if voice.units == "metric" else nouns.fahrenheit
    return [voice.words.amount(degrees, noun)]


_KINDS: dict[str, Callable[[Spoken, _Voice], list[str]]] = {
    "weight": _weight,
    "blood_pressure": _blood_pressure,
    "temperature": _temperature,
}
