"""The pages are true: their commands run, their examples are valid, their links lead somewhere.

The conventions stand at the end of docs/README.md.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest

from fixtures.cli import ANNAS, World, family, parse_command, run_here
from fixtures.docs_reader import (
    DOCS,
    ELSEWHERE,
    HOME,
    PAGES,
    ROOT,
    RUN,
    Block,
    Reader,
    anchors,
    blocks,
    empty_house,
    household,
    name_of,
    nothing_yet,
    steps,
)


@pytest.fixture
def reader(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    found = HOME.search(request.param.read_text("utf-8"))
    assert found
    home, folder = tmp_path / "home", tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    # Who reads a page waits ten seconds for a fresh reading to settle; one second shows it as well.
    monkeypatch.setattr("weighbridge.config.models.USUAL_SETTLE", 1.0)
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
        is_run = page in RUN or ELSEWHERE in page.read_text("utf-8")
        assert not commands or is_run, f"{name_of(page)} has no <!-- home: ... -->"
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
        parse_command(words)


@pytest.mark.parametrize("command", ["snyc", "sync --now", "deliveries lose X", "show --last x"])
def test_a_command_that_does_not_exist_would_be_noticed(command: str) -> None:
    with pytest.raises(click.UsageError):
        parse_command(shlex.split(command))


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
    known = {"sh", "text", "toml", "json", "python", "ini"}
    if page.name == "architecture.md":
        known.add("")
    assert {block.language for block in blocks(page)} <= known


# --- Links and facts ------------------------------------------------------------------------------


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
    from weighbridge.core.delivery_state import State
    from weighbridge.core.errors import ExitCode
    from weighbridge.storage.delivery_log import _FROM

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
