"""The database of a home folder, as everything else sees it: statements by name, transactions.

The statements are in ``queries/<table>.sql``. Which database carries them out is decided here, in
``connect``, and nowhere else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Protocol, Self

from weighbridge.core.errors import StateProblem


class Row(Protocol):
    """One row of an answer: its values by the names of the columns."""

    def __getitem__(self, name: str, /) -> Any: ...
    def keys(self) -> Iterable[str]:
        """The names of the columns."""


class Database(Protocol):
    """One connection. Use it from one thread at a time.

    What a person must mend is raised as StateProblem, a lock that lasted too long as RetryLater.
    """

    home: Path
    path: Path
    """The file, for people to read in messages."""

    def transaction(self, *, of: int | None = None) -> AbstractContextManager[None]:
        """All of it or nothing. Inside another transaction it is a part of that one.

        ``of``: the account that it is about. Transactions of one account exclude each other from
        their beginning; those of no account exclude all others.
        """

    def relaxed(self) -> AbstractContextManager[None]:
        """Commits in here do not wait for the disk: for what the next run finds out again.

        A power cut may take the last of them back, never one from between: the next commit outside
        makes all of them durable. Inside a transaction it changes nothing.
        """

    def rehearsal(self) -> AbstractContextManager[None]:
        """Everything inside is taken back at the end: nothing was written."""

    def run(self, name: str, /, **values: Any) -> int:
        """Run a statement; the number of rows that it changed. Lists of values as for ``all``."""

    def run_many(self, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Run a statement for each row of values; the number of rows that were changed."""

    def one(self, name: str, /, **values: Any) -> Row | None:
        """The first row, or None."""

    def all(self, name: str, /, **values: Any) -> list[Row]:
        """All rows: for questions whose answer is bounded by a page or a batch.

        A list of values takes the place of several: ``taken_at IN (:instants)``.
        """

    def each(self, name: str, /, **values: Any) -> Iterator[Row]:
        """Row by row, for answers of any length."""

    def version_of_others(self) -> int:
        """A number that changes when another connection has written. It costs next to nothing."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way: no transaction, and no answer that is read row by row.

        As long as there is one, the connection sees the database as it was at its beginning.
        """

    def close(self) -> None:
        """Give everything back. Closing twice is harmless."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc_info: object) -> None: ...


def connect(home: Path) -> Database:
    """The database of a home folder, made or brought up to date if need be. Close it after use.

    Raises StateProblem, or RetryLater while another process keeps it busy.
    """
    from weighbridge.storage.sqlite import SqliteDatabase

    return SqliteDatabase(home)


def has_database(home: Path) -> bool:
    """Whether there is one already. Nothing is opened or made."""
    from weighbridge.storage.sqlite import FILE_NAME

    return (home / FILE_NAME).exists()


def prove_writable(home: Path) -> None:
    """Write and remove a small file. Raises StateProblem: asked before a login is spent."""
    probe = home / f".write-test-{os.getpid()}"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with probe.open("wb") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StateProblem(code="home.not_proven", path=str(home), error=error.strerror) from error
    finally:
        # A folder that refused the file refuses this as well, and that has been reported.
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def get_or_create(
    database: Database,
    name: str,
    make: Callable[[], str],
    clock: Callable[[], float] = time.time,
) -> str:
    """The value under ``name``, made once and then always the same.

    When several processes are first at once, one of them makes it and all of them get it.
    """
    known = _read(database, name)
    if known is not None:
        return known
    with database.transaction():  # it begins with the lock, so nobody comes in between
        known = _read(database, name)
        if known is None:
            known = make()
            database.run("add_instance_value", name=name, value=known, now=clock())
        return known


def _read(database: Database, name: str) -> str | None:
    row = database.one("instance_value", name=name)
    return str(row["value"]) if row else None
