"""The configuration that the set-up writes: shown first, proven, then written with its secrets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import count
from pathlib import Path

import msgspec

from weighbridge.config import CONFIG_FILE, Mistake
from weighbridge.config.loader import mistakes_in
from weighbridge.config.template import render
from weighbridge.core.private_files import write_new
from weighbridge.core.secret import STARS, Secret
from weighbridge.web.views.setup_draft import Draft, SecretKey, answers_of


class Plan(msgspec.Struct, frozen=True):
    """What will be written."""

    text: str
    """Of ``weighbridge.toml``, secrets included."""
    shown: str
    """The same with stars for secrets."""
    secrets: Mapping[str, Secret]
    """Name of a file beside it → what will be in it."""

    def __repr__(self) -> str:
        return f"Plan(secrets={list(self.secrets)!r})"

    @property
    def fingerprint(self) -> str:
        """Changes with what is shown."""
        return sha256(self.shown.encode()).hexdigest()[:16]


def plan_of(draft: Draft, home: Path, port: int | None) -> Plan:
    """What would be written now. Files that are there already are left alone."""
    files = _free_names(home, draft.secrets_in_use)
    answers = answers_of(draft, files, port)
    stars = msgspec.structs.replace(answers, client_secret=answers.client_secret and STARS)
    secrets = {files[key]: secret for key, secret in draft.secrets_in_use.items()}
    return Plan(render(answers), render(stars), secrets)


def mistakes_of(plan: Plan, home: Path, environ: Mapping[str, str]) -> list[Mistake]:
    """What is wrong with it, as every command will read it. There should be nothing."""
    return mistakes_in(plan.text, home=home, environ=environ)


def write(plan: Plan, home: Path) -> None:
    """Write all of it or nothing, for this account only.

    Raises FileExistsError when one of the files is there already, and StateProblem.
    """
    written: list[Path] = []
    try:
        for name, secret in plan.secrets.items():
            write_new(home / name, f"{secret.reveal()}\n".encode())
            written.append(home / name)
        write_new(home / CONFIG_FILE, plan.text.encode())
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _free_names(home: Path, keys: Iterable[SecretKey]) -> dict[SecretKey, str]:
    """A file for each secret, like ``mqtt-password``, numbered where one is there already."""
    names: dict[SecretKey, str] = {}
    for key in keys:
        kind, option, _ = key
        usual = f"{kind}-{option}".replace("_", "-")
        numbered = (usual if number == 1 else f"{usual}-{number}" for number in count(1))
        names[key] = next(
            name
            for name in numbered
            if name not in names.values() and not os.path.lexists(home / name)
        )
    return names
