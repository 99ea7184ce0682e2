"""Long lines at a terminal: folded between sentences, so that no word and no command is cut."""

from __future__ import annotations

import re
import sys
from typing import TextIO

_BETWEEN = re.compile(r"(?<=[^\d\s][.?]) (?=[A-Z])")


def folded(text: str, stream: TextIO | None) -> str:
    """The text as it fits the terminal; unchanged when the stream is a pipe or a file."""
    if stream is None or not stream.isatty():
        return text
    import shutil

    width = shutil.get_terminal_size().columns
    return "\n".join(fold(line, width) for line in text.split("\n"))


def fold(line: str, width: int) -> str:
    """One line, with a break before each sentence that does not fit into ``width`` any more."""
    if len(line) <= width:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    first, *rest = _BETWEEN.split(line.strip())
    lines = [indent + first]
    for sentence in rest:
        if len(lines[-1]) + 1 + len(sentence) <= width:
            lines[-1] += f" {sentence}"
        else:
            lines.append(indent + sentence)
    return "\n".join(lines)


def tell(text: str = "") -> None:
    """A result for people, on standard output."""
    import click

    click.echo(folded(text, sys.stdout))
