"""The unit files in ``contrib/``, and what they start."""

from __future__ import annotations

import configparser
import shlex
from collections.abc import Mapping
from pathlib import Path


def unit(path: Path) -> configparser.ConfigParser:
    """A unit file; of a key that stands several times, the last value."""
    parser = configparser.ConfigParser(
        strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",)
    )
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names keep their case
    parser.read(path, "utf-8")
    return parser


def started_by(path: Path, specifiers: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The words of ExecStart and the environment; ``specifiers`` are the values of ``%h`` …"""
    said = unit(path)["Service"]
    command, environment = said["ExecStart"], said.get("Environment", "")
    for specifier, value in specifiers.items():
        command = command.replace(specifier, value)
        environment = environment.replace(specifier, value)
    assert "%" not in command + environment, "a specifier that this test does not know"
    return shlex.split(command), dict(word.partition("=")[::2] for word in shlex.split(environment))
