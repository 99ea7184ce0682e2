"""The configuration: what is read, where it comes from, and what is said about mistakes."""

from __future__ import annotations

import datetime
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.config import (
    CALLBACK_URL,
    ConfigProblems,
    Mistake,
    Person,
    Settings,
    TargetSettings,
    WithingsSettings,
    home_folder,
    load,
)
from weighbridge.config import environment as config_environment
from weighbridge.config.reading import read_settings
from weighbridge.errors import ConfigProblem, ExitCode

JOURNAL = """\
from __future__ import annotations
from pathlib import Path
from typing import Annotated, Literal
import msgspec
from weighbridge.secret import Secret

class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: Path
    format: Literal["long", "short"] = "long"
    rows: Annotated[int, msgspec.Meta(ge=1)] = 10
    tags: list[str] = []
    token: Secret | None = None
    url: str = ""

    def __post_init__(self):
        if self.rows == 13:
            raise ValueError("rows must not be 13.")
        if self.format == "short" and self.tags:
            raise ValueError("A short journal takes no tags.")
"""

HOUSEHOLD = """\
[withings]
client_id = "abc"
client_secret = { env = "TOKEN" }

[[person]]
name = "anna"
height_cm = 172.5
timezone = "Europe/Paris"
ambiguous = "skip"

[[person.target]]
kind = "journal"
path = "anna.txt"
since = 2024-01-01

[[person.target]]
name = "second"
kind = "journal"
path = "/abs/anna.txt"
since = "all"
settle = 0
token = { file = "token" }

[[person]]
name = "Zoë"
"""


