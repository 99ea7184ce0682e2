"""What is said is short, in full words, adds up, and sounds right in six languages."""

from __future__ import annotations

import re
import string
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from weighbridge.core.errors import ConfigProblem
from weighbridge.i18n.plurals import forms_of
from weighbridge.targets.mqtt.speech import (
    LANGUAGES,
    MANNERS,
    UNITS,
    Language,
    Spoken,
    read_language,
    sentence,
)


def weight(kg: str, previous: str | None = None) -> Spoken:
    before = None if previous is None else Decimal(previous)
    return Spoken("Anna", "weight", kg=Decimal(kg), previous_kg=before)


def temperature(celsius: str) -> Spoken:
    return Spoken("Anna", "temperature", celsius=Decimal(celsius))


def blood_pressure(systolic: str, diastolic: str, pulse: str | None = None) -> Spoken:
    return Spoken(
        "Anna",
        "blood_pressure",
        systolic=Decimal(systolic),
        diastolic=Decimal(diastolic),
        pulse=None if pulse is None else Decimal(pulse),
    )


def say(
    event: Spoken, language: str = "en", units: str = "metric", manner: str = "value_and_change"
) -> str:
    return sentence(event, language=language, units=units, manner=manner)


# --- Each language ---------------------------------------------------------------------------

LESS = weight("81.43", "81.9")
MORE = weight("82", "81")
SAME = weight("81.43", "81.41")
FIRST = weight("81.43")
FEVER = temperature("38.46")
PRESSURE = blood_pressure("122", "79", "62")
OTHER = Spoken("Anna", "sleep")

