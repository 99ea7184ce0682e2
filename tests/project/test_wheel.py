"""The wheel works alone: everything that the program needs is inside."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from fixtures.paths import ROOT

PACKAGE = ROOT / "src" / "weighbridge"

START = """
import sys
sys.path[:0] = sys.argv[1:3]
sys.argv[:] = ["weighbridge", *sys.argv[3:]]
from weighbridge.cli import main
main()
"""
"""With ``-I -S`` nothing of the checkout is found: no current folder, no PYTHONPATH, no .pth file
of an editable installation. The wheel comes first, then the libraries that it needs."""


def pip(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        env={**os.environ, "PIP_NO_INPUT": "1", **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the checkout, without a network when what builds it is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    offline = find_spec("hatchling") is not None
    pip(
        *("wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)),
        *(["--no-build-isolation"] if offline else []),
        cwd=folder,
        env={"PIP_NO_INDEX": "1"} if offline else {},
    )
    (path,) = folder.glob("weighbridge-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    arguments = ("install", "--no-deps", "--target", str(folder), str(wheel))
    pip(*arguments, cwd=folder, env={"PIP_NO_INDEX": "1"})
    return folder


def run(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("WEIGHBRIDGE", "PYTHON"))}
    libraries = sysconfig.get_path("purelib")
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", START, str(installed), libraries, *arguments],
        env={**kept, "WEIGHBRIDGE_HOME": str(cwd / "home")},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours - inside == set()
    assert any(name.endswith(".sql") for name in inside)
    assert "weighbridge/py.typed" in inside


def test_nothing_else_is_in_the_wheel(wheel: Path) -> None:
    inside = zipfile.ZipFile(wheel).namelist()
    others = [
        name for name in inside if not name.startswith(("weighbridge/", "weighbridge_sandbox/"))
    ]
    assert all(".dist-info/" in name for name in others)
    assert any(name.endswith("licenses/LICENSE") for name in others)


def test_the_wheel_knows_what_it_needs(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [one for one in archive.namelist() if one.endswith("/METADATA")]
    metadata = archive.read(name).decode()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extra in project["optional-dependencies"]:
        assert f"Provides-Extra: {extra}\n" in metadata
    assert "Requires-Python: >=3.12\n" in metadata


def test_the_checkout_is_out_of_reach(installed: Path, tmp_path: Path) -> None:
    code = START.replace("main()\n", "print(main.__code__.co_filename)\n")
    libraries = sysconfig.get_path("purelib")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(installed), libraries],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).is_relative_to(installed)
    alone = code.replace("sys.path[:0] = sys.argv[1:3]", "sys.path[:0] = sys.argv[2:3]")
    without = subprocess.run(
        [sys.executable, "-I", "-S", "-c", alone, str(installed), libraries],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No module named 'weighbridge'" in without.stderr


def test_the_demo_runs_from_the_wheel_alone(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "demo", "--fast", "--years", "1")
    assert done.returncode == 0, done.stderr
    assert "Only the new reading was sent, once to each target." in done.stderr
    assert (tmp_path / "weighbridge-demo" / "anna.csv").exists()


def test_every_command_explains_itself_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "init", "--person", "anna")
    assert done.returncode == 0, done.stderr
    assert run(installed, tmp_path, "config", "check").returncode == 0
    assert run(installed, tmp_path, "status").returncode == 3
