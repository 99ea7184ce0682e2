"""``weighbridge config check`` and ``config show``, as a person and as a script read them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from weighbridge.cli.cli_context import CliContext
from weighbridge.cli.config import command

SECRET = "hush-hush"
HOUSEHOLD = f"""\
[withings]
client_id = "abc"
client_secret = "{SECRET}"

[[person]]
name = "anna"
height_cm = 172.5

[[person.target]]
kind = "garmin"
username = "anna@example.org"
since = 2024-01-01
url = "https://anna:{SECRET}@garmin.example.org"

[[person.target]]
name = "table"
kind = "file"
format = "csv"
path = "anna.csv"
"""


def run(home: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(command, arguments, obj=CliContext(home, environ or {}))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "weighbridge.toml"
    path.write_text(HOUSEHOLD)
    path.chmod(0o600)
    return tmp_path


def change(home: Path, old: str, new: str) -> None:
    path = home / "weighbridge.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_good_configuration_is_summed_up(home: Path) -> None:
    result = run(home, "check")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("ok  ")
    assert "person anna  garmin, table (file)" in result.stdout
    assert "client abc (weighbridge.toml:2)" in result.stdout
    assert result.stderr == ""


def test_every_mistake_is_on_standard_error_and_the_exit_code_says_usage(home: Path) -> None:
    change(home, "172.5", "17")
    change(home, "https://anna", "http://anna")
    change(home, 'format = "csv"', 'format = "xls"')
    change(home, 'path = "anna.csv"', 'pth = "anna.csv"')
    result = run(home, "check")
    assert result.exit_code == 2
    assert result.stdout == ""
    for line in ("7", "13", "15", "18", "19"):
        assert f"weighbridge.toml:{line}: " in result.stderr
    assert SECRET not in result.output


def test_a_script_reads_the_mistakes_as_json(home: Path) -> None:
    change(home, "172.5", "17")
    result = run(home, "check", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 2
    assert answer["ok"] is False
    [mistake] = answer["mistakes"]
    assert (mistake["line"], mistake["key"]) == (7, "person.anna.height_cm")
    assert mistake["remedy"]


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ('{ env = "TOKEN" }', "TOKEN is not set"),
        ('{ file = "absent" }', "does not exist"),
        ('{ command = "no-such-program-here" }', "not installed"),
    ],
)
def test_a_dead_reference_is_found_by_the_check(home: Path, reference: str, words: str) -> None:
    change(home, f'"{SECRET}"\n\n', f"{reference}\n\n")
    result = run(home, "check")
    assert result.exit_code == 2
    assert "weighbridge.toml:3: withings.client_secret: " in result.stderr
    assert words in result.stderr


def test_a_dead_reference_in_a_list_has_the_line_of_the_list(home: Path) -> None:
    with (home / "weighbridge.toml").open("a") as file:
        file.write('[alerts]\nurls = [{ env = "ABSENT" }]\n')
    result = run(home, "check")
    assert result.exit_code == 2
    assert "weighbridge.toml:21: alerts.urls.1: " in result.stderr
    assert "ABSENT is not set" in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="file modes are a matter of POSIX")
def test_a_warning_does_not_fail_the_check(home: Path) -> None:
    (home / "weighbridge.toml").chmod(0o644)
    result = run(home, "check")
    assert result.exit_code == 0
    assert "Warning: " in result.stderr
    assert json.loads(run(home, "check", "--json").stdout)["warnings"]


def test_the_check_says_so_when_there_is_no_application_yet(tmp_path: Path) -> None:
    result = run(tmp_path, "check")
    assert result.exit_code == 0
    assert "no application yet" in result.stdout
    assert "person me" in result.stdout


def test_a_file_that_cannot_be_read_is_one_mistake(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").mkdir()
    result = run(tmp_path, "check")
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr


def test_each_value_is_shown_with_its_origin(home: Path) -> None:
    result = run(home, "show")
    lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert lines["withings.client_id"] == ["abc", "weighbridge.toml:2"]
    assert lines["withings.client_secret"] == ["********", "weighbridge.toml:3"]
    assert lines["withings.url"] == ["-", "default"]
    assert lines["person.anna.height_cm"] == ["172.5", "weighbridge.toml:7"]
    assert lines["person.anna.target.garmin.since"] == ["2024-01-01", "weighbridge.toml:12"]
    assert lines["person.anna.target.garmin.muscle_mass"] == ["true", "default"]
    assert lines["person.anna.target.table.path"] == ["anna.csv", "weighbridge.toml:19"]


def test_no_secret_is_shown_anywhere(home: Path) -> None:
    for arguments in (["show"], ["show", "--json"], ["check"], ["check", "--json"]):
        result = run(home, *arguments)
        assert result.exit_code == 0
        assert SECRET not in result.output
    assert "https://anna:********@garmin.example.org" in run(home, "show").stdout


def test_show_names_the_reference_of_a_secret(home: Path) -> None:
    change(home, f'"{SECRET}"\n\n', '{ env = "TOKEN" }\n\n')
    assert "weighbridge.toml:3, environment TOKEN" in run(home, "show").stdout


def test_the_environment_fills_in_what_the_file_leaves_open(home: Path) -> None:
    environ = {"WITHINGS_CLIENT_ID": "other", "WITHINGS_URL": "http://127.0.0.1:9"}
    answer = json.loads(run(home, "show", "--json", environ=environ).stdout)
    shown = {value["key"]: (value["value"], value["origin"]) for value in answer["values"]}
    assert shown["withings.client_id"] == ("abc", "weighbridge.toml:2")
    assert shown["withings.url"] == ("http://127.0.0.1:9", "environment WITHINGS_URL")
    assert shown["person.anna.height_cm"] == (172.5, "weighbridge.toml:7")


def test_the_check_runs_no_command_and_show_neither(home: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    words = json.dumps([sys.executable, "-c", f"open({str(mark)!r}, 'w')"])
    change(home, f'"{SECRET}"\n\n', f"{{ command = {words} }}\n\n")
    assert run(home, "check").exit_code == 0
    assert run(home, "show").exit_code == 0
    assert not mark.exists()
