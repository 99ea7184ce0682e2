"""The named statements of ``queries/<table>.sql``. One is read with ``statement("name")``.

Parameters are named; nothing is ever put into the text. The statements keep to what SQLite and
PostgreSQL both understand; what only SQLite understands is in ``schema/``. Two habits look odd:

- ``state IN (all the open ones)`` beside ``state = one of them`` lets SQLite use the partial index,
  so that a million finished deliveries cost nothing.
- ``+d.ordinal`` and ``d.reading_id || ''`` keep SQLite from sorting by another index.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path


def statement(name: str) -> str:
    """The SQL under ``-- name: <name>``. Raises KeyError for a name that is not there."""
    return all_statements()[name]


@cache
def all_statements() -> dict[str, str]:
    """Every statement by its name, which is unique among all tables."""
    found: dict[str, str] = {}
    for file in sorted(Path(__file__).with_name("queries").glob("*.sql")):
        for block in ("\n" + file.read_text("utf-8")).split("\n-- name: ")[1:]:
            name, _, body = block.partition("\n")
            if name in found:
                raise ValueError(f"two statements are named {name}")
            found[name] = body.strip()
    return found
