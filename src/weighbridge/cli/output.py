"""What a command prints: results on standard output, messages for people on standard error."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

import click

from weighbridge.cli.command_names import COMMANDS
from weighbridge.core.commands import in_shell

_COMMAND = re.compile(rf"(?<![\w/.-])weighbridge (?=(?:{'|'.join(COMMANDS)})\b)")
"""A command in a message. With ``--home`` in front of it, it works when it is copied."""
_home_option: list[str] = []

_SENTENCE_END = re.compile(r"(?<=[^\d\s][.?]) (?=[A-Z])")


def use_home(home: str | None) -> None:
    """From now on the commands in messages start with ``weighbridge --home HOME``."""
    _home_option[:] = [f"--home {in_shell(home)} "] if home else []


def echo(text: str = "") -> None:
    """Print a result for people on standard output."""
    click.echo(wrap_for(sys.stdout, _with_home(text)))


def print_json(content: object) -> None:
    """Print one JSON document on standard output, in UTF-8 on every system."""
    import msgspec.json

    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2))


def say(text: str = "") -> None:
    """Print a message on standard error, so that results can be piped.

    A closed or full standard error is ignored: the work is more important than its messages.
    """
    text = _with_home(text)
    with suppress(OSError):
        if _message_log:
            _message_log[0](text)
        else:
            click.echo(wrap_for(sys.stderr, text), err=True)


_message_log: list[Callable[[str], None]] = []


def log_messages_with(log: Callable[[str], None]) -> None:
    """From now on every message goes to ``log`` instead of standard error (JSON log lines)."""
    _message_log[:] = [log]


def messages_are_logged() -> bool:
    """True when messages are JSON log lines."""
    return bool(_message_log)


def _with_home(text: str) -> str:
    """The text, with the home folder in each command that it names."""
    if not _home_option:
        return text
    return _COMMAND.sub(lambda found: found[0] + _home_option[0], text)


def wrap_for(stream: TextIO | None, text: str) -> str:
    """Wrap the text to the width of the terminal; unchanged for a pipe or a file."""
    if stream is None or not stream.isatty():
        return text
    import shutil

    width = shutil.get_terminal_size().columns
    return "\n".join(wrap_line(line, width) for line in text.split("\n"))


def wrap_line(line: str, width: int) -> str:
    """Break a line that is longer than ``width`` between sentences.

    No word and no command is cut: a sentence that is longer than the terminal stays on one line.
    """
    if len(line) <= width:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    first, *rest = _SENTENCE_END.split(line.strip())
    lines = [indent + first]
    for sentence in rest:
        if len(lines[-1]) + 1 + len(sentence) <= width:
            lines[-1] += f" {sentence}"
        else:
            lines.append(indent + sentence)
    return "\n".join(lines)
