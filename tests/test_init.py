"""``weighbridge init``: what it writes can be read, whatever was answered."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.cli import init
from weighbridge.cli.session import Session
from weighbridge.config import Settings, load
from weighbridge.config.template import Answers, quote, render
from weighbridge.errors import ConfigProblem, StateProblem

posix_only = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")
_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
_plain = st.text(st.sampled_from("añ\"'\\#$%{}=[]é漢 "), min_size=1, max_size=10)


def run(home: Path, *arguments: str, typed: str = "", environ: Any = None) -> Result:
    session = Session(home, environ or {})
    return CliRunner().invoke(init.command, arguments, obj=session, input=typed)


def read(home: Path) -> Settings:
    return load(home, {}, secret_folder=home / "nowhere")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_without_a_terminal_and_options_a_file_of_comments_is_written(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    result = run(home)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"Wrote {home / 'weighbridge.toml'}\n"
    assert read(home).people[0].name == "me"
    assert tomllib.loads((home / "weighbridge.toml").read_text()) == {"withings": {}}


def test_the_comments_are_a_configuration_too(tmp_path: Path) -> None:
    lines = render(Answers()).splitlines()
    keys = [line[2:] for line in lines if line.startswith("# ") and (" = " in line or "[[" in line)]
    settings = [line for line in keys if line.startswith("[[") or line.split()[1] == "="]
    (tmp_path / "weighbridge.toml").write_text("[withings]\n" + "\n".join(settings))
    [anna] = read(tmp_path).people
    assert [target.kind for target in anna.targets] == ["garmin", "file"]
    assert anna.timezone == "Europe/Paris"


@posix_only
def test_file_and_folder_are_for_this_account_only(tmp_path: Path) -> None:
    run(tmp_path / "home")
    assert mode_of(tmp_path / "home") == 0o700
    assert mode_of(tmp_path / "home" / "weighbridge.toml") == 0o600
    assert mode_of(tmp_path / "home" / "admin-token") == 0o600
    assert {path.name for path in (tmp_path / "home").iterdir()} == {
        *("weighbridge.toml", "admin-token")
    }


def test_options_answer_everything(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    secret.chmod(0o600)
    arguments = ["--person", "Zoë", "--height", "172,5", "--timezone", "Europe/Paris"]
    arguments += ["--client-id", "abc", "--client-secret-file", str(secret)]
    arguments += ["--garmin", "zoe@example.org", "--csv", "zoë.csv"]
    home = tmp_path / "home"
    result = run(home, *arguments)
    assert result.exit_code == 0, result.output
    settings = read(home)
    [zoe] = settings.people
    assert (zoe.name, str(zoe.height_cm), zoe.timezone) == ("Zoë", "172.5", "Europe/Paris")
    garmin, file = zoe.targets
    assert garmin.options.username == "zoe@example.org"
    assert (str(file.options.path), file.options.format) == ("zoë.csv", "csv")
    assert settings.withings.client_secret is not None
    assert settings.withings.client_secret.reveal() == "hush"
    assert "hush" not in (home / "weighbridge.toml").read_text()


def test_it_ends_with_the_next_commands(tmp_path: Path) -> None:
    result = run(tmp_path, "--garmin", "a b@example.org", "--client-id", "x")
    steps = result.stderr.splitlines()
    assert steps[0] == "Next:"
    assert steps[1].strip() == f"fill in {tmp_path / 'weighbridge.toml'}"
    assert steps[-1].endswith(" sync")
    assert f"--home {tmp_path} login garmin --username 'a b@example.org'" in result.stderr


def test_the_usual_home_folder_needs_no_option(tmp_path: Path) -> None:
    result = run(tmp_path, environ={"WEIGHBRIDGE_HOME": str(tmp_path)})
    assert "  weighbridge sync" in result.stderr


def test_a_secret_from_a_pipe_stands_in_the_file_and_not_on_the_screen(tmp_path: Path) -> None:
    result = run(tmp_path, "--client-id", "x", "--client-secret-stdin", typed='hu"sh\n')
    secret = read(tmp_path).withings.client_secret
    assert secret is not None
    assert secret.reveal() == 'hu"sh'
    assert "hu" not in result.output


def test_no_option_takes_a_secret(tmp_path: Path) -> None:
    names = {name for option in init.command.params for name in option.opts}
    assert {name for name in names if "secret" in name or "password" in name} == {
        "--client-secret-file",
        "--client-secret-stdin",
    }


def test_a_file_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_text("mine")
    result = run(tmp_path, "--person", "anna")
    assert isinstance(result.exception, ConfigProblem)
    assert "--force" in result.exception.remedy
    assert (tmp_path / "weighbridge.toml").read_text() == "mine"


def test_force_replaces_it_and_keeps_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_text("mine")
    (tmp_path / "admin-token").write_text("a token that somebody chose")
    assert run(tmp_path, "--person", "anna", "--force").exit_code == 0
    assert read(tmp_path).people[0].name == "anna"
    assert (tmp_path / "admin-token").read_text() == "a token that somebody chose"
    old = tmp_path / "weighbridge.toml.old"
    assert old.read_text() == "mine"
    assert os.name != "posix" or mode_of(old) == 0o600


@pytest.mark.parametrize(
    "arguments",
    [
        ["--person", " "],
        ["--person", "a\nb"],
        ["--person", "\udc80"],
        ["--height", "tall"],
        ["--height", "1.72"],
        ["--timezone", "Europe/Pariss"],
        ["--client-secret-file", "absent"],
        ["--client-secret-stdin"],
    ],
)
def test_a_wrong_answer_is_refused_before_anything_is_written(
    tmp_path: Path, arguments: list[str]
) -> None:
    result = run(tmp_path, *arguments)
    assert result.exit_code == 2
    assert result.stderr
    assert not list(tmp_path.iterdir())


def test_a_file_where_the_folder_should_be_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    result = run(tmp_path / "home")
    assert isinstance(result.exception, StateProblem)
    assert "--home" in result.exception.remedy


def test_trouble_in_the_environment_does_not_stop_it(tmp_path: Path) -> None:
    assert run(tmp_path, environ={"WITHINGS_URL": "ftp://x"}).exit_code == 0


def test_a_person_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "at_a_terminal", lambda: True)
    typed = "a\tb\nanna\nabc\nhush\nanna@example.org\n\n"
    result = run(tmp_path, typed=typed)
    assert result.exit_code == 0, result.output
    assert "hush" not in result.output
    settings = read(tmp_path)
    [anna] = settings.people
    assert anna.name == "anna"
    assert [target.kind for target in anna.targets] == ["garmin"]
    assert settings.withings.client_secret is not None
    assert settings.withings.client_secret.reveal() == "hush"


def test_empty_answers_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "at_a_terminal", lambda: True)
    assert run(tmp_path, typed="\n\n\n\n").exit_code == 0
    settings = read(tmp_path)
    assert settings.people[0].name == "me"
    assert settings.people[0].targets == ()
    assert settings.withings.client_id is None


@posix_only
def test_a_real_terminal_is_asked_and_hides_the_secret(tmp_path: Path) -> None:
    import pty

    code = (
        "import os, sys; from pathlib import Path\n"
        "from weighbridge.cli.init import command; from weighbridge.cli.session import Session\n"
        "command([], obj=Session(Path(sys.argv[1]), os.environ))"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=theirs, stdout=theirs, stderr=theirs
    ) as running:
        os.close(theirs)
        seen = _converse(ours, [b"anna\n", b"abc\n", b"hush\n", b"\n", b"\n"])
        assert running.wait(20) == 0, seen
    os.close(ours)
    assert "hush" not in seen
    secret = read(tmp_path).withings.client_secret
    assert secret is not None
    assert secret.reveal() == "hush"


def _converse(terminal: int, answers: list[bytes]) -> str:
    """Answer each question when it is asked; everything that was on the screen."""
    seen = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # Linux says so when the other side has gone
            return seen.decode()
        if not part:
            return seen.decode()
        seen += part
        if seen.endswith(b": ") and answers:
            os.write(terminal, answers.pop(0))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_quoted_so_that_toml_reads_it_back(text: str) -> None:
    assert tomllib.loads(f"a = {quote(text)} # {quote(text)}")["a"] == text


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "person": _texts,
            "client_id": _texts,
            "client_secret": _texts,
            "client_secret_file": _texts,
            "garmin": _texts,
            "csv": _texts,
        },
    )
)
def test_what_was_answered_is_what_is_read(answers: dict[str, Any]) -> None:
    document = tomllib.loads(render(Answers(**answers)))
    withings = document["withings"]
    people = document.get("person", [{}])
    targets = {target["kind"]: target for target in people[0].get("target", [])}
    assert withings.get("client_id") == answers.get("client_id")
    if "client_secret_file" in answers:
        assert withings["client_secret"] == {"file": answers["client_secret_file"]}
    else:
        assert withings.get("client_secret") == answers.get("client_secret")
    about_a_person = answers.keys() & {"person", "garmin", "csv"}
    assert people[0].get("name") == (answers.get("person", "me") if about_a_person else None)
    assert targets.get("garmin", {}).get("username") == answers.get("garmin")
    assert targets.get("file", {}).get("path") == answers.get("csv")


@given(name=_plain | _texts, client_id=_plain | _texts, path=_plain | _texts)
def test_any_answer_is_refused_or_written_and_read_back(
    tmp_path_factory: pytest.TempPathFactory, name: str, client_id: str, path: str
) -> None:
    home = tmp_path_factory.mktemp("home")
    arguments = [f"--person={name}", f"--client-id={client_id}", f"--csv={path}"]
    result = run(home, *arguments)
    if result.exit_code == 0:
        settings = read(home)
        assert settings.withings.client_id == client_id
        assert settings.people[0].name == name
        assert str(settings.people[0].targets[0].options.path) == path
    else:
        assert result.exit_code == 2 or isinstance(result.exception, ConfigProblem)
        assert not list(home.iterdir())
