"""``weighbridge init``: every answer makes a configuration that can be read."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.init_command import read, run
from fixtures.waiting import PATIENCE
from weighbridge.cli import init
from weighbridge.config.template import InitAnswers, PersonAnswers, render
from weighbridge.core import private_files
from weighbridge.core.commands import toml_string
from weighbridge.core.errors import ConfigProblem, StateProblem
from weighbridge.targets.kind import TargetAnswer

posix_only = pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")
_texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
_plain = st.text(st.sampled_from("añ\"'\\#$%{}=[]é漢 "), min_size=1, max_size=10)


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
    lines = render(InitAnswers()).splitlines()
    commented = [line[2:] for line in lines if line.startswith("# ")]
    settings = [line for line in commented if re.match(r"\w+ = |\[+[a-z.]+\]+$", line)]
    (tmp_path / "weighbridge.toml").write_text("[withings]\n" + "\n".join(settings))
    found = read(tmp_path)
    [anna] = found.people
    assert [target.kind for target in anna.targets] == ["garmin", "trainerroad", "file", "mqtt"]
    assert anna.timezone == "Europe/Paris"
    assert found.server.url == "https://scale.example.org"
    assert (found.server.port, found.server.poll) == (9474, 3 * 3600)
    assert found.alerts.silent_days == 3
    assert len(found.alerts.urls) == 1


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
    arguments += ["--garmin", "zoe@example.org", "--csv", "zoë.csv", "--mqtt", "mqtt://zoe@pi"]
    home = tmp_path / "home"
    result = run(home, *arguments)
    assert result.exit_code == 0, result.output
    settings = read(home)
    [zoe] = settings.people
    assert (zoe.name, str(zoe.height_cm), zoe.timezone) == ("Zoë", "172.5", "Europe/Paris")
    garmin, file, mqtt = zoe.targets
    assert garmin.options.username == "zoe@example.org"
    assert (str(file.options.path), file.options.format) == ("zoë.csv", "csv")
    assert (mqtt.options.url, mqtt.options.language) == ("mqtt://zoe@pi", "en")
    assert "give the password for MQTT" in result.stderr
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


def test_a_secret_from_a_pipe_is_in_the_file_and_not_on_the_screen(tmp_path: Path) -> None:
    result = run(tmp_path, "--client-id", "x", "--client-secret-stdin", typed='hu"sh\n')
    secret = read(tmp_path).withings.client_secret
    assert secret is not None
    assert secret.reveal() == 'hu"sh'
    assert "hu" not in result.output


def test_no_option_takes_a_secret(tmp_path: Path) -> None:
    names = {name for option in init.command.params for name in option.opts}
    secret = {name for name in names if re.search("secret|password|key", name)}
    assert {"--client-secret-stdin", "--client-secret-file", "--mqtt-password-file"} <= secret
    assert {name for name in secret if not name.endswith("-file")} == {"--client-secret-stdin"}


def test_a_file_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_text("mine")
    result = run(tmp_path, "--person", "anna")
    assert isinstance(result.exception, ConfigProblem)
    assert "--force" in result.exception.remedy
    assert (tmp_path / "weighbridge.toml").read_text() == "mine"


def test_a_file_that_appears_at_the_last_moment_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weighbridge.toml"

    def too_late(draft: Path, *given: Any) -> None:
        path.write_text("mine")
        path.hardlink_to(draft)

    monkeypatch.setattr(private_files, "_put_in_place", too_late)
    assert isinstance(run(tmp_path).exception, ConfigProblem)
    assert [one.name for one in tmp_path.iterdir()] == ["weighbridge.toml"]
    assert path.read_text() == "mine"


def test_a_disk_without_hard_links_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    private_files.write_new(tmp_path / "new", b"content")
    with pytest.raises(FileExistsError):
        private_files.write_new(tmp_path / "new", b"other")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("new", b"content")]


def test_a_disk_that_is_full_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(StateProblem, match="No space left"):
        private_files.write_new(tmp_path / "new", b"content")
    assert not list(tmp_path.iterdir())


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
        ["--mqtt", " "],
    ],
)
def test_a_wrong_answer_is_refused_before_anything_is_written(
    tmp_path: Path, arguments: list[str]
) -> None:
    result = run(tmp_path, *arguments)
    assert result.exit_code == 2
    assert result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["pi", "mqtt://w:hush-hush@pi", "http://pi"])
def test_the_address_of_a_broker_is_checked(tmp_path: Path, url: str) -> None:
    result = run(tmp_path, "--mqtt", url)
    assert isinstance(result.exception, ConfigProblem)
    assert "url must" in str(result.exception)
    assert "hush" not in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_a_file_where_the_folder_should_be_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    result = run(tmp_path / "home")
    assert isinstance(result.exception, StateProblem)
    assert "--home" in result.exception.remedy


def test_a_mistake_in_the_environment_does_not_stop_it(tmp_path: Path) -> None:
    assert run(tmp_path, environ={"WITHINGS_URL": "ftp://x"}).exit_code == 0


def test_a_person_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "at_a_terminal", lambda: True)
    typed = "a\tb\nanna\nabc\nhush\nanna@example.org\n\n\n\n"
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
    assert run(tmp_path, typed="\n\n\n\n\n\n").exit_code == 0
    settings = read(tmp_path)
    assert settings.people[0].name == "me"
    assert settings.people[0].targets == ()
    assert settings.withings.client_id is None


@posix_only
def test_a_real_terminal_is_asked_and_hides_the_secret(tmp_path: Path) -> None:
    import pty

    code = (
        "import os, sys; from pathlib import Path\n"
        "from weighbridge.cli.init import command\n"
        "from weighbridge.cli.cli_context import CliContext\n"
        "command([], obj=CliContext(Path(sys.argv[1]), os.environ))"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=theirs, stdout=theirs, stderr=theirs
    ) as running:
        os.close(theirs)
        seen = _converse(ours, [b"anna\n", b"abc\n", b"hush\n", b"\n", b"\n", b"\n", b"\n"])
        assert running.wait(PATIENCE) == 0, seen
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
    assert tomllib.loads(f"a = {toml_string(text)} # {toml_string(text)}")["a"] == text


def _target(kind: str, option: str, secret: str = "") -> st.SearchStrategy[TargetAnswer | None]:
    files = st.just({}) | _texts.map(lambda path: {secret: path}) if secret else st.just({})
    answer = st.builds(
        TargetAnswer,
        kind=st.just(kind),
        options=_texts.map(lambda text: {option: text}),
        secret_files=files,
    )
    return st.none() | answer


_people = st.builds(
    PersonAnswers,
    name=_texts,
    timezone=st.none() | _texts,
    targets=st.tuples(
        _target("garmin", "username"),
        _target("trainerroad", "username"),
        _target("file", "path"),
        _target("mqtt", "url", "password"),
    ).map(lambda found: tuple(one for one in found if one)),
)


@given(
    st.builds(
        InitAnswers,
        client_id=st.none() | _texts,
        client_secret=st.none() | _texts,
        client_secret_file=st.none() | _texts,
        people=st.lists(_people, max_size=3).map(tuple),
        url=st.none() | _texts,
        port=st.none() | st.integers(0, 65_535),
    )
)
def test_what_was_answered_is_what_is_read(answers: InitAnswers) -> None:
    document = tomllib.loads(render(answers))
    withings, server = document["withings"], document.get("server", {})
    assert withings.get("client_id") == answers.client_id
    if answers.client_secret_file is not None:
        assert withings["client_secret"] == {"file": answers.client_secret_file}
    else:
        assert withings.get("client_secret") == answers.client_secret
    assert (server.get("url"), server.get("port")) == (answers.url, answers.port)
    people = document.get("person", [])
    assert [person["name"] for person in people] == [person.name for person in answers.people]
    for written, person in zip(people, answers.people, strict=True):
        targets = {target["kind"]: target for target in written.get("target", [])}
        assert len(targets) == len(written.get("target", []))
        assert written.get("timezone") == person.timezone
        assert sorted(targets) == sorted(answer.kind for answer in person.targets)
        for answer in person.targets:
            secrets = {option: {"file": path} for option, path in answer.secret_files.items()}
            assert targets[answer.kind] == {"kind": answer.kind, **answer.options, **secrets}


def test_each_kind_is_explained_once() -> None:
    anna, ben = (
        PersonAnswers(name=name, targets=(TargetAnswer(kind="garmin", options={"username": "x"}),))
        for name in ("anna", "ben")
    )
    text = render(InitAnswers(people=(anna, ben)))
    assert text.count("in Garmin Connect.") == text.count("in TrainerRoad") == 1
    assert text.count('\n# kind = "trainerroad"\n') == text.count('\n# kind = "mqtt"\n') == 1
    assert text.count('\nkind = "garmin"\n') == 2


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
