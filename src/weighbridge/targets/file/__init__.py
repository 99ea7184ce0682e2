"""
Write readings into files: JSON lines, CSV or FIT.

Example configuration::

    [[person.target]]
    kind = "file"
    format = "csv"
    path = "anna.csv"

``path``    where to write. ``~`` is your home folder; a relative path begins at the home folder of
            Weighbridge. Folders are made when they are missing.
``format``  ``json`` (one object a line), ``csv`` or ``fit``; without it the ending of the path
            decides, and anything else than ``.csv`` or ``.fit`` is JSON. The text formats hold
            everything that was measured. FIT holds weight and body composition; blood pressure
            goes into a second file beside it: ``anna.blood_pressure.fit``.
``per``     ``person``: one file with all readings (the default). ``reading``: ``path`` is a folder
            with one file for each reading.

A reading that changes is updated in its place and never repeated. What else you write into a
text file stays there. Delete the file, and a new one begins with what is owed from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from weighbridge.targets.base import Context, Target
from weighbridge.targets.kind import FormAnswer, FormFault, TargetKind, WizardField
from weighbridge.targets.wizard import read_plain_form


class FileOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may write for a target of this kind."""

    path: Annotated[str, msgspec.Meta(min_length=1)]
    format: Literal["json", "csv", "fit"] | None = None
    per: Literal["person", "reading"] = "person"

    @property
    def shape(self) -> str:
        """The format, or what the ending of the path says."""
        ending = self.path.rpartition(".")[2].lower()
        return self.format or (ending if ending in {"csv", "fit"} else "json")


def _create(options: FileOptions, context: Context) -> Target:
    """Raises ConfigProblem for a home folder that does not exist (``~x``)."""
    from weighbridge.targets.file.file_target import FileTarget

    return FileTarget(options.path, options.shape, context, each=options.per == "reading")


def _read_form(kind: TargetKind, typed: Mapping[str, str]) -> FormAnswer:
    """A path in a home folder that does not exist is a fault."""
    answer = read_plain_form(kind, typed)
    try:
        Path(answer.options.get("path", "")).expanduser()
    except RuntimeError:
        faults = (*answer.faults, FormFault("path", "path"))
        return msgspec.structs.replace(answer, faults=faults)
    return answer


KIND = TargetKind(
    name="file",
    service="File",
    options=FileOptions,
    create=_create,
    takes="A file that grows with every reading.",
    page=__doc__,
    place=30,
    wizard=(
        WizardField(
            option="path",
            example='"anna.csv"',
            label="CSV file to write",
            longest=500,
            unique=True,
            flag="--csv",
            metavar="FILE",
            help="Write a CSV file; a relative path starts in the home folder.",
        ),
        WizardField(
            option="format",
            shape="choice",
            choices=("csv", "json", "fit"),
            example='"csv"',
        ),
    ),
    remark="A relative path starts in the folder of this file.",
    read_form=_read_form,
    texts=Path(__file__).with_name("texts.toml"),
)
