"""The page about the configuration says what is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.config import install_journal, mistakes, read
from fixtures.paths import ROOT
from weighbridge.config import (
    AlertSettings,
    Person,
    ServerSettings,
    TargetSettings,
    WithingsSettings,
)
from weighbridge.config import environment as config_environment
from weighbridge.config.field_values import fields_of
from weighbridge.targets import find_kind, own_kinds

PAGE = ROOT / "docs" / "reference" / "configuration.md"
TABLES = {
    "[withings]": WithingsSettings,
    "[server]": ServerSettings,
    "[alerts]": AlertSettings,
    "[[person]]": Person,
    "[[person.target]]": TargetSettings,
}
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(autouse=True)
def _journal(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    install_journal(tmp_path_factory.mktemp("site"), monkeypatch)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_documentation_is_a_configuration(
    tmp_path: Path, example: str
) -> None:
    settings = read(example, tmp_path)
    assert (settings.withings.client_secret is not None) == ("client_secret" in example)
    assert (settings.server.url is not None) == ("[server]" in example)
    assert bool(settings.alerts.urls) == ("[alerts]" in example)


def test_the_example_of_mistakes_is_what_is_really_said(tmp_path: Path) -> None:
    text = """\
[withings]
client_idd = "x"


[[person]]
name = "anna"
timezone = Europe/Paris
height_cm = 17

[[person.target]]
kind = "gramin"
"""
    [shown] = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    told = [line.strip() for line in shown.splitlines()[1:]]
    said = [
        mistake.replace("garmin, journal, mqtt", "garmin, mqtt")
        for mistake in mistakes(text, tmp_path)
    ]
    assert said == told


def test_every_key_and_variable_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    code = Path(config_environment.__file__).read_text("utf-8")
    variables = set(re.findall(r'"(WITHINGS_[A-Z_]+)"', code))
    variables |= {name for kind in own_kinds() for name in find_kind(kind).environment.values()}
    assert len(variables) == 11
    fields = {field for table in TABLES.values() for field in fields_of(table)}
    for name in (variables | fields) - {"options", "target"}:
        assert f"`{name}`" in page


@pytest.mark.parametrize("header", TABLES)
def test_the_defaults_of_the_documentation_are_those_of_the_tables(header: str) -> None:
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## `{header}`\n")[2]
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*?) ?\|$", section.partition("\n## ")[0], re.MULTILINE)
    without = dict(rows)
    fields = fields_of(TABLES[header])
    defaults = {
        name: field.default
        for name, field in fields.items()
        if isinstance(field.default, str | int | float)
    }
    for name, default in defaults.items():
        shown = default if isinstance(default, str) else f"{default:g}"
        assert re.match(f'`"?{re.escape(shown)}"?`', without[name]), name


@pytest.mark.parametrize("header", TABLES)
def test_the_bounds_of_the_documentation_are_those_of_the_tables(header: str) -> None:
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## `{header}`\n")[2]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section.partition("\n## ")[0], re.MULTILINE))
    for name, field in fields_of(TABLES[header]).items():
        for bounds in _bounds(field.type):
            words = f"{bounds.ge} to {bounds.le}" if bounds.ge is not None else bounds.description
            assert words in rows[name], name


def _bounds(wanted: Any) -> list[msgspec.Meta]:
    notes = getattr(wanted, "__metadata__", ())
    return [note for note in notes if isinstance(note, msgspec.Meta)]
