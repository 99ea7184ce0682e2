"""A command that people are told works in their shell, whatever names they have."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core import commands
from weighbridge.core.commands import command_line, login_command

ODD = [
    "Anna Maria",
    "O'Neil",
    'say "hi"',
    "$HOME",
    "`id`",
    "a;b",
    "Zoë",
    "*",
    "!",
    "\\",
    "~x",
    "漢",
]
_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def test_a_plain_name_is_not_quoted() -> None:
    assert login_command("withings", "anna") == "weighbridge login withings --person anna"
    assert login_command("withings") == "weighbridge login withings"


@given(target=_names, person=_names)
def test_every_word_comes_back_as_it_was(target: str, person: str) -> None:
    words = ["weighbridge", "login", target, "--person", person]
    assert shlex.split(login_command(target, person)) == words


@pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX")
def test_a_real_shell_understands_it() -> None:
    said = command_line("login", *ODD).removeprefix("weighbridge ")
    run = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {said}"], capture_output=True, check=True, text=True
    )
    assert run.stdout.splitlines() == ["login", *ODD]


def test_windows_has_quotes_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands.sys, "platform", "win32")
    assert login_command("withings", "Anna Maria") == (
        'weighbridge login withings --person "Anna Maria"'
    )