@pytest.fixture(autouse=True)
def _journal(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of target from another package, installed as pip would lay it out."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "weighbridge_journal.py").write_text(JOURNAL)
    info = folder / "weighbridge_journal-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: weighbridge-journal\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[weighbridge.targets]\njournal = weighbridge_journal\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "weighbridge_journal", raising=False)


def read(text: str | None, home: Path, environ: Mapping[str, str] | None = None) -> Settings:
    home.mkdir(exist_ok=True)
    if text is not None:
        (home / "weighbridge.toml").write_text(text, encoding="utf-8")
    return load(home, {} if environ is None else environ, secret_folder=home / "secrets")


def mistakes(text: str, home: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigProblems) as caught:
        read(text, home, environ)
    assert caught.value.exit_code is ExitCode.USAGE
    return [str(mistake) for mistake in caught.value.mistakes]


def only_mistake(text: str, home: Path) -> str:
    [mistake] = mistakes(text, home)
    return mistake


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
    origins = read(HOUSEHOLD, tmp_path, {"WITHINGS_URL": "http://127.0.0.1:9"}).origins
    assert origins["withings.client_id"] == "weighbridge.toml:2"
    assert origins["withings.url"] == "environment WITHINGS_URL"
    assert origins["withings.callback_url"] == "default"
    assert origins["person.anna.timezone"] == "weighbridge.toml:8"
    assert origins["person.anna.target.journal.path"] == "weighbridge.toml:13"
    assert origins["person.anna.target.journal.name"] == "default"
    assert origins["person.anna.target.second.name"] == "weighbridge.toml:17"
    assert origins["person.Zoë.height_cm"] == "default"


def test_people_and_targets_are_found_by_name(tmp_path: Path) -> None:
    settings = read(HOUSEHOLD, tmp_path)
    assert settings.person("anna").target("second").settle == 0
    with pytest.raises(ConfigProblem, match=r"nobody called|no person called.*anna, Zoë"):
        settings.person("Anna")
    with pytest.raises(ConfigProblem, match="no target of anna called"):
        settings.person("anna").target("garmin")


def test_without_a_file_there_is_one_person(tmp_path: Path) -> None:
    settings = read(None, tmp_path)
    assert settings.people == (Person(name="me"),)
    assert settings.withings == WithingsSettings()
    assert settings.warnings == ()


def test_the_environment_is_enough(tmp_path: Path) -> None:
    environ = {"WITHINGS_CLIENT_ID": " id ", "WITHINGS_CLIENT_SECRET": "secret"}
    withings = read(None, tmp_path, environ).withings
    assert withings.client_id == "id"
    assert withings.client_secret is not None
    assert withings.client_secret.reveal() == "secret"
    assert withings.callback_url == CALLBACK_URL


def test_garmin_comes_from_the_environment_when_nobody_is_named(tmp_path: Path) -> None:
    pytest.importorskip("weighbridge.targets.garmin")
    environ = {"GARMIN_USERNAME": "me@example.org", "GARMIN_URL": "http://127.0.0.1:9"}
    settings = read('[withings]\nclient_id = "x"\n', tmp_path, environ)
    [target] = settings.people[0].targets
    assert (target.name, target.kind) == ("garmin", "garmin")
    assert target.options.username == "me@example.org"
    assert target.options.url == "http://127.0.0.1:9"
    assert settings.origins["person.me.target.garmin.username"] == "environment GARMIN_USERNAME"
    assert settings.origins["person.me.target.garmin.settle"] == "default"


def test_a_named_person_gets_no_target_from_the_environment(tmp_path: Path) -> None:
    settings = read('[[person]]\nname = "anna"\n', tmp_path, {"GARMIN_USERNAME": "me"})
    assert settings.people == (Person(name="anna"),)


APP = '{"client_id": "app", "consumer_secret": "of app", "callback_url": "http://localhost:1/c"}'


def places(home: Path) -> dict[str, str]:
    """All four places at once, each with a whole application of the same id."""
    (home / "secrets").mkdir(parents=True)
    (home / "secrets" / "withings_client_id").write_text("app\n")
    (home / "secrets" / "withings_client_secret").write_text("of files\n")
    (home / "withings_app.json").write_text(APP)
    return {"WITHINGS_CLIENT_ID": "app", "WITHINGS_CLIENT_SECRET": "of environment"}


def secret_of(settings: Settings) -> str | None:
    secret = settings.withings.client_secret
    return secret.reveal() if secret else None


def test_file_then_environment_then_secret_files_then_the_app_file(tmp_path: Path) -> None:
    environ = places(tmp_path)
    text = '[withings]\nclient_id = "app"\nclient_secret = "of file"\n'
    assert secret_of(read(text, tmp_path, environ)) == "of file"
    assert secret_of(read("", tmp_path, environ)) == "of environment"
    assert secret_of(read("", tmp_path)) == "of files"
    for path in (tmp_path / "secrets").iterdir():
        path.unlink()
    settings = read("", tmp_path)
    assert secret_of(settings) == "of app"
    assert settings.withings.callback_url == "http://localhost:1/c"
    assert settings.origins["withings.client_id"] == f"file {tmp_path / 'withings_app.json'}"


def test_the_secret_of_another_application_is_left_alone(tmp_path: Path) -> None:
    environ = places(tmp_path)
    settings = read('[withings]\nclient_id = "other"\n', tmp_path, environ)
    assert settings.withings.client_id == "other"
    assert settings.withings.client_secret is None
    assert settings.withings.callback_url == CALLBACK_URL


def test_the_app_file_can_stand_anywhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.json").write_text(APP)
    environ = {"WITHINGS_APP": str(tmp_path / "elsewhere.json")}
    assert secret_of(read(None, tmp_path / "home", environ)) == "of app"


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"client_id": "x"}', APP.replace("http:", "")]
)
def test_an_app_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "app.json"
    if content is not None:
        path.write_text(content)
    [mistake] = mistakes("", tmp_path, {"WITHINGS_APP": str(path)})
    assert "app.json" in mistake
    assert "of app" not in mistake