METRIC = {
    "en": {
        LESS: "Anna, 81.4 kilograms, 0.5 kilograms less than last time",
        MORE: "Anna, 82 kilograms, 1 kilogram more than last time",
        SAME: "Anna, 81.4 kilograms, the same as last time",
        FIRST: "Anna, 81.4 kilograms",
        FEVER: "Anna, 38.5 degrees Celsius",
        PRESSURE: "Anna, 122 over 79, pulse 62",
        OTHER: "Anna, a new measurement",
    },
    "de": {
        LESS: "Anna, 81,4 Kilogramm, 0,5 Kilogramm weniger als beim letzten Mal",
        MORE: "Anna, 82 Kilogramm, 1 Kilogramm mehr als beim letzten Mal",
        SAME: "Anna, 81,4 Kilogramm, genauso viel wie beim letzten Mal",
        FIRST: "Anna, 81,4 Kilogramm",
        FEVER: "Anna, 38,5 Grad Celsius",
        PRESSURE: "Anna, 122 zu 79, Puls 62",
        OTHER: "Anna, eine neue Messung",
    },
    "fr": {
        LESS: "Anna, 81,4 kilogrammes, 0,5 kilogramme de moins que la dernière fois",
        MORE: "Anna, 82 kilogrammes, 1 kilogramme de plus que la dernière fois",
        SAME: "Anna, 81,4 kilogrammes, le même poids que la dernière fois",
        FIRST: "Anna, 81,4 kilogrammes",
        FEVER: "Anna, 38,5 degrés Celsius",
        PRESSURE: "Anna, 122 sur 79, pouls 62",
        OTHER: "Anna, une nouvelle mesure",
    },
    "es": {
        LESS: "Anna, 81,4 kilogramos, 0,5 kilogramos menos que la última vez",
        MORE: "Anna, 82 kilogramos, 1 kilogramo más que la última vez",
        SAME: "Anna, 81,4 kilogramos, igual que la última vez",
        FIRST: "Anna, 81,4 kilogramos",
        FEVER: "Anna, 38,5 grados Celsius",
        PRESSURE: "Anna, 122 sobre 79, pulso 62",
        OTHER: "Anna, una nueva medición",
    },
    "pl": {
        LESS: "Anna, 81,4 kilograma, o 0,5 kilograma mniej niż ostatnio",
        MORE: "Anna, 82 kilogramy, o 1 kilogram więcej niż ostatnio",
        SAME: "Anna, 81,4 kilograma, tyle samo co ostatnio",
        FIRST: "Anna, 81,4 kilograma",
        FEVER: "Anna, 38,5 stopnia Celsjusza",
        PRESSURE: "Anna, 122 na 79, puls 62",
        OTHER: "Anna, nowy pomiar",
    },
    "nl": {
        LESS: "Anna, 81,4 kilogram, 0,5 kilogram minder dan de vorige keer",
        MORE: "Anna, 82 kilogram, 1 kilogram meer dan de vorige keer",
        SAME: "Anna, 81,4 kilogram, evenveel als de vorige keer",
        FIRST: "Anna, 81,4 kilogram",
        FEVER: "Anna, 38,5 graden Celsius",
        PRESSURE: "Anna, 122 over 79, hartslag 62",
        OTHER: "Anna, een nieuwe meting",
    },
}
IMPERIAL = {
    "en": {
        LESS: "Anna, 179.5 pounds, 1.1 pounds less than last time",
        FEVER: "Anna, 101.2 degrees Fahrenheit",
    },
    "de": {
        LESS: "Anna, 179,5 Pfund, 1,1 Pfund weniger als beim letzten Mal",
        FEVER: "Anna, 101,2 Grad Fahrenheit",
    },
    "fr": {
        LESS: "Anna, 179,5 livres, 1,1 livre de moins que la dernière fois",
        FEVER: "Anna, 101,2 degrés Fahrenheit",
    },
    "es": {
        LESS: "Anna, 179,5 libras, 1,1 libras menos que la última vez",
        FEVER: "Anna, 101,2 grados Fahrenheit",
    },
    "pl": {
        LESS: "Anna, 179,5 funta, o 1,1 funta mniej niż ostatnio",
        FEVER: "Anna, 101,2 stopnia Fahrenheita",
    },
    "nl": {
        LESS: "Anna, 179,5 pond, 1,1 pond minder dan de vorige keer",
        FEVER: "Anna, 101,2 graden Fahrenheit",
    },
}
ONLY_THE_CHANGE = {
    "en": {
        LESS: "Anna, 0.5 kilograms less than last time",
        SAME: "Anna, the same as last time",
        FIRST: "Anna, a new weight was recorded",
    },
    "de": {
        LESS: "Anna, 0,5 Kilogramm weniger als beim letzten Mal",
        SAME: "Anna, genauso viel wie beim letzten Mal",
        FIRST: "Anna, ein neues Gewicht wurde erfasst",
    },
    "fr": {
        LESS: "Anna, 0,5 kilogramme de moins que la dernière fois",
        SAME: "Anna, le même poids que la dernière fois",
        FIRST: "Anna, un nouveau poids a été enregistré",
    },
    "es": {
        LESS: "Anna, 0,5 kilogramos menos que la última vez",
        SAME: "Anna, igual que la última vez",
        FIRST: "Anna, se ha registrado un nuevo peso",
    },
    "pl": {
        LESS: "Anna, o 0,5 kilograma mniej niż ostatnio",
        SAME: "Anna, tyle samo co ostatnio",
        FIRST: "Anna, zapisano nowy pomiar wagi",
    },
    "nl": {
        LESS: "Anna, 0,5 kilogram minder dan de vorige keer",
        SAME: "Anna, evenveel als de vorige keer",
        FIRST: "Anna, er is een nieuw gewicht geregistreerd",
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_of_a_language_in_metric_units(language: str) -> None:
    assert {event: say(event, language) for event in METRIC[language]} == METRIC[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_of_a_language_in_imperial_units(language: str) -> None:
    expected = IMPERIAL[language]
    assert {event: say(event, language, "imperial") for event in expected} == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_of_a_language_when_only_the_change_is_said(language: str) -> None:
    expected = ONLY_THE_CHANGE[language]
    assert {event: say(event, language, manner="change") for event in expected} == expected


@pytest.mark.parametrize(
    ("language", "amounts"),
    [
        ("en", "0 kilograms|0.1 kilograms|1 kilogram|1.1 kilograms|2 kilograms|21 kilograms"),
        ("de", "0 Kilogramm|0,1 Kilogramm|1 Kilogramm|1,1 Kilogramm|2 Kilogramm|21 Kilogramm"),
        ("fr", "0 kilogramme|0,1 kilogramme|1 kilogramme|1,9 kilogramme|2 kilogrammes"),
        ("es", "0 kilogramos|0,1 kilogramos|1 kilogramo|1,1 kilogramos|2 kilogramos"),
        ("pl", "0 kilogramów|0,1 kilograma|1 kilogram|1,1 kilograma|2 kilogramy|4 kilogramy"),
        ("pl", "5 kilogramów|11 kilogramów|12 kilogramów|14 kilogramów|20 kilogramów"),
        ("pl", "21 kilogramów|22 kilogramy|22,5 kilograma|24 kilogramy|25 kilogramów"),
        ("pl", "101 kilogramów|102 kilogramy|112 kilogramów|114 kilogramów|122 kilogramy"),
        ("nl", "0 kilogram|0,1 kilogram|1 kilogram|1,1 kilogram|2 kilogram|21 kilogram"),
    ],
)
def test_a_noun_takes_the_form_that_its_number_asks_for(language: str, amounts: str) -> None:
    for amount in amounts.split("|"):
        kg = amount.split()[0].replace(",", ".")
        assert say(weight(kg), language) == f"Anna, {amount}"


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "Anna, 1 degree Celsius"),
        ("fr", "Anna, 1 degré Celsius"),
        ("es", "Anna, 1 grado Celsius"),
        ("pl", "Anna, 1 stopień Celsjusza"),
        ("nl", "Anna, 1 graad Celsius"),
    ],
)
def test_one_degree_is_singular(language: str, expected: str) -> None:
    assert say(temperature("1.0"), language) == expected


