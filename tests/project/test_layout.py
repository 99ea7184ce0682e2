"""What a newcomer relies on: names that tell apart, no cycles, tests that are found."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

from fixtures.paths import ROOT, TESTS

PACKAGE = ROOT / "src" / "weighbridge"
FOLDERS = sorted(init.parent.name for init in PACKAGE.glob("*/__init__.py"))
MANY = {"__init__.py", "base.py", "kind.py"}
"""One for each folder of a kind: the folder's name says the rest."""


@cache
def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def twice(names: Iterator[str]) -> set[str]:
    return {name for name, times in Counter(names).items() if times > 1}


def classes() -> Iterator[str]:
    """The public classes of the package, also those inside of others."""
    for path in modules(PACKAGE):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name


def test_no_two_classes_have_one_name() -> None:
    assert twice(classes()) == set()


def test_no_two_modules_have_one_file_name() -> None:
    assert twice(path.name for path in modules(PACKAGE)) - MANY == set()


def test_no_module_imports_itself_in_the_end() -> None:
    graph = grimp.build_graph("weighbridge", "weighbridge_sandbox", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"These import each other: {' ← '.join(error.args[1])}")


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_readme_says_what_to_run_for_each_folder(folder: str) -> None:
    lines = (TESTS / "README.md").read_text("utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith(f"| `{folder}` |")]
    named = re.findall(r"`(tests/[^`]*)`", row)
    assert named
    for name in named:
        assert list(ROOT.glob(name)), f"{name} is not there"
    assert (TESTS / folder).is_dir() or folder == "testing"


def test_the_readme_names_every_folder_of_the_tests() -> None:
    text = (TESTS / "README.md").read_text("utf-8")
    found = [path.name for path in TESTS.iterdir() if path.is_dir() and any(path.glob("*.*"))]
    assert not [name for name in found if f"`tests/{name}`" not in text and name != "__pycache__"]


def test_contributing_names_what_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    words = [word for name in re.findall(r"`([^`\n]+)`", text) for word in name.split()]
    paths = [word for word in words if "/" in word and not set("<>(") & set(word)]
    assert len(paths) > 20
    missing = [path for path in paths if not any((top / path).exists() for top in (ROOT, PACKAGE))]
    assert not missing


def test_no_test_module_imports_another() -> None:
    for path in modules(TESTS):
        assert not re.findall(r"^\s*(?:from|import) test_\w+", path.read_text("utf-8"), re.M), path


def test_no_two_test_modules_have_one_file_name() -> None:
    """pytest tells them apart by nothing else."""
    assert not twice(path.name for path in TESTS.rglob("test_*.py"))
