"""What is said about one measurement: the name, then one or two clauses.

There is no full stop at the end: after a number some engines would read it as an ordinal
("Puls zweiundsechzigste").
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from weighbridge.core.errors import ConfigProblem
from weighbridge.targets.mqtt.speech.speech_texts import LANGUAGES, Language, read_language
from weighbridge.targets.mqtt.speech.spoken_amounts import (
    UNITS,
    spoken_count,
    spoken_temperature,
    spoken_weight,
)

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
