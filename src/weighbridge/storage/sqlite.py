"""The SQLite file in the home folder: opening, migrating, transactions. No knowledge of its rows.

Every sqlite3 error leaves here as a decision: what a person must mend is a StateProblem, a lock
that lasted too long is RetryLater.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import batched, chain
from pathlib import Path
from typing import Any, Self

from weighbridge.core.errors import Problem, RetryLater, StateProblem
from weighbridge.storage.statements import ROWS_AT_ONCE, positional, statement

FILE_NAME = "weighbridge.db"
SCHEMA_VERSION = 1
BUSY_SECONDS = 20.0
SMALLEST_ROOM = 64 * 1024
"""Bytes. The index of the write-ahead log grows by half of that at once."""
PAUSE_SECONDS = 0.02

_making = threading.Lock()


class SqliteDatabase:
    """One connection. Use it from one thread at a time.

    Commits are synchronous (``FULL``): a token that was handed to the service must survive a power
    cut (docs/reference/withings-api.md#tokens). ``relaxed`` is for what need not.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / FILE_NAME
        self._depth = 0
        self._unread = 0
        with _explained(self.path):
            _make_private(home, self.path)
            self._connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.execute("PRAGMA synchronous = FULL")
        if self._version() == SCHEMA_VERSION:
            self._refuse_unreleased()
            return
        self._write_ahead()
        self._migrate()

    def _refuse_unreleased(self) -> None:
        """Versions before the first release counted their schema as 1 as well."""
        if not self._connection.execute(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'raw_group'"
        ).fetchone():
            raise StateProblem(code="database.unreleased", path=str(self.path))

    def _write_ahead(self) -> None:
        """Switch to WAL. SQLite waits for nobody here, and two processes may both be new."""
        attempts = int(BUSY_SECONDS / PAUSE_SECONDS)
        for attempt in range(attempts + 1):
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or attempt == attempts:
                    raise
                time.sleep(PAUSE_SECONDS)

    def _version(self) -> int:
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        return version

    def _migrate(self) -> None:
        """Apply each missing ``schema/NNN.sql`` together with its record in one transaction."""
        with self.transaction():
            version = self._version()
            if version > SCHEMA_VERSION:
                raise StateProblem(
                    code="database.newer",
                    path=str(self.path),
                    version=version,
                    known=SCHEMA_VERSION,
                )
            for number, steps in migrations(after=version):
                for step in steps:
                    self._connection.execute(step)
                self._connection.execute(f"PRAGMA user_version = {number}")

    def version_of_others(self) -> int:
        """A number that changes when another connection has written. It costs next to nothing."""
        with _explained(self.path):
            version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
            return version

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way: no transaction, and no answer that is read row by row.

        As long as there is one, the connection sees the database as it was at its beginning.
        """
        return not (self._depth or self._unread)

    def close(self) -> None:
        """Give the file back. Closing twice is harmless."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @contextmanager
    def transaction(self, *, of: int | None = None) -> Iterator[None]:
        """All of it or nothing. Inside another transaction it is a part of that one.

        ``of``: the account that it is about. Here one writer excludes all others anyway.
        """
        if self._depth:
            yield
            return
        with _explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
            with _explained(self.path):
                self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._depth = 0

    @contextmanager
    def relaxed(self) -> Iterator[None]:
        """Commits in here do not wait for the disk, which may take 20 ms on a memory card.

        For what the next run finds out again. A power cut may take the last of them back, never one
        from between: the next commit outside makes all of them durable. A process that dies loses
        nothing. Inside a transaction it changes nothing.
        """
        if self._depth:
            yield
            return
        with _explained(self.path):
            self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self._connection.execute("PRAGMA synchronous = FULL")

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Everything inside is taken back at the end: nothing was written."""
        with _explained(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        finally:
            self._depth = 0
            self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def run(self, name: str, /, **values: Any) -> int:
        """Run a statement; the number of rows that it changed."""
        with _explained(self.path):
            return self._connection.execute(*_expanded(statement(name), values)).rowcount

    def run_many(self, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Run a statement for each row of values; the number of rows that were changed."""
        plain = positional(name)
        changed = 0
        with _explained(self.path):
            for part in batched(map(plain.pick, rows), ROWS_AT_ONCE):
                if plain.many and len(part) == ROWS_AT_ONCE:
                    values = [*chain.from_iterable(part)]
                    changed += self._connection.execute(plain.many, values).rowcount
                else:
                    changed += self._connection.executemany(plain.one, part).rowcount
        return changed

    def one(self, name: str, /, **values: Any) -> Any | None:
        """The first row, or None."""
        with _explained(self.path):
            cursor = self._connection.execute(statement(name), values)
            row = cursor.fetchone()
            cursor.close()
            return row

    def all(self, name: str, /, **values: Any) -> list[Any]:
        """All rows: for questions whose answer is bounded by a page or a batch."""
        with _explained(self.path):
            return self._connection.execute(*_expanded(statement(name), values)).fetchall()

    def each(self, name: str, /, **values: Any) -> Iterator[Any]:
        """Row by row, for answers of any length."""
        self._unread += 1
        try:
            with _explained(self.path):
                yield from self._connection.execute(statement(name), values)
        finally:
            self._unread -= 1


def _expanded(sql: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A list of values takes as many parameters as it has members."""
    for name, listed in [*values.items()]:
        if isinstance(listed, (list, tuple)):
            names = [f"{name}_{number}" for number in range(len(listed))]
            sql = sql.replace(f":{name}", ", ".join(f":{one}" for one in names))
            values = {**values, **dict(zip(names, listed, strict=True))}
    return sql, values


def _make_private(home: Path, path: Path) -> None:
    """Make the file if there is none. One that exists is never opened here: closing it again would
    drop the locks of all other connections of this process, and SQLite would lose track of who
    uses the file (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _making, suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise _not_writable(home, error.errno) from error
    if not os.access(home, os.W_OK) or not os.access(path, os.R_OK | os.W_OK):
        raise _not_writable(home, errno.EROFS if _is_read_only(home) else errno.EACCES)


def _not_writable(home: Path, number: int | None) -> StateProblem:
    code = "home.no_room" if number == errno.ENOSPC else "home.not_writable"
    return StateProblem(code=code, path=str(home), error=os.strerror(number or errno.EIO))


def _is_read_only(folder: Path) -> bool:
    """Whether the whole disk is, as far as the system tells."""
    if not hasattr(os, "statvfs"):
        return False
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _problem(path, error) from error


def _code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF  # the higher bits only tell more about the same


def _problem(path: Path, error: sqlite3.Error) -> Problem:
    code = _code(error)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return RetryLater(code="database.busy", path=str(path))
    if code == sqlite3.SQLITE_IOERR and _is_full(path):
        code = sqlite3.SQLITE_FULL
    found = _STATE_PROBLEMS.get(code, "unusable")
    return StateProblem(code=f"database.{found}", path=str(path), error=str(error))


def _is_full(path: Path) -> bool:
    """SQLite calls it an I/O error when the memory that its processes share cannot grow."""
    import shutil

    try:
        return shutil.disk_usage(path.parent).free < SMALLEST_ROOM
    except OSError:
        return False


_STATE_PROBLEMS = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_CANTOPEN: "not_opened",
    sqlite3.SQLITE_IOERR: "disk",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "foreign",
}
"""SQLite's error code → the end of a code ``database.<...>``."""


def migrations(*, after: int) -> Iterator[tuple[int, list[str]]]:
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
