"""The named statements of ``queries/<table>.sql``. One is read with ``statement("name")``.

Parameters are named; nothing is ever put into the text. The statements keep to what SQLite and
PostgreSQL both understand; what only SQLite understands is in ``schema/``. Two habits look odd:

- ``state IN (all the open ones)`` beside ``state = one of them`` lets SQLite use the partial index,
  so that a million finished deliveries cost nothing.
- ``+d.ordinal`` and ``d.reading_id || ''`` keep SQLite from sorting by another index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

ROWS_AT_ONCE = 50
"""So many rows are inserted by one statement: beyond that it becomes no quicker."""

_PARAMETER = r"(?<![:\w]):([a-z]\w*)"
_COMMENT = r"--[^\n]*"
_ONE_ROW = r"(?<=\bVALUES )\([?, ]+\)(?=$| ON CONFLICT )"


def statement(name: str) -> str:
    """The SQL under ``-- name: <name>``. Raises KeyError for a name that is not there."""
    return all_statements()[name]


class PositionalStatement(NamedTuple):
    """A statement for thousands of rows: binding values by name takes half of the time of a row."""

    one: str
    many: str
    """The same for ``ROWS_AT_ONCE`` rows; "" for what does not insert plain values."""
    pick: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    """The values of a row in their order, once for each place."""


@cache
def positional(name: str) -> PositionalStatement:
    """The statement ``name`` with a question mark for each parameter."""
    text = re.sub(_COMMENT, "", statement(name))
    names = re.findall(_PARAMETER, text)
    one = " ".join(re.sub(_PARAMETER, "?", text).split())
    row = re.search(_ONE_ROW, one)
    if row is None or row[0].count("?") != len(names):
        return PositionalStatement(one, "", _picker(names))
    rows = ", ".join([row[0]] * ROWS_AT_ONCE)
    return PositionalStatement(one, one[: row.start()] + rows + one[row.end() :], _picker(names))


def _picker(names: list[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    picked = itemgetter(*names)
    return picked if len(names) > 1 else lambda row: (picked(row),)


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
