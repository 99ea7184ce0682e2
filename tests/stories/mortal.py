"""The real command in a process that ends itself, abruptly, at the N-th boundary of the road.

    python mortal.py N sync ...

A boundary is the moment before or after something that others can see: a COMMIT, an HTTP request,
a write, a flush or a replacement of a file, also the middle of a write. Nothing is cleaned up:
``os._exit`` is to Python what ``kill -9`` is to a process. The last line on standard error names
the boundary, or how many there were if the process outlived them all.
"""

from __future__ import annotations

import http.client
import os
import re
import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

import curl_cffi
import httpx2

from weighbridge.formats import line_file

KILLED = 137
"""What a shell shows for a process that was killed with signal 9."""

_COMMENTS = re.compile(r"\s*(--[^\n]*\n\s*)*")
_WRITING = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class Life:
    """Counts boundaries and ends at the last one."""

    def __init__(self, boundaries: int) -> None:
        self.limit = boundaries
        self.passed = 0
        self._lock = threading.Lock()

    def pass_boundary(self, name: str) -> None:
        """Go on, or end here."""
        with self._lock:
            self.passed += 1
            if self.passed == self.limit:
                os.write(2, f"\nended at boundary {self.passed}: {name}\n".encode())
                os._exit(KILLED)

    def around[**P, R](self, name: str, call: Callable[P, R]) -> Callable[P, R]:
        """The same call with a boundary before and one after it."""

        def between(*arguments: P.args, **named: P.kwargs) -> R:
            self.pass_boundary(f"before {name}")
            result = call(*arguments, **named)
            self.pass_boundary(f"after {name}")
            return result

        return between


def limit(life: Life) -> None:
    """Put boundaries around everything that others can see."""
    sqlite3.connect = _mortal_connect(life, sqlite3.connect)
    httpx2.Client.send = life.around("a Withings request", httpx2.Client.send)
    curl_cffi.Session.request = life.around("a Garmin token request", curl_cffi.Session.request)
    connection = http.client.HTTPConnection
    connection.endheaders = life.around("a Garmin request", connection.endheaders)
    connection.getresponse = life.around("a Garmin answer", connection.getresponse)
    line_file._write_all = _mortal_write(life, line_file._write_all)
    os.fsync = life.around("a flush to the disk", os.fsync)
    os.replace = life.around("a replacement", os.replace)


def _mortal_connect(life: Life, connect: Callable[..., Any]) -> Callable[..., Any]:
    class Connection(sqlite3.Connection):
        """A statement outside a transaction is committed as well."""

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            verb = _COMMENTS.sub("", sql, count=1).upper()
            alone = verb.startswith(_WRITING) and not self.in_transaction
            if not (alone or verb.startswith("COMMIT")):
                return super().execute(sql, *values)
            words = " ".join(verb.split()[:4])
            return life.around(f"a commit ({words})", super().execute)(sql, *values)

    return lambda *arguments, **named: connect(*arguments, factory=Connection, **named)


def _mortal_write(life: Life, write: Callable[..., None]) -> Callable[..., None]:
    def write_in_halves(file: Any, content: bytes) -> None:
        life.pass_boundary("before a write")
        middle = len(content) // 2
        write(file, content[:middle])
        life.pass_boundary("in the middle of a write")
        write(file, content[middle:])
        life.pass_boundary("after a write")

    return write_in_halves


if __name__ == "__main__":
    life = Life(int(sys.argv[1]))
    limit(life)
    sys.argv = ["weighbridge", *sys.argv[2:]]
    from weighbridge.cli import main

    try:
        main()
    finally:
        os.write(2, f"\noutlived {life.passed} boundaries\n".encode())
