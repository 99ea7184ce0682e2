"""The page about the configuration says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config_world import install_journal, mistakes, read
from weighbridge.config import Person, TargetSettings, WithingsSettings
from weighbridge.config import environment as config_environment

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "configuration.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(autouse=True)
def _journal(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    install_journal(tmp_path_factory.mktemp("site"), monkeypatch)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_documentation_is_a_configuration(
    tmp_path: Path, example: str
) -> None:
    assert read(example, tmp_path).withings.client_secret is not None


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
        mistake.replace("file, garmin, journal", "file, garmin")
        for mistake in mistakes(text, tmp_path)
    ]
    assert said == told


def test_every_key_and_variable_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    variables = set(
        re.findall(
            r'"((?:WITHINGS|GARMIN)_[A-Z_]+)"', Path(config_environment.__file__).read_text("utf-8")
        )
    )
    fields = {*WithingsSettings.__struct_fields__, *Person.__struct_fields__}
    fields |= {*TargetSettings.__struct_fields__}
    assert len(variables) == 7
    for name in (variables | fields) - {"options", "targets"}:
        assert f"`{name}`" in page
