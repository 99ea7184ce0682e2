"""``weighbridge serve`` as a process of its own, as an installed program runs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import msgspec

WEIGHBRIDGE = [sys.executable, "-m", "weighbridge"]
PATIENCE = 60.0
"""Seconds after which the benchmark gives up."""


class Answer(msgspec.Struct, frozen=True):
    """The answer to one request, and how long it took. ``status`` 0: no connection."""

    seconds: float
    status: int
    body: bytes = b""
    encoding: str = ""
    cookie: str = ""


class ServerProcess:
    """A server for the home folder ``folder``, which is configured to listen on ``port``."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, page: str = "/readyz") -> float:
        """Seconds from the start of the process to the first 200 of a page."""
        begin = time.perf_counter()
        with (self.folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*WEIGHBRIDGE, "serve"], env=self.environment(), stdout=log, stderr=log
            )
        until(lambda: self.request("GET", page, self.bearer()).status == 200, pause=0.002)
        return time.perf_counter() - begin

    def stop(self) -> float:
        """Seconds from SIGTERM to the end of the process."""
        begin = time.perf_counter()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None
        return time.perf_counter() - begin

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def environment(self) -> dict[str, str]:
        return {**installed(), "WEIGHBRIDGE_HOME": str(self.folder)}

    def bearer(self) -> dict[str, str]:
        """The header with the admin token."""
        return {"Authorization": f"Bearer {self.token()}"}

    def token(self) -> str:
        """The admin token; "-" before the server has made one."""
        path = self.folder / "admin-token"
        return path.read_text("utf-8").strip() if path.exists() else "-"

    def request(
        self, method: str, path: str, headers: dict[str, str], form: str | None = None
    ) -> Answer:
        """Send one request over a new connection."""
        begin = time.perf_counter()
        try:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
                connection.request(method, path, form, headers)
                answer = connection.getresponse()
                body = answer.read()
        except OSError:
            return Answer(time.perf_counter() - begin, 0)
        return Answer(
            time.perf_counter() - begin,
            answer.status,
            body,
            answer.headers.get("Content-Encoding", ""),
            answer.headers.get("Set-Cookie", ""),
        )


def installed() -> dict[str, str]:
    """The environment of an installed program, which has its bytecode."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(condition: Callable[[], Any], pause: float = 0.05) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("The benchmark gives up: a condition did not become true.")
        time.sleep(pause)
