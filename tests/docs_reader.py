"""The pages of the documentation, and somebody who follows one to the letter."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cli_world import ANNAS, DOUBTFUL, LONG_AGO, POISONED, House, Result, World, move_in, run_here

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), ROOT / "benchmarks" / "README.md"]
HOME = re.compile(r"<!-- home: (empty|family|trouble|sandbox) -->")
ELSEWHERE = "<!-- home: old -->"
"""A page that ``test_docs_switching.py`` runs."""
RUN = [page for page in PAGES if HOME.search(page.read_text("utf-8"))]
BROWSER = Path(__file__).parent / "stories" / "browser.py"
PASSWORDS = {"anna": "anna-walks-home", "ben": "ben-rides-uphill"}
PORT = "8765"


class Block(msgspec.Struct, frozen=True):
    """A fenced block: its language, its lines, the line of the page at which it begins."""

    language: str
    text: str
    line: int


class Step(msgspec.Struct, frozen=True):
    """A command of a page and the exit code that the page promises."""

    command: str
    code: int
    line: int


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    found = []
    text = page.read_text("utf-8")
    for match in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.M | re.S):
        lines = [line.removeprefix(match[1]) for line in match[3].splitlines()]
        line = text.count("\n", 0, match.start()) + 2
        found.append(Block(match[2], "\n".join(lines), line))
    return found


def steps(page: Path) -> Iterator[Step]:
    """The lines of all blocks that are run, with lines that go on put together."""
    for block in blocks(page):
        if block.language == "sh":
            for number, line in enumerate(block.text.replace("\\\n", " ").splitlines()):
                promised = re.search(r"  # ends with (\d+)$", line)
                command = line.partition("  # ")[0].strip()
                if command and not command.startswith("#"):
                    yield Step(command, int(promised[1]) if promised else 0, block.line + number)


# --- Running a page -------------------------------------------------------------------------------


class Reader:
    """Somebody who follows a page to the letter, in a home folder of their own."""

    def __init__(self, world: World, folder: Path, environ: dict[str, str]) -> None:
        self._world = world
        self._folder = folder
        self._environ = environ
        self._processes: list[subprocess.Popen[bytes]] = []
        self._port = str(_free_port())
        (folder / "password.txt").write_text(PASSWORDS["anna"] + "\n")

    def follow(self, step: Step) -> Result:
        command = self._with_real_values(step.command)
        first = command.split()[0]
        if first == "weighbridge" and " sandbox " in command:
            return self._start(command)
        if first == "weighbridge" and not re.search(r"[|<>&;]", command):
            return self._here(command)
        return self._in_shell(command)

    def _with_real_values(self, command: str) -> str:
        command = command.replace("@example.org", "@example.test").replace(PORT, self._port)
        if " READING" in command:
            wanted = POISONED if "retry" in command else DOUBTFUL
            command = command.replace(" READING", f" {self._world.reading(wanted)}")
        if " CODE" in command:
            command = command.replace(" CODE", f" {self._code(_person_in(command))}")
        return command

    def _code(self, person: str) -> str:
        return self._world.house.admin.code(person, self._world.house.callback_url)

    def _here(self, command: str) -> Result:
        typed = self._code(_person_in(command)) + "\n" if "--paste" in command else None
        environ = {**self._environ, "GARMIN_PASSWORD": PASSWORDS[_person_in(command)]}
        return run_here(self._world.home, *shlex.split(command)[1:], input=typed, env=environ)

    def _in_shell(self, command: str) -> Result:
        if shutil.which(command.split(maxsplit=1)[0]) is None and not command.startswith(
            "weighbridge"
        ):
            return Result(0, "", f"{command.split(maxsplit=1)[0]} is not installed here")
        done = subprocess.run(
            ["sh", "-c", command],
            env=self._shell_environ(),
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def _start(self, command: str) -> Result:
        """What runs until somebody stops it: here, until the end of the page."""
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            env=self._shell_environ(),
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        self._processes.append(process)
        self._world.house.wait_until(lambda: _answers(self._port), seconds=20)
        if written := re.search(r"--write (\S+)", command):
            path = self._folder / written[1]
            self._world.house.wait_until(lambda: path.exists() and path.stat().st_size > 0)
        self._environ.update(_ways_back())
        return Result(0, "", "")

    def _shell_environ(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        home = {"WEIGHBRIDGE_HOME": str(self._world.home)}
        return {**self._world.house.environment(), **home, **self._environ, "PATH": path}

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
            process.wait(20)


def _person_in(command: str) -> str:
    named = re.search(r"--person (\w+)", command)
    return named[1] if named else "anna"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def _ways_back() -> dict[str, str]:
    """A browser that chooses anna, and a port that no other test listens on."""
    return {
        "BROWSER": f"{sys.executable} {BROWSER} anna %s",
        "WITHINGS_CALLBACK_URL": f"http://localhost:{_free_port()}/callback",
    }


def nothing_yet(house: House) -> dict[str, str]:
    """What a beginner enters when ``init`` asks; here the environment says it."""
    tokens = house.withings.tokens
    ways_back = _ways_back()
    house.callback_url = ways_back["WITHINGS_CALLBACK_URL"]
    return {
        **ways_back,
        "WITHINGS_URL": house.sandbox.url,
        "WITHINGS_CLIENT_ID": tokens.client_id,
        "WITHINGS_CLIENT_SECRET": tokens.client_secret,
        "GARMIN_URL": house.sandbox.url,
        "GARMIN_USERNAME": house.accounts["anna"][0],
    }


def household(home: Path, *, trouble: bool) -> World:
    """The family of the pages: one reading is held, and with ``trouble`` one is rejected."""
    home.mkdir(mode=0o700)
    house = House(home)
    house.accounts["ben"] = (*house.accounts["ben"][:2], "123456")
    house.person("anna", ANNAS, options="height_cm = 172")
    house.target("anna", "garmin", f'username = "{house.accounts["anna"][0]}"\n{LONG_AGO}')
    house.target("anna", "file", 'path = "anna.csv"\nsince = 2024-03-14')
    house.person("ben", options="height_cm = 183")
    house.target("ben", "file", 'path = "ben.json"')
    world = World(house, home)
    move_in(world)
    if trouble:
        house.admin.tell("garmin", "poison", timestamps=[POISONED["date"]], status=415)
    world.run("sync", expect=1 if trouble else 0)
    return world


def empty_house(home: Path) -> World:
    house = House(home)
    house.person("anna", ANNAS)
    return World(house, home)
