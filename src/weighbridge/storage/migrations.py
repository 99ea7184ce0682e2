"""The numbered schema files, as single statements. Read only when a database is behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path


def migration_steps(*, after: int) -> Iterator[tuple[int, list[str]]]:
    """Number and statements of each ``schema/NNN.sql`` that is newer than ``after``, in order."""
    for file in sorted(Path(__file__).with_name("schema").glob("*.sql")):
        number = int(file.stem)
        if number > after:
            yield number, list(_split(file.read_text("utf-8")))


def _split(script: str) -> Iterator[str]:
    """One statement at a time: ``executescript`` would commit the transaction around it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
