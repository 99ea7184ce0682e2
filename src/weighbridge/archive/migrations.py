"""The numbered schema files, as single statements. Read only when a database is behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib import resources


def migration_steps(*, after: int) -> Iterator[tuple[int, list[str]]]:
    """Number and statements of each ``schema/NNN.sql`` that is newer than ``after``, in order."""
    folder = resources.files("weighbridge.archive").joinpath("schema")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        number = int(file.name.removesuffix(".sql"))
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
