"""The line finder: every key of a text, however it is written, is found on its line."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.config.toml_lines import KeyPath, TomlLines

HOUSEHOLD = '''\
# [withings] in a comment is no table
[withings]
client_id = "a # b"        # = "c"
client_secret = { file = "/run/x", env = "Y" }

[[person]]
name = """
[[person]]
name = 'not a key'
"""
"height_cm" = 172

  [[person.target]]
  kind = 'garmin'

  [[person.target]]
  kind = "file"
  fields = [
    "weight",  # ] a bracket in a comment
    "fat]",
    { name = "x", "odd key" = 1 },
  ]
  retry.first.wait = 3

[[person]]
name = "ben"
[person.more]
'a.b' = 1
[[person.target]]
"k\\u0069nd" = "file"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("withings",), 2),
        (("withings", "client_id"), 3),
        (("withings", "client_secret"), 4),
        (("withings", "client_secret", "env"), 4),
        (("person",), 6),
        (("person", 0), 6),
        (("person", 0, "name"), 7),
        (("person", 0, "height_cm"), 11),
        (("person", 0, "target", 0), 13),
        (("person", 0, "target", 0, "kind"), 14),
        (("person", 0, "target", 1), 16),
        (("person", 0, "target", 1, "kind"), 17),
        (("person", 0, "target", 1, "fields"), 18),
        (("person", 0, "target", 1, "fields", 0), 18),
        (("person", 0, "target", 1, "fields", 1), 18),
        (("person", 0, "target", 1, "fields", 2, "odd key"), 18),
        (("person", 0, "target", 1, "retry"), 23),
        (("person", 0, "target", 1, "retry", "first", "wait"), 23),
        (("person", 1), 25),
        (("person", 1, "name"), 26),
        (("person", 1, "more", "a.b"), 28),
        (("person", 1, "target", 0), 29),
        (("person", 1, "target", 0, "kind"), 30),
    ],
)
def test_a_key_is_found_on_its_line(path: KeyPath, line: int) -> None:
    tomllib.loads(HOUSEHOLD)
    assert TomlLines(HOUSEHOLD).line(path) == line


def test_a_key_that_is_absent_has_the_line_of_its_table() -> None:
    lines = TomlLines("\n\n[withings]\nurl = 1\n")
    assert lines.line(("withings", "client_id")) == 3
    assert lines.line(("elsewhere",)) is None


def test_windows_line_ends_count_once() -> None:
    assert TomlLines("a = 1\r\n\r\n[b]\r\nc = 2\r\n").line(("b", "c")) == 4


def test_quotes_at_the_end_of_a_long_string_belong_to_it() -> None:
    text = 'a = """\nx"""""\nb = \'\'\'\ny\'\'\'\'\'\nc = ""\nd = 1\n'
    assert tomllib.loads(text)["d"] == 1
    lines = TomlLines(text)
    assert [lines.line((name,)) for name in "abcd"] == [1, 3, 5, 6]


def test_a_statement_covers_all_its_lines() -> None:
    lines = TomlLines('[a]\nb = [\n 1,\n]\nc = """\n\n"""\n')
    assert [tuple(each) for each in lines.statements] == [
        (1, 1, True),
        (2, 4, False),
        (5, 7, False),
    ]
    found = lines.statement(3)
    assert found is not None
    assert found.first == 2
    assert lines.statement(99) is None


def _escaped(text: str) -> str:
    short = "".join(f"\\U{ord(char):08x}" for char in text)
    return f'"{short}"'


def _long(text: str) -> str:
    safe = "".join(char if char in "\n#[]=,'" else f"\\U{ord(char):08x}" for char in text)
    return f'"""{safe}"""'


_names = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,5}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4).map(_escaped),
)
_strings = st.text(st.sampled_from("a\n#[]{}=,'\"\\ é"), max_size=8)
_values = st.recursive(
    st.one_of(st.integers().map(str), st.just("true"), _strings.map(_escaped), _strings.map(_long)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[\n" + " # ]\n,".join(items) + "\n]"),
        st.lists(inner, max_size=2).map(
            lambda items: "{" + ", ".join(f"k{at} = {item}" for at, item in enumerate(items)) + "}"
        ),
    ),
    max_leaves=6,
)


def _paths(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    found = [path]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += _paths(inner, (*path, name))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            found += _paths(inner, (*path, position))
    return found


@given(st.lists(st.tuples(_names, _values), max_size=5), st.booleans())
def test_every_key_that_tomllib_sees_is_seen(pairs: list[tuple[str, str]], in_list: bool) -> None:
    text, expected = ("[[t]]\n" if in_list else "[t]\n"), []
    for name, value in pairs:
        expected.append(text.count("\n") + 1)
        text += f" {name} = {value} # end\n"
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # the same name twice
        return
    table = document["t"][0] if in_list else document["t"]
    start: KeyPath = ("t", 0) if in_list else ("t",)
    lines = TomlLines(text)
    assert [lines.line((*start, name)) for name in table] == expected
    known = set(lines._lines)
    assert {path for path in _paths(document) if path} <= known


@given(st.text(st.sampled_from("a=[]{}\"'\\\n.,# \r1"), max_size=40))
def test_a_broken_text_is_stepped_over(text: str) -> None:
    lines = TomlLines(text)
    for before, after in zip(lines.statements, lines.statements[1:], strict=False):
        assert before.last < after.first
    assert all(each.first <= each.last <= text.count("\n") + 1 for each in lines.statements)


def test_deep_nesting_does_not_exhaust_the_stack() -> None:
    assert TomlLines("a = " + "[" * 100_000 + "\nb = 1").line(("b",)) == 2
