"""What all commands have in common: help, exit codes, streams, logs, interruption."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from fixtures.cli import World, parse_command, run_here
from fixtures.waiting import PATIENCE
from weighbridge import __version__
from weighbridge.cli import command as root
from weighbridge.cli.command_names import COMMANDS
from weighbridge.cli.output import wrap_line


def all_commands(
    group: click.Group = root, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group with its path, the root first."""
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from all_commands(found, (*path, name))
        else:
            yield (*path, name), found


ALL = dict(all_commands())
NAMES = [" ".join(path) or "weighbridge" for path in ALL]


def test_all_commands_are_known() -> None:
    assert {path[0] for path in ALL if path} == set(COMMANDS)
    assert ("deliveries", "accept") in ALL


@pytest.mark.parametrize("path", ALL, ids=NAMES)
def test_the_help_has_an_example_of_its_own_command(tmp_path: Path, path: tuple[str, ...]) -> None:
    result = run_here(tmp_path, *path, "--help", env={"COLUMNS": "80"}, expect=0)
    assert result.err == ""
    examples = [
        shlex.split(line.partition("|")[0].partition(" < ")[0], comments=True)
        for line in result.out.splitlines()
        if re.match(r"  +weighbridge ", line)
    ]
    own = ["weighbridge", *path]
    assert any(words[: len(own)] == own for words in examples), result.out
    for words in examples:
        parse_command(words[1:])


@pytest.mark.parametrize("path", ALL, ids=NAMES)
def test_the_help_fits_eighty_columns(tmp_path: Path, path: tuple[str, ...]) -> None:
    out = run_here(tmp_path, *path, "--help", env={"COLUMNS": "80"}, expect=0).out
    assert [line for line in out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("path", ALL, ids=NAMES)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    for parameter in ALL[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_no_option_takes_a_secret() -> None:
    names = {name for one in ALL.values() for option in one.params for name in option.opts}
    secret = {name for name in names if re.search("secret|password|token", name)}
    assert {name for name in secret if not name.endswith(("-stdin", "-file"))} == set()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["snyc"], 'There is no command called "snyc". Did you mean "sync"?'),
        (["qqq"], 'There is no command called "qqq".'),
        (["--nope"], "--nope"),
        (["status", "--nope"], "--nope"),
        (["status", "extra"], "extra"),
        (["show", "--last", "many"], "'many'"),
        (["--log-format", "xml", "status"], "'xml'"),
        (["config"], "Usage: weighbridge config"),
        (["deliveries"], "Usage: weighbridge deliveries"),
        (["demo", "--recorded", "absent"], "absent"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_two_and_prints_nothing_on_standard_output(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    result = run_here(tmp_path, *arguments, expect=2)
    assert words in result.err
    assert result.out == ""


def test_without_arguments_it_shows_how_to_start(tmp_path: Path) -> None:
    result = run_here(tmp_path)
    told = result.out + result.err
    for step in ("weighbridge init", "weighbridge login withings", "weighbridge sync"):
        assert f"  {step}\n" in told
    assert "weighbridge demo" in told
    assert all(f"  {name}" in told for name in COMMANDS)


def test_the_version_is_printed(tmp_path: Path) -> None:
    for option in ("--version", "-V"):
        assert run_here(tmp_path, option, expect=0).out == f"weighbridge, version {__version__}\n"


def test_results_and_messages_have_their_own_streams(anna: World) -> None:
    talk = anna.run("sync", expect=0)
    assert talk.out == ""
    assert talk.err
    for command in (["status"], ["show"], ["export", "--format", "csv"], ["deliveries", "list"]):
        result = anna.run(*command, expect=0)
        assert result.out
        assert result.err == ""


def test_verbose_logs_steps_without_measured_values(anna: World) -> None:
    result = anna.start("-v", "sync", expect=0)
    assert re.search(r"^\d\d:\d\d:\d\d INFO collected person=anna groups=1$", result.err, re.M)
    assert re.search(r" INFO delivered person=anna target=garmin readings=1$", result.err, re.M)
    assert "72" not in re.sub(r"\d\d:\d\d:\d\d", "", result.err)
    assert "anna-walks-home" not in result.err


def test_with_json_log_lines_every_line_is_json(anna: World) -> None:
    anna.house.admin.fault("http", path="/upload-service/upload", status=503)
    result = anna.start("-v", "--log-format", "json", "sync", expect=4)
    lines = [json.loads(line) for line in result.err.splitlines()]
    assert {"time", "level", "event"} <= set.intersection(*(set(line) for line in lines))
    events = [line["event"] for line in lines]
    assert events[0] == "collected"
    assert "message" in events
    stopped = next(line for line in lines if line["event"] == "stopped")
    assert (stopped["person"], stopped["where"], stopped["level"]) == ("anna", "garmin", "warning")


@pytest.mark.parametrize(
    ("arguments", "code"), [(["sync", "--target", "nope"], 2), (["show", "--nope"], 2)]
)
def test_problems_are_json_lines_too(anna: World, arguments: list[str], code: int) -> None:
    result = anna.start("--log-format", "json", *arguments, expect=code)
    (line,) = result.err.splitlines()
    assert "nope" in json.loads(line)["text"]


def test_a_command_in_a_message_names_the_home_folder_that_was_given(
    tmp_path: Path, anna: World
) -> None:
    home = str(tmp_path / "a new home")
    told = run_here(tmp_path, "--home", home, "sync", expect=2).err
    assert told.endswith(f"Run: weighbridge --home '{home}' init\n")
    assert run_here(tmp_path, "sync", expect=2).err.endswith("Run: weighbridge init\n")
    anna.house.admin.revoke_tokens("anna")
    given = ("--home", str(anna.home))
    login = f"Run: weighbridge --home {anna.home} login withings --person anna\n"
    assert login in run_here(tmp_path, *given, "sync", expect=3).err
    assert login in run_here(tmp_path, *given, "status", expect=3).out


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT to one process")
def test_an_interruption_says_that_nothing_is_lost(anna: World) -> None:
    anna.house.admin.fault("hold", path="/measure")
    with anna.house.start("sync") as process:
        anna.house.admin.wait_for_hold(seconds=PATIENCE)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    anna.house.admin.release()
    assert process.returncode == 130
    assert err.strip() == "Stopped. Nothing is lost: run it again to continue."
    anna.run("sync", expect=0)


@pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")
def test_a_closed_standard_error_does_not_stop_the_work(anna: World) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "weighbridge", "-v", "sync"],
        env=anna.house.environment(),
        stderr=writer,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 0
    assert len(anna.house.weigh_ins("anna")) == 1


@pytest.mark.parametrize(
    ("line", "width", "lines"),
    [
        ("Short. It stays.", 80, ["Short. It stays."]),
        ("One sentence. Another one.", 20, ["One sentence.", "Another one."]),
        ("  Indented one. Run: a b c", 16, ["  Indented one.", "  Run: a b c"]),
        ("1. Log in at x. Then go.", 16, ["1. Log in at x.", "Then go."]),
        ("noplacetobreakatallinthisline", 10, ["noplacetobreakatallinthisline"]),
    ],
)
def test_a_terminal_breaks_between_sentences_only(line: str, width: int, lines: list[str]) -> None:
    assert wrap_line(line, width).split("\n") == lines
