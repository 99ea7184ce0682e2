"""Mistakes are reported all at once, with their lines and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.config import install_journal, mistakes, read
from weighbridge.config import ConfigProblems, Mistake, Person, load
from weighbridge.config.loader import read_settings
from weighbridge.core.errors import ConfigProblem


@pytest.fixture(autouse=True)
def _journal(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    install_journal(tmp_path_factory.mktemp("site"), monkeypatch)


def only_mistake(text: str, home: Path) -> str:
    [mistake] = mistakes(text, home)
    return mistake


def test_all_mistakes_are_reported_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """\
[withings]
client_idd = "x"
client_secret = 3

[[person]]
name = "anna"
timezone = Europe/Paris
height_cm = 17

[[person.target]]
kind = "jurnal"
since = 3

[[person.target]]
kind = "journal"
format = "longer"
row = 3
tags = "a"
settle = -1

[[person]]
name = "Anna"
timezone = "Europe/Pariss"
"""
    found = mistakes(text, tmp_path)
    lines = [int(mistake.split(":")[1]) for mistake in found]
    assert lines == [2, 3, 7, 8, 11, 12, 16, 17, 18, 19, 22, 23]
    with pytest.raises(ConfigProblems, match="12 mistakes") as caught:
        read(text, tmp_path)
    assert caught.value.remedy.endswith("run: weighbridge config check")


JOURNAL_TARGET = '[[person]]\nname = "a"\n[[person.target]]\nkind = "journal"\npath = "x"\n'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[withings]\nclient_idd = "x"', 2, 'Did you mean "client_id"?'),
        ("[withings]\nzzz = 1", 2, "Known are: callback_url, client_id, client_secret, url."),
        ("[withins]", 1, 'Did you mean "withings"?'),
        ("withings = 3", 1, "Write [withings]."),
        ("[withings]\nclient_id = 3", 2, "must be text, not a whole number."),
        ('[withings]\nclient_id = " "', 2, "is empty."),
        ('[withings]\nclient_secret = ""', 2, "is empty. Write"),
        ("[withings]\nclient_secret = { fil = 'x' }", 2, "is no secret. Write"),
        ('[withings]\nurl = "http://example.org"', 2, "without encryption"),
        ('[withings]\nurl = "http://cloud.localhost"', 2, "without encryption"),
        ('[withings]\nurl = "http://127.0.0.1.example.org"', 2, "without encryption"),
        ('[withings]\nurl = "example.org"', 2, "is no web address"),
        ('[withings]\nurl = "http://localhost:port"', 2, "is no web address"),
        ('[withings]\ncallback_url = "localhost"', 2, "is no web address"),
        ("[[person]]", 1, "name is missing"),
        ("[person]\nname = 'a'", 1, "Write [[person]] with two brackets"),
        ("person = ['a']", 1, "Write [[person]]"),
        ("[[person]]\nname = 3", 2, "must be text"),
        ("[[person]]\nname = ' a'", 2, "is no usable name"),
        ('[[person]]\nname = "a\\nb"', 2, "is no usable name"),
        (f"[[person]]\nname = '{'a' * 65}'", 2, "is no usable name"),
        ("[[person]]\nname = 'a'\nheight_cm = '172'", 3, "must be a number, not text"),
        ("[[person]]\nname = 'a'\nheight_cm = true", 3, "not true or false"),
        ("[[person]]\nname = 'a'\nheight_cm = 1.72", 3, "but is 1.72. Write the height in cent"),
        ("[[person]]\nname = 'a'\nheight_cm = 272.1", 3, "between 50 and 272"),
        ("[[person]]\nname = 'a'\nheight_cm = nan", 3, "between 50 and 272"),
        ("[[person]]\nname = 'a'\ntimezone = 'Europe/Pariss'", 3, 'Did you mean "Europe/Paris"?'),
        ("[[person]]\nname = 'a'\ntimezone = '../etc/passwd'", 3, "is no known time zone"),
        ('[[person]]\nname = "a"\ntimezone = "a\\u0000b"', 3, "is no known time zone"),
        ("[[person]]\nname = 'a'\nambiguous = 'no'", 3, 'Write "hold", "deliver" or "skip".'),
        ("[[person]]\nname = 'a'\nambiguous = ['hold']", 3, 'Write "hold"'),
        ("[[person]]\nname = 'a'\n[person.target]\nkind = 'x'", 3, "Write [[person.target]] with"),
        ("[[person]]\nname = 'a'\n[[person.target]]", 3, "kind is missing."),
        ("[[person]]\nname = 'a'\n[[person.target]]\nkind = 'base'", 4, "Known kinds:"),
        (JOURNAL_TARGET + "since = 2024-01-01T00:00:00", 6, "Write it like 2024-01-01"),
        (JOURNAL_TARGET + "since = 'yesterday'", 6, "Write it like 2024-01-01"),
        (JOURNAL_TARGET + "settle = inf", 6, "must be between 0 and 3600 seconds"),
        (JOURNAL_TARGET + "settle = '10'", 6, "must be a number, not text"),
        (JOURNAL_TARGET + "rows = 0", 6, "must be a whole number >= 1."),
        (JOURNAL_TARGET + "rows = 'a'", 6, "must be a whole number, not text."),
        (JOURNAL_TARGET + "rows = 13", 6, "rows must not be 13."),
        (JOURNAL_TARGET + "format = 'longer'", 6, 'Write "long" or "short".'),
        (JOURNAL_TARGET + "format = 'short'\ntags = ['x']", 3, "A short journal takes no tags."),
        (JOURNAL_TARGET + "colours = ['hush']", 6, 'not one of its values. Write "red" or "blue".'),
        (JOURNAL_TARGET + "colours = 'red'", 6, 'must be a list, not text. Write ["...", "..."].'),
        (JOURNAL_TARGET + "formt = 'short'", 6, 'Did you mean "format"?'),
        (JOURNAL_TARGET + "sinse = 2024-01-01", 6, 'Did you mean "since"?'),
        (JOURNAL_TARGET + "token = 3", 6, "is no secret. Write"),
        (JOURNAL_TARGET.replace('path = "x"', ""), 3, "path is missing."),
        (JOURNAL_TARGET.replace('"x"', '""'), 5, "must be the path of a file"),
        (JOURNAL_TARGET.replace('"x"', '" "'), 5, "must be the path of a file"),
        ("[[person]]\nname = 'a'\n[[person.target]]\nkind = ' '", 4, "is empty."),
        (
            JOURNAL_TARGET + '[[person.target]]\nkind = "journal"\npath = "y"',
            7,
            "is there twice",
        ),
        ("[withings]\nclient_id = abc", 2, "Text needs quotation marks"),
        ('[withings]\nclient_id = "abc', 2, "Close the quotation marks"),
        ('[withings]\nclient_id = "C:\\x"', 2, "single quotes"),
        ("[withings]\nclient_id", 2, "Write key = value."),
        ("[withings]\nclient_id = 'a'\nclient_id = 'b'", 3, "is there twice"),
        ("[withings]\n[withings]", 2, "is there twice"),
        ("[withings", 1, "Close the brackets"),
        ("x = [1,\n2\n\n", 1, "Close the list"),
        ('x = """a\n\n', 1, "This is no TOML"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_what_to_do(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    mistake = only_mistake(text, tmp_path)
    assert mistake.startswith(f"weighbridge.toml:{line}: ")
    assert words in mistake


