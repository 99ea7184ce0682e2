"""A person at a terminal: reads what the command says and types answers. Unix only."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from house import House, Result

PATIENCE = 20.0


class Terminal:
    """One command with a terminal of its own. Also a context manager; nothing is left running."""

    def __init__(
        self,
        house: House,
        *arguments: str,
        env: Mapping[str, str] = {},
        program: Sequence[str] = (sys.executable, "-m", "weighbridge"),
    ) -> None:
        self._master, slave = pty.openpty()
        self._read = 0
        self.shown = ""
        self._process = subprocess.Popen(
            [*program, *arguments],
            env=house.environment({"TERM": "dumb", "COLUMNS": "200", **env}),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,  # else a password would be asked at the terminal of the tests
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    def wait_for(self, text: str) -> str:
        """What was said after the last text that was waited for, up to this one."""
        end = time.monotonic() + PATIENCE
        while text not in self.shown[self._read :]:
            assert time.monotonic() < end, f"{text!r} was not said, but: {self.shown}"
            assert self._listen(), f"{text!r} was not said, but: {self.shown}"
        start, self._read = self._read, self.shown.index(text, self._read) + len(text)
        return self.shown[start : self._read]

    def type(self, line: str) -> None:
        """Type a line and press return."""
        os.write(self._master, line.encode() + b"\n")

    def end(self, expect: int) -> Result:
        """Wait until the command ends."""
        while self._listen():
            pass
        result = Result(self._process.wait(PATIENCE), self.shown, "")
        assert "Traceback" not in self.shown, self.shown
        assert result.code == expect, result
        return result

    def _listen(self) -> bool:
        """Take in what is said; False when the command has ended."""
        ready, _, _ = select.select([self._master], [], [], PATIENCE)
        try:
            piece = os.read(self._master, 65536) if ready else b""
        except OSError:  # Linux says so when nobody holds the other end any more
            piece = b""
        self.shown += piece.decode().replace("\r\n", "\n")
        return bool(piece)


def link_in(text: str) -> str:
    """The address that a person was asked to open."""
    return next(word for word in text.split() if word.startswith("http"))
