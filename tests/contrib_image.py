"""What is started in a container, and the image of ``contrib/Dockerfile``."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import msgspec
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).resolve().parents[1]
CONTRIB = ROOT / "contrib"
DOCKERFILE = CONTRIB / "Dockerfile"
PLACES = "/usr/local/bin:/usr/bin:/bin"
"""PATH in the image that ours is made from, without what nothing here needs."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is started in a container, as written."""

    argv: tuple[str, ...]
    env: dict[str, str] = {}
    user: str = ""
    read_only: bool = False
    """The root file system cannot be written."""
    writable: tuple[str, ...] = ()
    """Folders of its own for what need not last."""
    volume: str = ""
    """Where the home folder is."""
    secrets: tuple[str, ...] = ()
    """Files that hold secrets."""


class Image(msgspec.Struct, frozen=True):
    """What the last stage of the Dockerfile says."""

    env: dict[str, str]
    entrypoint: list[str]
    command: list[str]
    check: list[str]
    """What the health check runs."""
    user: str
    volume: str
    stop_signal: str
    port: int
    """Where its server listens."""
    copies: list[tuple[list[str], str]]
    """Sources in the checkout, and where they go."""

    def work(self, *command: str, check: bool = False, **more: Any) -> Work:
        """The image's own command, with another one if given; or its health check."""
        argv = self.check if check else [*self.entrypoint, *(command or self.command)]
        return Work(argv=tuple(argv), env=self.env, user=self.user, volume=self.volume, **more)


def steps(last_stage: bool = False) -> list[tuple[str, str]]:
    """The instructions of the Dockerfile and what follows them, continued lines joined."""
    with DOCKERFILE.open("rb") as file:
        parsed = DockerfileParser(fileobj=file, env_replace=False).structure
    found = [(one["instruction"].upper(), one["value"]) for one in parsed]
    if last_stage:
        begins = max(place for place, (name, _) in enumerate(found) if name == "FROM")
        return found[begins:]
    return found


def copied(value: str) -> tuple[list[str], str] | None:
    """Sources and destination of a COPY; None when it copies from another stage."""
    words = shlex.split(value)
    if any(word.startswith("--from=") for word in words):
        return None
    *sources, destination = (word for word in words if not word.startswith("--"))
    return sources, destination


def image() -> Image:
    """Read the last stage."""
    said = dict(steps(last_stage=True))
    env = dict(word.partition("=")[::2] for word in shlex.split(said["ENV"]))
    env["PATH"] = env["PATH"].replace("$PATH", PLACES)
    copies = [copied(value) for name, value in steps(last_stage=True) if name == "COPY"]
    return Image(
        env=env,
        entrypoint=json.loads(said["ENTRYPOINT"]),
        command=json.loads(said["CMD"]),
        check=json.loads(said["HEALTHCHECK"].partition("CMD")[2]),
        user=said["USER"],
        volume=said["VOLUME"],
        stop_signal=said["STOPSIGNAL"],
        port=int(said["EXPOSE"]),
        copies=[copy for copy in copies if copy],
    )


def build(root: Path, programs: Path) -> None:
    """What can be built here: the copied files, and the programs of our own environment."""
    for sources, destination in image().copies:
        for source in sources:
            into = root / destination.lstrip("/")
            into.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / source, into)
    place = root / image().env["PATH"].partition(":")[0].lstrip("/")
    shutil.copy2(programs / "weighbridge", place)
    (place / "python3").symlink_to(sys.executable)
