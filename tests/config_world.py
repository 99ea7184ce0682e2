"""A household's configuration, and a kind of target that came from another package."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from weighbridge.config import ConfigProblems, Settings, load
from weighbridge.errors import ExitCode

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


def install_journal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of target from another package, installed as pip would lay it out."""
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
