"""The texts of six languages say the same, and nothing is said that nobody asks for."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import weighbridge
from weighbridge import i18n
from weighbridge.config.models import AlertSettings
from weighbridge.i18n import LANGUAGES, MASTER, read_grammar, texts
from weighbridge.i18n.grammar import MINUS, rounded
from weighbridge.i18n.plurals import forms_of
from weighbridge.targets.mqtt.mqtt_options import MqttOptions

PACKAGE = Path(weighbridge.__file__).parent
FOLDER = Path(i18n.__file__).parent
TYPED = {"language", "speech", "problems"}
"""They have types of their own, which say what must be in them."""
OTHERS = [language for language in LANGUAGES if language != MASTER]

Text = str | dict[str, str]


@cache
def read(language: str) -> dict[str, Text]:
    """Every ``subject.key`` of a language with its text or its plural forms."""
    found: dict[str, Text] = {}
    for path in sorted((FOLDER / language).glob("*.toml")):
        if path.stem not in TYPED:
            content: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
            found |= {f"{path.stem}.{name}": text for name, text in content.items()}
    return found


def forms(text: Text) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def places(text: Text) -> set[str]:
    parsed = (part for one in forms(text) for part in string.Formatter().parse(one))
    return {name for _, name, _, _ in parsed if name is not None}


def code(text: Text) -> set[str]:
    return {span for one in forms(text) for span in re.findall("`([^`]*)`", one)}


# --- All languages say the same -------------------------------------------------------------------


def test_there_is_a_folder_for_each_language_and_no_other() -> None:
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == set(LANGUAGES)
    assert len(read(MASTER)) > 80


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_subjects_and_keys(language: str) -> None:
    ours, masters = read(language).keys(), read(MASTER).keys()
    assert sorted(masters - ours) == sorted(ours - masters) == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_fills_in_the_same_places_and_names_the_same_code(language: str) -> None:
    for key, text in read(language).items():
        master = read(MASTER)[key]
        assert places(text) == places(master), key
        assert code(text) == code(master), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_plural_forms_are_exactly_those_of_the_language(language: str) -> None:
    wanted = forms_of(read_grammar(language).plural_rule)
    for key, text in read(language).items():
        assert isinstance(text, dict) == isinstance(read(MASTER)[key], dict), key
        if isinstance(text, dict):
            assert set(text) == wanted, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_can_be_filled_in(language: str) -> None:
    for key, text in read(language).items():
        for one in forms(text):
            assert one == one.strip() != "", key
            assert "  " not in one, key
            assert one.count("`") % 2 == 0, key
        assert all(re.fullmatch("[a-z_]+", place) for place in places(text)), key
        values: dict[str, object] = dict.fromkeys(places(text), "x")
        said = texts(language)(key, **{**values, "count": 3})
        assert not set(said) & set("{}`"), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_knows_twelve_months(language: str) -> None:
    grammar = read_grammar(language)
    assert len(set(grammar.months)) == 12
    assert places(grammar.day) == {"day", "month", "year"}
    assert places(grammar.moment) == {"date", "time"}


# --- Nothing is missing, nothing is left over -----------------------------------------------------

SOURCES = [
    path
    for ending in ("*.py", "*.html")
    for path in PACKAGE.rglob(ending)
    if FOLDER not in path.parents
]
_QUOTED = re.compile(r"""["']([a-z_]+)\.([a-z0-9_]+)["']""")
_JOINED = re.compile(r"""["']([a-z_]+\.[a-z0-9_]*)["'] ~ [\w.]+(?: ~ ["'](\w+)["'])?""")
_FORMATTED = re.compile(r"""f["']([a-z_]+\.[a-z0-9_]*)\{[^{}]+\}(\w*)["']""")
_WORD = re.compile(r"\w+")
_CALLED = re.compile(r"""\bt\(\s*["']([a-z_]+\.[a-z0-9_]+)["']\s*[,)]""")
FILES = {"html", "js", "css", "toml", "svg", "db", "sql", "csv", "json"}


def texts_of_code() -> Iterator[str]:
    return (path.read_text("utf-8") for path in SOURCES)


@cache
def asked_for() -> tuple[set[str], set[tuple[str, str]], set[str]]:
    """Keys as they stand in code; beginnings and ends of keys that are put together; words."""
    whole, made, words = set(), set(), set()
    for text in texts_of_code():
        whole |= {f"{subject}.{name}" for subject, name in _QUOTED.findall(text)}
        made |= set(_JOINED.findall(text)) | set(_FORMATTED.findall(text))
        words |= {word.lower() for word in _WORD.findall(text)}
    return whole, made, words


def is_asked_for(key: str) -> bool:
    """``"refusal." ~ reason ~ "_title"`` asks for a key when its middle is a word of the code."""
    whole, made, words = asked_for()
    return key in whole or any(
        key.startswith(begin)
        and key.endswith(end)
        and key[len(begin) : len(key) - len(end)] in words
        for begin, end in made
    )


def test_every_text_is_asked_for() -> None:
    assert [key for key in read(MASTER) if not is_asked_for(key)] == []


def test_every_text_that_is_asked_for_is_there() -> None:
    known = read(MASTER)
    subjects = {key.partition(".")[0] for key in known}
    called = {key for text in texts_of_code() for key in _CALLED.findall(text)}
    whole, made, _ = asked_for()
    named = {key for key in whole if key.partition(".")[0] in subjects}
    named -= {begin for begin, _ in made}
    named = {key for key in named if key.partition(".")[2] not in FILES}
    assert sorted((called | named) - known.keys()) == []
    for begin, end in made:
        if begin.partition(".")[0] in subjects:
            assert any(key.startswith(begin) and key.endswith(end) for key in known), begin


# --- Texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Wait 1 second,|Wait 2 seconds,|Wait 0 seconds,"),
        ("de", "Warte 1 Sekunde |Warte 2 Sekunden |Warte 0 Sekunden "),
        ("fr", "Attendez 1 seconde,|Attendez 2 secondes,|Attendez 0 seconde,"),
        ("pl", "Poczekaj 1 sekundę |Poczekaj 2 sekundy |Poczekaj 5 sekund |Poczekaj 22 sekundy "),
    ],
)
def test_a_number_chooses_the_form(language: str, said: str) -> None:
    for part in said.split("|"):
        count = int(re.findall(r"\d+", part)[0])
        assert part in texts(language)("login.slowed", count=count)


