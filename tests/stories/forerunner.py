"""Commands in processes of their own that need not read the libraries of others once more.

Four fifths of what a short command costs are imports of the standard library, click, httpx2 and
garminconnect. A forerunner has imported them, and nothing of ours; every command is then forked
from it, imports Weighbridge itself and lives and ends like any other process. Linux only: where
forking is not safe, and where a story changes what Python or a library reads when it begins, the
command starts from nothing.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

SAFE = sys.platform == "linux"
FOREIGN = (
    *("click", "dotenv", "filelock", "msgspec", "platformdirs", "zoneinfo", "sqlite3", "tomllib"),
    *("curl_cffi", "garminconnect", "httpx2", "httpcore2", "truststore", "logging.handlers"),
    *("http.server", "netrc", "shlex"),
)
"""What most commands import of others."""
OF_PYTHON = ("PYTHON", "LC_", "LANG", "LD_")
OF_OTHERS = ("SSL_CERT", "REQUESTS_CA", "CURL_CA")
"""Beginnings of environment variables that Python and FOREIGN look at once, when they begin."""
WARNINGS = {"PYTHONWARNINGS": "error"}
MOST = 1 << 20
"""Bytes of a request: a command line and an environment."""


# --- In the tests ----------------------------------------------------------------------------


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    input: bytes = b"",  # noqa: A002  the name that subprocess uses
    timeout: float,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """A command in a process of its own, to its end, as ``subprocess.run`` runs it."""
    arguments = _of_python(command)
    if not SAFE or not arguments or not _is_usual(environment):
        return subprocess.run(
            command,
            env=environment,
            input=input,
            capture_output=True,
            timeout=timeout,
            cwd=cwd,
            check=False,
        )
    request = json.dumps([arguments, dict(environment), str(cwd or Path.cwd())]).encode()
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        given.write(input)
        given.seek(0)
        code = the_forerunner().run(request, (given, out, err), timeout)
        return subprocess.CompletedProcess(command, code, _content(out), _content(err))


def _of_python(command: Sequence[str]) -> list[str]:
    """What would stand after ``python``: a script or ``-m``, and so on. Empty: something else."""
    if command[0] == sys.executable:
        return list(command[1:])
    is_installed = Path(command[0]).parent == Path(sys.executable).parent
    return list(command) if is_installed else []


def _usual() -> dict[str, str]:
    return {n: v for n, v in os.environ.items() if n.startswith(OF_PYTHON)} | WARNINGS


def _is_usual(environment: Mapping[str, str]) -> bool:
    """Whether the story wants what the forerunner has read when it began."""
    names = OF_PYTHON + OF_OTHERS
    return {n: v for n, v in environment.items() if n.startswith(names)} == _usual()


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


@cache
def the_forerunner() -> Forerunner:
    """One for all stories of this process; it ends with it."""
    made = Forerunner()
    atexit.register(made.close)
    return made


class Forerunner:
    """The tests' side of it."""

    def __init__(self) -> None:
        self._line, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(other.fileno())],
                env={"PATH": os.environ.get("PATH", ""), **_usual()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )

    def run(self, request: bytes, streams: Sequence[IO[bytes]], timeout: float) -> int:
        """The exit code of a command."""
        mine, other = socket.socketpair()
        with mine, other:
            files = [stream.fileno() for stream in (*streams, other)]
            socket.send_fds(self._line, [request], files)
            other.close()
            return _outcome(mine, timeout)

    def close(self) -> None:
        """Nothing is forked any more."""
        self._line.close()
        self._process.wait()


def _outcome(supervisor: socket.socket, timeout: float) -> int:
    """Wait for the command's end, but not for ever."""
    end = time.monotonic() + timeout
    with supervisor.makefile("r") as told:
        supervisor.settimeout(timeout)
        pid = int(told.readline())
        try:
            supervisor.settimeout(max(0.1, end - time.monotonic()))
            return int(told.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise


# --- In the forerunner -----------------------------------------------------------------------


def wait_for_requests(line: socket.socket) -> None:
    """Fork a supervisor for each request, until nobody is there to ask."""
    while True:
        request, files, _, _ = socket.recv_fds(line, MOST, 4)
        if not request:
            return
        if os.fork() == 0:
            line.close()
            supervise(json.loads(request), files)
        for file in files:
            os.close(file)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def supervise(request: Any, files: Sequence[int]) -> None:
    """Fork the command and tell its end. Returns in the command only, which then becomes it."""
    *streams, told = files
    pid = os.fork()
    if pid == 0:
        os.close(told)
        become(*request, streams)
    try:
        for file in streams:
            os.close(file)
        os.write(told, f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    finally:
        os._exit(0)


def become(
    arguments: list[str], environment: dict[str, str], folder: str, streams: Sequence[int]
) -> NoReturn:
    """The command, with its own streams, environment and working folder, until it ends."""
    for number, file in enumerate(streams):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    end(_code_of(arguments, folder))


def _code_of(arguments: list[str], folder: str) -> int:
    """Run it as ``python *arguments`` does; the exit code."""
    try:
        if arguments[0] == "-m":
            sys.path[0] = folder
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = str(Path(arguments[0]).parent)
            sys.argv = arguments
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def end(code: int) -> NoReturn:
    """What Python does at its end, but for taking apart what others made: that costs a third."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for name in [name for name in sys.modules if name.partition(".")[0] == "weighbridge"]:
        del sys.modules[name]
    gc.collect()  # what was not closed complains now
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    for name in FOREIGN:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as line:
        wait_for_requests(line)
