"""Secrets are read from their reference, and are never printed."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import sys
import traceback
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core import secret as secret_module
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret, read_secret, warn_of_readers

VALUE = "s3cr3t-v4lue"
posix_only = pytest.mark.skipif(os.name != "posix", reason="file modes are a matter of POSIX")


def printing(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_value_is_revealed() -> None:
    assert Secret.of_value(VALUE).reveal() == VALUE


@pytest.mark.parametrize(
    "content", [VALUE, f"{VALUE}\n", f"{VALUE}\r\n", f"{VALUE}\nnote\n", f"\ufeff{VALUE}\n"]
)
def test_the_first_line_of_a_file_is_the_secret(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content.encode())
    assert Secret.of_file(path).reveal() == VALUE


def test_spaces_belong_to_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(" a b \n")
    assert Secret.of_file(path).reveal() == " a b "


def test_a_file_is_read_when_the_secret_is_used(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    found = Secret.of_file(path)
    assert found.trouble() is not None
    path.write_text(VALUE)
    assert found.trouble() is None
    assert found.reveal() == VALUE


def test_a_variable_is_the_secret() -> None:
    assert Secret.of_variable("TOKEN", {"TOKEN": VALUE}).reveal() == VALUE


def test_the_first_line_of_a_command_is_the_secret() -> None:
    found = Secret.of_command(printing(f"print({VALUE!r}); print('note')"))
    assert found.reveal() == VALUE


def test_a_command_runs_once_a_process(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    code = f"open({str(runs)!r}, 'a').write('x'); print('a')"
    found = Secret.of_command(printing(code))
    assert [found.reveal(), found.reveal()] == ["a", "a"]
    assert runs.read_text() == "x"


def test_a_check_does_not_run_the_command(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    found = Secret.of_command(printing(f"open({str(mark)!r}, 'w')"))
    assert found.trouble() is None
    assert not mark.exists()


def test_no_shell_reads_the_command() -> None:
    found = Secret.of_command((*printing("import sys; print(sys.argv[1])"), "$HOME; echo x"))
    assert found.reveal() == "$HOME; echo x"


def test_a_command_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_module, "_COMMAND_SECONDS", 0.2)
    code = f"import time; print({VALUE[:5]!r} + {VALUE[5:]!r}, flush=True); time.sleep(30)"
    with pytest.raises(ConfigProblem, match="took more than") as caught:
        Secret.of_command(printing(code)).reveal()
    assert VALUE not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (Secret.of_file(Path("absent")), "absent"),
        (Secret.of_file(Path(__file__).parent), Path(__file__).parent.name),
        (Secret.of_variable("TOKEN", {}), "TOKEN"),
        (Secret.of_variable("TOKEN", {"TOKEN": ""}), "TOKEN"),
        (Secret.of_command("no-such-program-here a"), "no-such-program-here"),
        (Secret.of_command(printing("import sys; sys.exit(3)")), "exit code 3"),
        (Secret.of_command(printing("print()")), "first line"),
    ],
)
def test_a_broken_reference_is_named_with_its_remedy(found: Secret, named: str) -> None:
    with pytest.raises(ConfigProblem) as caught:
        found.reveal()
    assert named in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\nx", b"abc\xff\xfe" + VALUE.encode()])
def test_an_unusable_file_is_refused_without_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(ConfigProblem) as caught:
        Secret.of_file(path).reveal()
    assert VALUE not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@given(st.text().map(lambda text: f"§{text}"))
def test_a_secret_is_never_printed_or_logged(value: str) -> None:
    found = Secret.of_value(value)
    record = logging.LogRecord("x", 10, "", 0, "%s %r", (found, found), None)
    told = [repr(found), str(found), f"{found}", record.getMessage(), found.source]
    assert all(value not in text for text in told)


def test_a_secret_cannot_be_copied_or_serialised() -> None:
    found = Secret.of_value(VALUE)
    for write in (pickle.dumps, copy.copy, copy.deepcopy, msgspec.json.encode):
        with pytest.raises(TypeError):
            write(found)
    assert not hasattr(found, "__dict__")


@pytest.mark.parametrize(
    ("written", "source"),
    [
        ("x", "the value itself"),
        ({"env": "TOKEN"}, "environment TOKEN"),
        ({"command": "pass show x"}, "command pass show x"),
        ({"command": ["pass", "a b"]}, "command pass a b"),
    ],
)
def test_all_forms_can_be_written(written: object, source: str) -> None:
    assert read_secret(written, home=Path(), environ={}).source == source


def test_a_relative_file_starts_in_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(VALUE)
    assert read_secret({"file": "secret"}, home=tmp_path, environ={}).reveal() == VALUE


@pytest.mark.parametrize(
    "written",
    [
        "",
        3,
        [VALUE],
        {},
        {"fil": VALUE},
        {"file": "a", "env": "b"},
        {"file": 3},
        {"env": ""},
        {"command": ""},
        {"command": []},
        {"command": ["a", 1]},
        {"command": f"echo '{VALUE}"},
    ],
)
def test_anything_else_is_refused_without_repeating_it(written: object) -> None:
    with pytest.raises(ValueError, match=r"is |has ") as caught:
        read_secret(written, home=Path(), environ={})
    assert VALUE not in str(caught.value)


@posix_only
@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o400, False), (0o640, True)])
def test_a_file_that_others_can_read_gives_a_warning(
    tmp_path: Path, mode: int, warns: bool
) -> None:
    path = tmp_path / "secret"
    path.write_text(VALUE)
    path.chmod(mode)
    warning = Secret.of_file(path).exposure()
    assert bool(warning) is warns
    assert not warns or "chmod 600" in warning


def test_what_a_container_mounts_gives_no_warning() -> None:
    assert warn_of_readers(Path("/run/secrets/withings")) == ""