def test_a_text_for_no_page_has_no_marks_of_code() -> None:
    assert "the file admin-token in" in texts("en")("login.wrong")


def test_decimals_are_written_as_the_language_does() -> None:
    for language, number in (("en", "81.40"), ("de", "81,40"), ("fr", "81,40")):
        assert number in texts(language)("household.make", person=Decimal("81.40"))


def test_values_are_no_texts() -> None:
    said = texts("en")("household.make", person="{person} `x` {0}")
    assert said == "Make a link for {person} `x` {0}"


def test_an_unknown_language_is_english() -> None:
    assert texts("tlh") is texts("en")


def test_what_another_language_lacks_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = i18n._subject
    monkeypatch.setattr(
        i18n,
        "_subject",
        lambda language, subject: {} if language == "de" else whole(language, subject),
    )
    assert texts("de")("layout.skip") == texts("en")("layout.skip")
    assert "2 seconds" in texts("de")("login.slowed", count=2)


@pytest.mark.parametrize("key", ["layout.nothing", "nothing.skip", "nothing", "", "../en/layout.x"])
def test_a_text_that_is_nowhere_is_an_error(key: str) -> None:
    with pytest.raises(KeyError):
        texts("de")(key)


# --- Numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "digits", "english", "german"),
    [
        ("81.25", 1, "81.3", "81,3"),
        ("81", 1, "81.0", "81,0"),
        ("-0.04", 1, "0.0", "0,0"),
        ("-0.45", 1, f"{MINUS}0.5", f"{MINUS}0,5"),
        ("0.5", 0, "1", "1"),
        ("1E+2", 0, "100", "100"),
    ],
)
def test_numbers_are_rounded_half_up(value: str, digits: int, english: str, german: str) -> None:
    assert read_grammar("en").number(Decimal(value), digits) == english
    assert read_grammar("de").number(Decimal(value), digits) == german


def test_a_change_says_its_direction() -> None:
    say = read_grammar("en").number
    assert [say(Decimal(n), 1, signed=True) for n in (1, -1, 0)] == ["+1.0", f"{MINUS}1.0", "0.0"]


@given(st.decimals(-1000, 1000, places=4), st.integers(0, 3))
def test_rounding_goes_at_most_half_a_step(value: Decimal, digits: int) -> None:
    near = rounded(value, digits)
    assert abs(near - value) <= Decimal(1).scaleb(-digits) / 2
    assert not (near.is_zero() and near.is_signed())


@pytest.mark.parametrize("table", [AlertSettings, MqttOptions])
def test_every_setting_of_a_language_knows_all_of_them(table: type) -> None:
    assert set(get_args(get_type_hints(table)["language"])) == set(LANGUAGES)