BOUNDS = [
    ("server", "port", "0", "-1"),
    ("server", "port", "65535", "65536"),
    ("server", "poll_minutes", "5", "4.9"),
    ("server", "poll_minutes", "1440", "1440.1"),
    ("alerts", "silent_days", "0.1", "0"),
    ("alerts", "silent_days", "366", "366.1"),
    ("person", "height_cm", "50", "49.9"),
    ("person", "height_cm", "272", "272.1"),
    ("person", "name", f'"{"a" * 64}"', f'"{"a" * 65}"'),
    ("target", "settle", "0", "-0.1"),
    ("target", "settle", "3600", "3600.1"),
]
HEADERS = {
    "server": "[server]\n",
    "alerts": "[alerts]\n",
    "person": '[[person]]\nname = "a"\n',
    "target": JOURNAL_TARGET,
}


@pytest.mark.parametrize(("table", "key", "last", "beyond"), BOUNDS)
def test_the_last_good_value_is_taken_and_the_next_one_is_not(
    tmp_path: Path, table: str, key: str, last: str, beyond: str
) -> None:
    header = "[[person]]\n" if key == "name" else HEADERS[table]
    read(f"{header}{key} = {last}\n", tmp_path)
    assert key in only_mistake(f"{header}{key} = {beyond}\n", tmp_path)


def test_a_broken_line_does_not_hide_the_others(tmp_path: Path) -> None:
    text = '[[person]]\nname = anna\nheight_cm = 1\n[[person.target]]\nkind = journal\nrows = "a"\n'
    assert [m.split(":")[1] for m in mistakes(text, tmp_path)] == ["2", "3", "5"]


def test_a_member_that_is_no_table_does_not_hide_the_next_one(tmp_path: Path) -> None:
    first, second = mistakes('person = ["a", { name = "b", height_cm = 1 }]', tmp_path)
    assert "person must be a table" in first
    assert "height_cm must be between 50 and 272" in second


def test_an_unclosed_list_is_reported_once(tmp_path: Path) -> None:
    text = "[withings]\nclient_id = 3\nurl = [\n[[person]]\nname = 3\nheight_cm = 1\n"
    first, second = mistakes(text, tmp_path)
    assert first.startswith("weighbridge.toml:2:")
    assert "(in the value that begins on line 3)" in second


def test_a_file_that_is_no_text_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_bytes(b"[withings]\nclient_id = 'm\xfcller'\n")
    with pytest.raises(ConfigProblems, match=r"weighbridge.toml:2: .*UTF-8") as caught:
        load(tmp_path, {})
    assert caught.value.__context__ is None


def test_a_file_that_cannot_be_read_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").mkdir()
    with pytest.raises(ConfigProblem, match="cannot be read") as caught:
        load(tmp_path, {})
    assert "--home" in caught.value.remedy


def test_no_secret_is_part_of_a_mistake(tmp_path: Path) -> None:
    text = (
        '[withings]\nclient_secret = { file = ["hush-1"] }\nclient_idd = "hush-2"\n'
        '[[person]]\nname = "a"\n[[person.target]]\nkind = "journal"\npath = "x"\n'
        'token = ["hush-3"]\ntokn = "hush-4"\nclient_secret = "hush-5\n'
    )
    assert "hush" not in " ".join(mistakes(text, tmp_path))


@given(st.text(st.sampled_from("[]{}=\"'\\\n.,# apersontgk1"), max_size=60))
def test_any_text_is_settings_or_mistakes(text: str) -> None:
    nowhere = Path("/nonexistent")
    reported: tuple[Mistake, ...] = ()
    people: tuple[Person, ...] = ()
    try:
        people = read_settings(text, home=nowhere, environ={}, secret_folder=nowhere).people
    except ConfigProblems as problems:
        reported = problems.mistakes
    assert bool(reported) is not bool(people)
    assert all(1 <= (mistake.line or 0) <= text.count("\n") + 1 for mistake in reported)
