"""What a format of one line a reading offers. ``jsonl`` and ``csv`` are modules of this shape."""

from __future__ import annotations

from typing import Protocol

from weighbridge.core.measures import Reading
from weighbridge.targets.formats.render_context import Owner


class LineFormat(Protocol):
    """A text format in which every reading is one line, found again by its id."""

    @property
    def HEADER(self) -> bytes:  # noqa: N802  a constant of the module
        """The first line of a file with its line end; empty when the format has none."""

    @property
    def LINE_END(self) -> bytes:  # noqa: N802
        """What ends each line."""

    @property
    def SUFFIX(self) -> str:  # noqa: N802
        """The usual end of a file name, with the dot."""

    def encode(self, reading: Reading, owner: Owner) -> bytes:
        """One line with its line end. Raises ``Refused`` for a time in no calendar."""

    def read_id(self, line: bytes) -> str | None:
        """The id of the reading in a line; None for a header or anything that is not ours."""

    def is_whole(self, line: bytes) -> bool:
        """Whether a line that has no line end is nevertheless complete."""
