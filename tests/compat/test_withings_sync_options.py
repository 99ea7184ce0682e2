"""The command line and the credentials of ``withings-sync``: the original's, to the letter."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge import __version__
from weighbridge.compat.withings_sync.command_line import CommandOptions, read_arguments
from weighbridge.compat.withings_sync.run_plan import (
    complete_environment,
    read_credentials,
)
from weighbridge.core.errors import ConfigProblem

DAY = datetime.date(2024, 2, 29)

FORMS: dict[str, tuple[str, tuple[str, ...], object]] = {
    "garmin_username": ("a@b.c", ("--garmin-username", "--gu", "--garmin-u"), "a@b.c"),
    "garmin_password": ("p w", ("--garmin-password", "--gp", "--garmin-p"), "p w"),
    "trainerroad_username": ("anna", ("--trainerroad-username", "--tu"), "anna"),
    "trainerroad_password": ("-x'\"", ("--trainerroad-password", "--tp"), "-x'\""),
    "fromdate": ("2024-02-29", ("--fromdate", "-f", "--from", "--fr"), DAY),
    "todate": ("2024-2-29", ("--todate", "-t", "--toda"), DAY),
    "output": ("base", ("--output", "-o", "--out"), "base"),
    "features": ("BLOOD_PRESSURE", ("--features", "--feat"), ("BLOOD_PRESSURE",)),
}
SWITCHES = {
    "to_fit": ("--to-fit", "-F", "--to-f"),
    "to_json": ("--to-json", "-J"),
    "no_upload": ("--no-upload", "--no"),
    "dump_raw": ("--dump-raw", "-R", "--dump"),
    "verbose": ("--verbose", "-v", "--verb"),
    "silent": ("--silent", "-s", "--sil"),
}


@pytest.mark.parametrize(
    ("field", "form", "text", "value"),
    [(f, form, text, value) for f, (text, forms, value) in FORMS.items() for form in forms],
)
def test_every_option_has_its_names_and_takes_a_value_in_every_way(
    field: str, form: str, text: str, value: object
) -> None:
    ways = [[f"{form}={text}"] if form.startswith("--") else [f"{form}{text}"]]
    if not text.startswith("-"):  # argparse takes such a word for an option
        ways.append([form, text])
    for way in ways:
        assert getattr(read_arguments(way), field) == value


@pytest.mark.parametrize(
    ("field", "form"), [(field, form) for field, forms in SWITCHES.items() for form in forms]
)
def test_every_switch_has_its_names(field: str, form: str) -> None:
    assert getattr(read_arguments([form]), field) is True
    assert getattr(read_arguments([]), field) is False


def test_everything_at_once_as_the_usage_line_has_it() -> None:
    line = (
        "--garmin-username A --garmin-password B --trainerroad-username C "
        "--trainerroad-password D --fromdate 2024-01-01 --todate 2024-01-31 --to-fit --to-json "
        "--output NAME --no-upload --features BLOOD_PRESSURE --verbose --dump-raw "
        "--config-folder FOLDER"
    )
    options = read_arguments(line.split())
    assert options.blood_pressure
    assert options.config_folder == Path.cwd() / "FOLDER"
    assert options.writes_files
    short = "--gu A --gp B --tu C --tp D -f 2024-01-01 -t 2024-01-31 -FJ -o NAME --no-upload"
    assert read_arguments(f"{short} --features BLOOD_PRESSURE -vR -c FOLDER".split()) == options


def test_a_feature_may_be_named_more_than_once_and_in_small_letters() -> None:
    assert read_arguments(["--features", "BLOOD_PRESSURE", "blood_pressure", "-v"]).verbose
    assert not read_arguments([]).blood_pressure


@pytest.mark.parametrize(
    "line",
    [
        "--verbose --silent",
        "-v -s",
        "--features",
        "--features STEPS",
        "--unknown",
        "--to 2024-01-01",
        "--f x",
        "-f yesterday",
        "-f 2024-02-30",
        "-f 2024-02-02 -t 2024-02-01",
        "something",
        "--output",
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_arguments(line.split())
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert "withings-sync: error:" in told.err
    assert told.out == ""


@pytest.mark.parametrize("form", ["--version", "-V", "--help", "-h"])
def test_version_and_help_end_well(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_arguments([form])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert (__version__ in told) == (form in {"--version", "-V"})
    assert ("Exit code" in told) == (form in {"--help", "-h"})


def test_passwords_are_not_shown_when_the_options_are() -> None:
    options = read_arguments(["--gp", "a-password", "--tp", "another-one"])
    assert "a-password" not in repr(options)
    assert "another-one" not in repr(options)


# --- Credentials ------------------------------------------------------------------------------

NAME = "garmin_username"
PLACES = ("secret", "dotenv", "environment", "argument")
"""The weakest first."""


@given(present=st.sets(st.sampled_from(PLACES)))
def test_the_strongest_place_that_has_a_name_wins(
    present: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("place")
    secrets = folder / "secrets"
    secrets.mkdir()
    if "secret" in present:
        (secrets / NAME).write_text("secret\n", "utf-8")
    if "dotenv" in present:
        (folder / ".env").write_text("# mine\nexport GARMIN_USERNAME='dotenv'\n", "utf-8")
    process = {"GARMIN_USERNAME": "environment"} if "environment" in present else {}
    options = CommandOptions(garmin_username="argument" if "argument" in present else None)
    environ = complete_environment(folder, process)
    login = read_credentials(options, environ, secret_folder=secrets)["garmin"]
    strongest = [place for place in PLACES if place in present][-1:]
    assert login.username == "".join(strongest)


def test_each_value_is_looked_for_on_its_own(tmp_path: Path) -> None:
    (tmp_path / "garmin_password").write_text("from a file\n", "utf-8")
    (tmp_path / "trainerroad_username").write_text("anna-rides", "utf-8")
    environ = {"GARMIN_USERNAME": "anna@example.org", "GARMIN_PASSWORD": ""}
    logins = read_credentials(
        CommandOptions(trainerroad_password="x"), environ, secret_folder=tmp_path
    )
    garmin, trainerroad = logins["garmin"], logins["trainerroad"]
    assert garmin.password is not None
    assert (garmin.username, garmin.password.reveal()) == ("anna@example.org", "from a file")
    assert trainerroad.password is not None
    assert (trainerroad.username, trainerroad.password.reveal()) == ("anna-rides", "x")
    assert "from a file" not in repr(logins)


def test_nothing_is_known_without_any_place(tmp_path: Path) -> None:
    logins = read_credentials(CommandOptions(), {}, secret_folder=tmp_path / "none")
    assert {(login.username, login.password) for login in logins.values()} == {("", None)}


def test_the_process_environment_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WITHINGS_APP", raising=False)
    (tmp_path / ".env").write_text("WITHINGS_APP=from-dotenv\nEMPTY\n", "utf-8")
    process: dict[str, str] = {"HOME": "/somewhere"}
    assert complete_environment(tmp_path, process) == {
        "HOME": "/somewhere",
        "WITHINGS_APP": "from-dotenv",
    }
    assert process == {"HOME": "/somewhere"}


def _not_text(path: Path) -> None:
    path.write_bytes(b"GARMIN_PASSWORD=s\xe4cret\n")


def _no_rights(path: Path) -> None:
    path.write_text("A=b", "utf-8")
    path.chmod(0)


@pytest.mark.parametrize("spoil", [_not_text, _no_rights])
def test_a_broken_env_file_is_named_and_not_shown(
    spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / ".env"
    spoil(path)
    try:
        path.read_bytes()
        readable = True
    except OSError:
        readable = False
    if readable and spoil is _no_rights:
        pytest.skip("this account may read everything")
    with pytest.raises(ConfigProblem) as problem:
        complete_environment(tmp_path, {})
    assert ".env" in str(problem.value)
    assert "cret" not in str(problem.value)
    assert problem.value.__cause__ is None
