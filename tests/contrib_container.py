"""Running what stands in ``contrib/`` as a container would: bubblewrap, or only the environment.

Behind walls, the root file system is read-only, the account has a number and no name, the home
folder is where it is mounted, secrets are files, and the command is process 1. Where user
namespaces are not allowed, the same commands run with the folders' real names.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import weighbridge
from contrib_image import Work, build
from stories.house import TIME_LIMIT, House, Result

PROGRAMS = Path(sys.executable).parent
PACKAGES = Path(weighbridge.__file__).parents[1]
FROM_HERE = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ssl")
"""What the image that ours is made from has as well."""


class Host:
    """A machine on which containers run: one home folder, the secrets, and a sandbox outside."""

    def __init__(self, house: House, folder: Path, *, walls: bool) -> None:
        self.house = house
        self.walls = walls
        self._root = folder / "image"
        self._secrets = folder / "secrets"
        build(self._root, PROGRAMS)
        self._secrets.mkdir()
        tokens = house.withings.tokens
        self.secret("withings_client_id", tokens.client_id)
        self.secret("withings_client_secret", tokens.client_secret)

    def secret(self, name: str, content: str) -> None:
        """A file with a secret, beside the compose file or in the secret of Kubernetes."""
        (self._secrets / name).write_text(content)

    @contextmanager
    def start(self, work: Work, **more: Any) -> Iterator[Started]:
        """Begin a container. It is gone at the end."""
        read, write = os.pipe()
        begin = self._walls_around(work, write) if self.walls else []
        with subprocess.Popen(
            [*begin, *self._argv(work)],
            env=self._environment(work),
            stdin=more.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[write] if self.walls else [],
        ) as process:
            os.close(write)
            with os.fdopen(read) as told:
                first = json.load(told)["child-pid"] if self.walls else process.pid
            try:
                yield Started(process, first)
            finally:
                process.kill()

    def run(self, work: Work, *, expect: int, input: str | None = None) -> Result:  # noqa: A002
        """Run a container to its end."""
        stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        with self.start(work, stdin=stdin) as started:
            out, err = started.process.communicate(input, timeout=TIME_LIMIT)
        result = Result(started.process.returncode, out, err)
        assert "Traceback" not in err, err
        assert result.code == expect, result
        return result

    def _argv(self, work: Work) -> list[str]:
        if self.walls:
            return list(work.argv)
        place = self._environment(work)["PATH"]
        found = shutil.which(work.argv[0], path=place)
        assert found, f"{work.argv[0]} is not in {place}"
        return [found, *work.argv[1:]]

    def _environment(self, work: Work) -> dict[str, str]:
        own = work.env["PATH"].partition(":")[0]
        if self.walls:  # docker gives an account without a name this home
            kept = {"HOME": "/", "PATH": work.env["PATH"]}
        else:
            kept = self.house.environment()
            kept["PATH"] = f"{self._root}{own}:{kept['PATH']}"
            for name in work.secrets:  # they cannot be mounted where they belong
                variable = Path(name).name
                kept[variable.upper()] = (self._secrets / variable).read_text()
        said = {name: value for name, value in work.env.items() if name != "PATH"}
        if not self.walls:
            said["WEIGHBRIDGE_HOME"] = said["WEIGHBRIDGE_HOME"].replace(
                work.volume, str(self.house.home)
            )
        return {"PYTHONWARNINGS": "error", **kept, **said}

    def _walls_around(self, work: Work, told: int) -> list[str]:
        user, _, group = work.user.partition(":")
        program = shutil.which("bwrap")
        assert program
        walls = [program, "--die-with-parent", "--unshare-user", "--uid", user, "--gid", group]
        walls += ["--unshare-pid", "--as-pid-1", "--cap-drop", "ALL", "--info-fd", str(told)]
        walls += ["--proc", "/proc", "--dev", "/dev"]
        for path in work.writable:  # first: the checkout may be below /tmp
            walls += ["--tmpfs", path]
        for path in (*FROM_HERE, sys.base_prefix, sys.prefix, str(PACKAGES)):
            walls += ["--ro-bind-try", path, path]
        walls += ["--ro-bind", f"{self._root}/opt", "/opt"]
        walls += ["--bind", str(self.house.home), work.volume]
        for name in work.secrets:
            walls += ["--ro-bind", str(self._secrets / Path(name).name), name]
        return [*walls, "--remount-ro", "/"] if work.read_only else walls


class Started:
    """A container that runs."""

    def __init__(self, process: subprocess.Popen[str], first: int) -> None:
        self.process = process
        self._first = first

    def signal(self, name: str) -> None:
        """What ``docker stop`` sends to the first process, and to that one only."""
        os.kill(self._first, getattr(signal, name))


def needs_walls() -> None:
    """Skip where bubblewrap is not installed or not allowed."""
    try:
        trial = [
            "bwrap",
            "--unshare-user",
            "--uid",
            "10001",
            "--unshare-pid",
            "--ro-bind",
            "/",
            "/",
        ]
        subprocess.run([*trial, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("bubblewrap cannot build walls here")