@pytest.mark.parametrize("name", ["WITHINGS_URL", "WITHINGS_CALLBACK_URL"])
def test_a_wrong_variable_is_named(tmp_path: Path, name: str) -> None:
    [mistake] = mistakes("", tmp_path, {name: "ftp://x"})
    assert mistake.startswith(f"environment: {name} is no web address.")


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
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
        ("[withings]\nclient_id = 3", 2, "must be text, not a number."),
        ('[withings]\nclient_id = " "', 2, "is empty."),
        ('[withings]\nclient_secret = ""', 2, "is empty. Write"),
        ("[withings]\nclient_secret = { fil = 'x' }", 2, "is no secret. Write"),
        ('[withings]\nurl = "http://example.org"', 2, "without encryption"),
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
        (JOURNAL_TARGET + "settle = inf", 6, "must be 0 to 3600 seconds"),
        (JOURNAL_TARGET + "settle = '10'", 6, "must be a number of seconds, not text"),
        (JOURNAL_TARGET + "rows = 0", 6, "does not fit: Expected a whole number >= 1."),
        (JOURNAL_TARGET + "rows = 'a'", 6, "must be a whole number, not text."),
        (JOURNAL_TARGET + "rows = 13", 6, "rows must not be 13."),
        (JOURNAL_TARGET + "format = 'longer'", 6, 'Write "long" or "short".'),
        (JOURNAL_TARGET + "format = 'short'\ntags = ['x']", 3, "A short journal takes no tags."),
        (JOURNAL_TARGET + "formt = 'short'", 6, 'Did you mean "format"?'),
        (JOURNAL_TARGET + "sinse = 2024-01-01", 6, 'Did you mean "since"?'),
        (JOURNAL_TARGET + "token = 3", 6, "is no secret. Write"),
        (JOURNAL_TARGET.replace('path = "x"', ""), 3, "path is missing."),
        (JOURNAL_TARGET.replace('"x"', '""'), 5, "must be the path of a file"),
        (
            JOURNAL_TARGET + '[[person.target]]\nkind = "journal"\npath = "y"',
            7,
            "stands there twice",
        ),
        ("[withings]\nclient_id = abc", 2, "Text needs quotation marks"),
        ('[withings]\nclient_id = "abc', 2, "Close the quotation marks"),
        ('[withings]\nclient_id = "C:\\x"', 2, "single quotes"),
        ("[withings]\nclient_id", 2, "Write key = value."),
        ("[withings]\nclient_id = 'a'\nclient_id = 'b'", 3, "stands there twice"),
        ("[withings]\n[withings]", 2, "stands there twice"),
        ("[withings", 1, "Close the brackets"),
        ("x = [1,\n2\n\n", 1, "Close the list"),
        ('x = """a\n\n', 1, "This is no TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    mistake = only_mistake(text, tmp_path)
    assert mistake.startswith(f"weighbridge.toml:{line}: ")
    assert words in mistake


def test_a_broken_line_does_not_hide_the_others(tmp_path: Path) -> None:
    text = '[[person]]\nname = anna\nheight_cm = 1\n[[person.target]]\nkind = journal\nrows = "a"\n'
    assert [m.split(":")[1] for m in mistakes(text, tmp_path)] == ["2", "3", "5"]


def test_an_unclosed_list_is_told_once(tmp_path: Path) -> None:
    text = "[withings]\nclient_id = 3\nurl = [\n[[person]]\nname = 3\nheight_cm = 1\n"
    first, second = mistakes(text, tmp_path)
    assert first.startswith("weighbridge.toml:2:")
    assert "(in the value that begins on line 3)" in second


def test_a_file_that_is_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_bytes(b"[withings]\nclient_id = 'm\xfcller'\n")
    with pytest.raises(ConfigProblems, match=r"weighbridge.toml:2: .*UTF-8") as caught:
        load(tmp_path, {})
    assert caught.value.__context__ is None


def test_a_mark_of_windows_editors_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_bytes(b"\xef\xbb\xbf[withings]\r\nclient_id = 'x'\r\n")
    assert load(tmp_path, {}, secret_folder=tmp_path).withings.client_id == "x"


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
def test_any_text_is_settings_or_told_mistakes(text: str) -> None:
    nowhere = Path("/nonexistent")
    told: tuple[Mistake, ...] = ()
    people: tuple[Person, ...] = ()
    try:
        people = read_settings(text, home=nowhere, environ={}, secret_folder=nowhere).people
    except ConfigProblems as problems:
        told = problems.mistakes
    assert bool(told) is not bool(people)
    assert all(1 <= (mistake.line or 0) <= text.count("\n") + 1 for mistake in told)


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


PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "configuration.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


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
