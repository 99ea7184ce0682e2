"""The pages are true: their commands run, their examples are valid, their links lead somewhere.

The conventions stand at the end of docs/README.md.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

from cli_world import (
    ANNAS,
    DOUBTFUL,
    LONG_AGO,
    POISONED,
    House,
    Result,
    World,
    family,
    move_in,
    run_here,
)
from test_cli_general import parse

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), ROOT / "benchmarks" / "README.md"]
HOME = re.compile(r"<!-- home: (empty|family|trouble|sandbox) -->")
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


@pytest.fixture
def reader(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    found = HOME.search(request.param.read_text("utf-8"))
    assert found
    home, folder = tmp_path / "home", tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    lived_in = found[1] in ("family", "trouble")
    world = household(home, trouble=found[1] == "trouble") if lived_in else empty_house(home)
    environ = nothing_yet(world.house) if found[1] == "empty" else {}
    made = Reader(world, folder, environ)
    yield made
    made.close()
    world.house.close()


@pytest.mark.skipif(os.name != "posix", reason="the pages are written for a POSIX shell")
@pytest.mark.parametrize(
    ("page", "reader"), [(page, page) for page in RUN], ids=map(name_of, RUN), indirect=["reader"]
)
def test_the_commands_of_a_page_do_what_the_page_says(page: Path, reader: Reader) -> None:
    for step in steps(page):
        result = reader.follow(step)
        where = f"{name_of(page)}:{step.line}: {step.command}"
        assert result.code == step.code, f"{where}\n{result.out}\n{result.err}"
        assert "Traceback" not in result.err, where


def test_pages_with_commands_say_in_which_home_they_are_run() -> None:
    for page in PAGES:
        commands = [s for s in steps(page) if s.command.startswith("weighbridge")]
        assert not commands or page in RUN, f"{name_of(page)} has no <!-- home: ... -->"
    assert sum(len(list(steps(page))) for page in RUN) > 60


def test_scripts_that_a_page_names_are_there() -> None:
    named = {step.command for page in PAGES for step in steps(page) if "scripts/" in step.command}
    assert "scripts/demo" in named
    for command in named:
        assert os.access(ROOT / command.split()[0], os.X_OK), command


# --- What can only be read ------------------------------------------------------------------------


def commands_in_text(page: Path) -> Iterator[str]:
    """Commands in blocks that are not run and in the middle of sentences."""
    for block in blocks(page):
        if block.language in {"text", "console"}:
            for line in block.text.splitlines():
                found = re.search(r"(?:^|[\s/\"])weighbridge ([a-z-].*)$", line)
                if found and not re.search(r"\[OPTIONS\]|COMMAND", line):  # a usage line
                    yield found[1]
    prose = re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    yield from re.findall(r"`weighbridge ([a-z-][^`]*)`", prose)


ALL_COMMANDS = [
    (name_of(page), one)
    for page in PAGES
    for one in commands_in_text(page)
    if not one.startswith("COMMAND")
]


@pytest.mark.parametrize(("page", "command"), ALL_COMMANDS)
def test_a_command_in_a_text_can_be_understood(page: str, command: str) -> None:
    words = shlex.split(re.split(r"\s[|<>&]|\"$", command)[0], comments=True)
    # A sentence may name a command without what must follow.
    with suppress(click.MissingParameter, click.exceptions.NoArgsIsHelpError):
        parse(words)


@pytest.mark.parametrize("command", ["snyc", "sync --now", "deliveries lose X", "show --last x"])
def test_a_command_that_does_not_exist_would_be_noticed(command: str) -> None:
    with pytest.raises(click.UsageError):
        parse(shlex.split(command))


def test_commands_in_texts_are_found() -> None:
    pages = {page for page, _ in ALL_COMMANDS}
    assert {"README.md", "docs/how-to/schedule.md", "docs/reference/commands.md"} <= pages
    assert ("docs/how-to/schedule.md", "sync --quiet") in ALL_COMMANDS


TOML = [(name_of(p), b) for p in PAGES for b in blocks(p) if b.language == "toml"]


@pytest.mark.parametrize(("page", "block"), TOML, ids=[f"{p}:{b.line}" for p, b in TOML])
def test_an_example_configuration_passes_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, block: Block
) -> None:
    text = block.text
    if not re.search(r"^\[\[person\]\]", text, re.M) and "[[person.target]]" in text:
        text = f'[[person]]\nname = "anna"\n\n{text}'
    secret = tmp_path / "withings"
    secret.write_text("hush\n")
    secret.chmod(0o600)
    text = text.replace("/run/secrets/withings", secret.as_posix())
    program = tmp_path / "pass"
    program.write_text("#!/bin/sh\necho hush\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    path = tmp_path / "weighbridge.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    result = run_here(tmp_path, "config", "check", env={"MY_WITHINGS_SECRET": "hush"})
    assert result.code == 0, f"{page}:{block.line}\n{result.err}"


def test_examples_of_configurations_are_found() -> None:
    assert len(TOML) > 15


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_json_examples_are_json(page: Path) -> None:
    for block in blocks(page):
        if block.language == "json":
            for line in block.text.splitlines():
                json.loads(line)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_say_what_they_are(page: Path) -> None:
    known = {"sh", "text", "toml", "json", "python"}
    if page.name == "architecture.md":
        known.add("")
    assert {block.language for block in blocks(page)} <= known


# --- Links and facts ------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of the headings of a page."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", prose, re.M)
    }


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"https?://", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{name_of(page)}: {link}"
        assert not anchor or anchor in anchors(path), f"{name_of(page)}: {link}"


def test_every_page_can_be_reached_from_the_first() -> None:
    reached, todo = set[Path](), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
        paths = [(page.parent / link).resolve() for link in links if "://" not in link]
        todo += [p for p in paths if p.is_file()]
        todo += [p for folder in paths if folder.is_dir() for p in folder.glob("*.md")]
    lost = set(PAGES) - reached - {ROOT / "benchmarks" / "README.md"}
    assert not lost, "no page leads there"


def keys_in(section: str) -> list[str]:
    """The keys of the table that follows a mark in the page of file formats."""
    page = (DOCS / "reference" / "file-formats.md").read_text("utf-8")
    _, found, rest = page.partition(f"<!-- keys: {section} -->\n\n")
    assert found, section
    return re.findall(r"^\| `(\w+)` \|", rest.partition("\n\n")[0], re.M)


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = family(tmp_path_factory.mktemp("family") / "home")
    yield world
    world.house.close()


def test_the_keys_of_every_json_document_are_described(lived_in: World) -> None:
    def answer(*arguments: str) -> Any:
        return lived_in.run(*arguments, "--json").json

    sync, status = answer("sync"), answer("status")
    assert list(sync[0]) == keys_in("sync")
    assert list(sync[0]["targets"][0]) == keys_in("sync target")
    assert list(status[0]) == keys_in("status")
    assert set(status[0]["targets"][0]) == set(keys_in("status target"))
    assert list(answer("deliveries", "list")[0]) == keys_in("deliveries")
    assert list(answer("why", lived_in.reading(ANNAS[0]))) == keys_in("why")


def test_the_example_of_a_json_line_is_a_real_one(lived_in: World) -> None:
    page = (DOCS / "reference" / "file-formats.md").read_text("utf-8")
    line = lived_in.run("export", "--format", "json", expect=0).out.splitlines()[0]
    shown = re.findall(r"```json\n(.*)\n```", page)[0]
    assert re.sub(r'"id":"[^"]*"', "", shown) == re.sub(r'"id":"[^"]*"', "", line)


def test_states_and_codes_are_all_described() -> None:
    from weighbridge.archive.decisions import _FROM
    from weighbridge.errors import ExitCode
    from weighbridge.plan.planner import State

    page = (DOCS / "reference" / "states-and-exit-codes.md").read_text("utf-8")
    for state in State:
        assert re.search(rf"^\| `{state}` \|", page, re.M), state
    for code in ExitCode:
        assert re.search(rf"^\| {code} \|", page, re.M), code
    for decision, states in _FROM.items():
        rows = re.findall(
            rf"^\| `weighbridge deliveries {decision} READING` \| (.*?) \|", page, re.M
        )
        assert set(re.findall(r"`(\w+)`", " ".join(rows))) == {str(state) for state in states}


def test_the_generated_pages_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    import generate

    for path, text in generate.pages().items():
        assert path.read_text("utf-8") == text, f"{name_of(path)}: run scripts/reference"


def test_the_texts_are_plain() -> None:
    for page in PAGES:
        text = page.read_text("utf-8")
        assert "\t" not in text, name_of(page)
        assert not re.search(r" +$", text, re.M), f"{name_of(page)} has blanks at the end of a line"
        assert re.search(r"^# ", text, re.M), f"{name_of(page)} has no title"