# --- Numbers ---------------------------------------------------------------------------------


def test_a_zero_after_the_decimal_sign_is_not_said() -> None:
    assert say(weight("81.00", "80.04")) == "Anna, 81 kilograms, 1 kilogram more than last time"
    assert say(temperature("36.96")) == "Anna, 37 degrees Celsius"


def test_numbers_are_rounded_half_up() -> None:
    assert say(weight("81.25")) == "Anna, 81.3 kilograms"
    assert say(weight("81.249999")) == "Anna, 81.2 kilograms"
    assert say(blood_pressure("121.5", "78.5", "61.5")) == "Anna, 122 over 79, pulse 62"


def test_pounds_are_rounded_from_the_exact_weight() -> None:
    # 81.45 kg would be 179.7 lb when it was made from the 81.5 kg of a metric sentence.
    assert say(weight("81.45"), units="imperial") == "Anna, 179.6 pounds"


def test_the_change_is_the_difference_of_what_was_said() -> None:
    """From 81.44 to 81.96 is 0.52, but a listener heard 81.4 and hears 82."""
    assert say(weight("81.96", "81.44")) == "Anna, 82 kilograms, 0.6 kilograms more than last time"
    assert say(weight("81.04", "80.96")) == "Anna, 81 kilograms, the same as last time"


def test_a_change_in_pounds_is_made_of_pounds() -> None:
    # Both are said as 80 kilograms, yet they are 176.3 and 176.5 pounds.
    said = say(weight("80.04", "79.96"), units="imperial")
    assert said == "Anna, 176.5 pounds, 0.2 pounds more than last time"


def test_a_listener_who_asked_for_the_value_hears_no_change() -> None:
    assert say(LESS, manner="value") == "Anna, 81.4 kilograms"


# --- What is absent or absurd ----------------------------------------------------------------


def test_blood_pressure_is_said_without_a_pulse() -> None:
    assert say(blood_pressure("122", "79")) == "Anna, 122 over 79"


def test_half_a_blood_pressure_is_a_new_measurement() -> None:
    half = Spoken("Anna", "blood_pressure", systolic=Decimal(122), pulse=Decimal(62))
    assert say(half) == "Anna, a new measurement"


@pytest.mark.parametrize("kind", ["weight", "blood_pressure", "temperature", ""])
def test_a_kind_without_its_value_is_a_new_measurement(kind: str) -> None:
    assert say(Spoken("Anna", kind)) == "Anna, a new measurement"


@pytest.mark.parametrize("kg", ["NaN", "sNaN", "Infinity", "-1", "10000", "1E+999999"])
def test_an_absurd_number_is_not_said(kg: str) -> None:
    assert say(weight(kg)) == "Anna, a new measurement"
    assert say(weight("81.43", kg)) == "Anna, 81.4 kilograms"


def test_a_name_is_said_as_it_stands() -> None:
    assert say(Spoken("{amount} %s", "sleep")) == "{amount} %s, a new measurement"


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ({"language": "it"}, 'language "it" .* en, de, fr, es, pl, nl'),
        ({"units": "stone"}, 'units "stone" .* metric, imperial'),
        ({"manner": "loud"}, 'manner "loud" .* value, change, value_and_change'),
    ],
)
def test_what_cannot_be_chosen_is_refused_with_the_choices(
    choice: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigProblem, match=named):
        say(FIRST, **choice)


