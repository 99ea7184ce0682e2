"""The named statements of ``queries.sql``. One is read with ``statement("name")``."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def _statements() -> dict[str, str]:
    text = Path(__file__).with_name("queries.sql").read_text("utf-8")
    blocks = text.split("\n-- name: ")[1:]
    return {
        name.strip(): body.strip() for name, _, body in (block.partition("\n") for block in blocks)
    }


def statement(name: str) -> str:
    """The SQL under ``-- name: <name>``. Raises KeyError for a name that is not there."""
    return _statements()[name]
