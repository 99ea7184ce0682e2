"""The configuration that was read: people, targets, defaults and where it all stands."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from fixtures.config import HOUSEHOLD, install_journal, read
from weighbridge.config import Person, WithingsSettings, home_folder, load
from weighbridge.config.settings import values
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import STARS


@pytest.fixture(autouse=True)
def _journal(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    install_journal(tmp_path_factory.mktemp("site"), monkeypatch)


def test_a_household_is_read(tmp_path: Path) -> None:
    settings = read(HOUSEHOLD, tmp_path)
    anna, zoe = settings.people
    assert (anna.name, anna.height_cm, anna.timezone) == ("anna", Decimal("172.5"), "Europe/Paris")
    assert (anna.ambiguous, zoe.ambiguous) == ("skip", "hold")
    first, second = anna.targets
    assert (first.name, first.kind, first.since) == (
        "journal",
        "journal",
        datetime.date(2024, 1, 1),
    )
    assert (first.settle, second.settle) == (10, 0)
    assert second.since == datetime.date(1970, 1, 1)
    assert (second.name, second.kind) == ("second", "journal")
    assert zoe == Person(name="Zoë")


def test_a_relative_path_starts_in_the_home_folder(tmp_path: Path) -> None:
    first, second = read(HOUSEHOLD, tmp_path).people[0].targets
    assert first.options.path == tmp_path / "anna.txt"
    assert second.options.path == Path("/abs/anna.txt").absolute() or os.name == "nt"


def test_secrets_are_looked_up_when_they_are_used(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    settings = read(HOUSEHOLD, tmp_path, environ)
    secret = settings.withings.client_secret
    token = settings.people[0].targets[1].options.token
    environ["TOKEN"] = "late"
    (tmp_path / "token").write_text("from a file\n")
    assert secret is not None
    assert (secret.reveal(), token.reveal()) == ("late", "from a file")


def test_every_value_knows_where_it_comes_from(tmp_path: Path) -> None:
    origin = read(HOUSEHOLD, tmp_path, {"WITHINGS_URL": "http://127.0.0.1:9"}).origin
    assert origin("withings.client_id") == "weighbridge.toml:2"
    assert origin("withings.url") == "environment WITHINGS_URL"
    assert origin("withings.callback_url") == "default"
    assert origin("person.anna.timezone") == "weighbridge.toml:8"
    assert origin("person.anna.target.journal.path") == "weighbridge.toml:13"
    assert origin("person.anna.target.journal.name") == "default"
    assert origin("person.anna.target.second.name") == "weighbridge.toml:17"
    assert origin("person.Zoë.height_cm") == "default"


def test_an_option_whose_name_sounds_secret_is_never_shown(tmp_path: Path) -> None:
    text = HOUSEHOLD.replace('path = "anna.txt"', 'path = "anna.txt"\napi_key = "hush"')
    shown = {value.key: value.value for value in values(read(text, tmp_path))}
    assert shown["person.anna.target.journal.api_key"] == STARS
    assert "hush" not in str(shown)


def test_people_and_targets_are_found_by_name(tmp_path: Path) -> None:
    settings = read(HOUSEHOLD, tmp_path)
    assert settings.directory.person("anna").target("second").settle == 0
    with pytest.raises(ConfigProblem, match=r"nobody called|no person called.*anna, Zoë"):
        settings.directory.person("Anna")
    with pytest.raises(ConfigProblem, match="no target of anna called"):
        settings.directory.person("anna").target("garmin")


def test_without_a_file_there_is_one_person(tmp_path: Path) -> None:
    settings = read(None, tmp_path)
    assert settings.people == (Person(name="me"),)
    assert settings.withings == WithingsSettings()
    assert settings.warnings == ()


def test_a_mark_of_windows_editors_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_bytes(b"\xef\xbb\xbf[withings]\r\nclient_id = 'x'\r\n")
    assert load(tmp_path, {}, secret_folder=tmp_path).withings.client_id == "x"


@pytest.mark.skipif(os.name != "posix", reason="file modes are a matter of POSIX")
@pytest.mark.parametrize(("mode", "count"), [(0o600, 0), (0o644, 1)])
def test_an_open_file_with_a_secret_in_it_gives_a_warning(
    tmp_path: Path, mode: int, count: int
) -> None:
    path = tmp_path / "weighbridge.toml"
    path.write_text('[withings]\nclient_secret = "plain"\n')
    path.chmod(mode)
    warnings = load(tmp_path, {}, secret_folder=tmp_path).warnings
    assert len(warnings) == count
    assert all(f"chmod 600 '{path}'" in warning for warning in warnings)
    path.write_text('[withings]\nclient_secret = { env = "X" }\n')
    assert load(tmp_path, {}, secret_folder=tmp_path).warnings == ()


def test_the_home_folder_is_an_option_then_the_environment_then_the_platform(
    tmp_path: Path,
) -> None:
    environ = {"WEIGHBRIDGE_HOME": str(tmp_path / "b")}
    assert home_folder(str(tmp_path / "a"), environ) == tmp_path / "a"
    assert home_folder(None, environ) == tmp_path / "b"
    assert home_folder(None, {"WEIGHBRIDGE_HOME": ""}).name == "weighbridge"
    assert home_folder("x", {}) == Path.cwd() / "x"


def test_reading_nothing_imports_nothing() -> None:
    code = (
        "import sys; from pathlib import Path; from weighbridge.config import load\n"
        "load(Path('/nonexistent'), {}, secret_folder=Path('/nonexistent'))\n"
        "heavy = {'difflib', 'zoneinfo', 'importlib.metadata', 'subprocess', 'httpx2', 'click'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