# --- Everywhere ------------------------------------------------------------------------------

values = st.decimals(0, 300, places=3)
events = st.builds(
    Spoken,
    name=st.just("Anna"),
    kind=st.sampled_from(["weight", "blood_pressure", "temperature", "other"]),
    kg=st.none() | values,
    previous_kg=st.none() | values,
    systolic=st.none() | values,
    diastolic=st.none() | values,
    pulse=st.none() | values,
    celsius=st.none() | values,
)
weights = st.builds(
    Spoken, name=st.just("Anna"), kind=st.just("weight"), kg=values, previous_kg=values
)
languages = st.sampled_from(LANGUAGES)
units = st.sampled_from(UNITS)
manners = st.sampled_from(MANNERS)

SYMBOL = re.compile(
    r"[°%/{}_+\u2212-]|\b(kg|kilos?|lbs?|st|mm|mmHg|Hg|bpm|[CF])\b|\s{2}|[.,]$|\s,", re.IGNORECASE
)
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


def numbers_in(text: str) -> list[Decimal]:
    return [Decimal(number.replace(",", ".")) for number in NUMBER.findall(text)]


@given(events, languages, units, manners)
def test_every_sentence_is_in_full_words(
    event: Spoken, language: str, units: str, manner: str
) -> None:
    text = say(event, language, units, manner)
    assert re.match(r"Anna, \w", text)
    assert not SYMBOL.search(text), text


@given(events, languages, units, manners)
def test_every_number_has_the_decimal_sign_of_the_language(
    event: Spoken, language: str, units: str, manner: str
) -> None:
    text = say(event, language, units, manner)
    foreign = "," if language == "en" else "."
    assert not re.search(rf"\d[{foreign}]\d", text)
    assert all(re.fullmatch(r"\d+(?:[.,]\d)?", number) for number in NUMBER.findall(text))


@given(weights, languages, units)
def test_what_is_said_adds_up(event: Spoken, language: str, units: str) -> None:
    """The value, and what was said the time before, differ by the change that is said."""
    now = say(event, language, units)
    before = say(weight(str(event.previous_kg)), language, units, "value")
    (earlier,) = numbers_in(before)
    value, *change = numbers_in(now)
    assert [abs(value - earlier)] == (change or [Decimal(0)])
    if change:
        phrases = read_language(language).speech
        direction = phrases.less if value < earlier else phrases.more
        assert now.endswith(direction.partition("{amount}")[2])


@given(weights, languages, units)
def test_the_change_alone_never_tells_the_weight(event: Spoken, language: str, units: str) -> None:
    value = say(event, language, units, "value")
    both = say(event, language, units, "value_and_change")
    change = say(event, language, units, "change")
    assert both == value + change.removeprefix("Anna")
    # Nobody can hide a weight that is as large as its own change.
    assume(numbers_in(change) != numbers_in(value))
    assert numbers_in(value)[0] not in numbers_in(change)


@given(values, languages, units)
def test_a_first_weight_has_no_number_when_only_changes_are_said(
    kg: Decimal, language: str, units: str
) -> None:
    assert not re.search(r"\d", say(weight(str(kg)), language, units, "change"))


@given(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.sampled_from(["weight", "blood_pressure", "temperature"]),
    languages,
    units,
    manners,
)
def test_no_number_at_all_costs_the_announcement(
    one: Decimal, other: Decimal, kind: str, language: str, units: str, manner: str
) -> None:
    event = Spoken("Anna", kind, one, other, one, other, other, one)
    text = say(event, language, units, manner)
    assert text.startswith("Anna, ")
    assert "-" not in text
    assert len(text) < 100


# --- The catalogue ---------------------------------------------------------------------------


def placeholders(language: Language) -> dict[str, set[str]]:
    speech = language.speech
    return {
        name: {field for _, field, _, _ in string.Formatter().parse(getattr(speech, name)) if field}
        for name in speech.__struct_fields__
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_fills_in_the_same_places(language: str) -> None:
    assert placeholders(read_language(language)) == placeholders(read_language("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_noun_has_exactly_the_forms_of_its_language(language: str) -> None:
    words = read_language(language)
    for noun in words.nouns.__struct_fields__:
        assert set(getattr(words.nouns, noun)) == forms_of(words.plural_rule), noun
