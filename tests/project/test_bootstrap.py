"""``scripts/bootstrap`` finds a Python, makes the environment once and repairs a half-made one.

The interpreters are stand-ins, small shell scripts, so that nothing is installed here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.paths import ROOT
from fixtures.waiting import wait_until

if sys.platform == "win32":
    pytest.skip("the scripts are for a POSIX shell", allow_module_level=True)

SCRIPT = ROOT / "scripts" / "bootstrap"
TOOLS = "sh cat cksum dirname grep mkdir mv readlink rm sed tail tr"

# A Python that is asked only four things: is it usable, hold the lock, make .venv, and (inside
# .venv) install. The lock is a real one.
PYTHON = """#!/bin/sh
here=$(cd -- "$(dirname -- "$0")" && pwd -P)
case "$*" in
    *"import sqlite3"*) {verdict} ;;
    *"import fcntl"*) exec {real} "$@" ;;
    *"-m venv .venv"*)
        echo "{name} $(ls -d .venv)" >>"$LOG"
        mkdir -p .venv/bin
        echo "version = {name}" >.venv/pyvenv.cfg
        echo "VIRTUAL_ENV='$(pwd -P)/.venv'" >.venv/bin/activate
        cat "$0" >.venv/bin/python
        chmod +x .venv/bin/python ;;
    *"pip --version"*) ;;
    *"pip install"*)
        echo "pip$(printf ' %s' "$@" | sed 's/.*constraints.txt//')" >>"$LOG"
        {install}
        touch .venv/bin/weighbridge && chmod +x .venv/bin/weighbridge ;;
esac
"""


class Machine:
    """A machine with a checkout, a home folder and a PATH that has only basic tools."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.checkout = folder, folder / "a checkout"
        self.home, self.tools = folder / "home", folder / "tools"
        self.log = folder / "log"
        self.path = [self.tools]
        for made in (self.home, self.tools, self.checkout / "scripts"):
            made.mkdir(parents=True)
        shutil.copy2(SCRIPT, self.checkout / "scripts" / "bootstrap")
        (self.checkout / "pyproject.toml").write_text("[project]\n")
        (self.checkout / "constraints.txt").write_text("a==1\n")
        for tool in (*TOOLS.split(), "chmod", "ls", "sleep", "touch"):
            found = shutil.which(tool)
            assert found, f"this test needs the command {tool}"
            (self.tools / tool).symlink_to(found)

    def put(self, where: str, *, verdict: str = "exit 0", install: str = ":") -> Path:
        """Place an interpreter that calls itself by its folder and name."""
        place = self.folder / where
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(
            PYTHON.format(name=where, verdict=verdict, install=install, real=sys.executable)
        )
        place.chmod(0o755)
        return place

    def environment(self, **more: str) -> dict[str, str]:
        path = ":".join(str(folder) for folder in self.path)
        return {
            "PATH": path, "HOME": str(self.home), "LOG": str(self.log), "PYTHON_FOLDERS": "", **more
        }  # fmt: skip

    def start(self, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.checkout / "scripts" / "bootstrap"],
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, **more: str) -> subprocess.CompletedProcess[str]:
        process = self.start(**more)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess([], process.returncode, out, err)

    def done(self) -> list[str]:
        """What the interpreters were asked to do, oldest first."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def chosen(self) -> str:
        """The interpreter from which the environment was made last."""
        return next(
            line.removesuffix(" .venv") for line in reversed(self.done()) if ".venv" in line
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


OLD = "echo 'older than Python 3.12' >&2; exit 1"
SHIM = "echo 'pyenv: python3.13: command not found' >&2; exit 127"
NO_PIP = "echo 'lacks the module ensurepip; on Debian: apt-get install python3.12-venv' >&2; exit 1"


@pytest.mark.parametrize("name", ["python3", "python", "python3.12", "python3.13", "python3.14"])
def test_a_python_on_the_path_is_found_under_any_name(machine: Machine, name: str) -> None:
    machine.put(f"bin/{name}")
    machine.path.append(machine.folder / "bin")
    run = machine.run()
    assert run.returncode == 0, run.stderr
    assert machine.chosen() == f"bin/{name}"
    assert machine.done()[1:] == ["pip --upgrade pip", "pip --editable .[all] --group dev"]


@pytest.mark.parametrize(
    "where",
    [
        "home/.pyenv/versions/3.12.1/bin/python",
        "home/.asdf/installs/python/3.13.0/bin/python",
        "home/.local/share/mise/installs/python/3.13/bin/python",
        "home/.local/share/uv/python/cpython-3.13.1-linux/bin/python3",
        "home/.rye/py/cpython@3.12.3/bin/python3",
        "home/miniconda3/bin/python",
        "home/miniforge3/envs/some/bin/python",
        "home/.local/bin/python3.13",
    ],
)
def test_a_python_of_a_version_manager_is_found_although_not_active(
    machine: Machine, where: str
) -> None:
    machine.put(where)
    assert machine.run().returncode == 0
    assert machine.chosen() == where


@pytest.mark.parametrize(
    ("variable", "folder", "where"),
    [
        ("PYENV_ROOT", "my pyenv", "my pyenv/versions/3.12.1/bin/python"),
        ("ASDF_DATA_DIR", "asdf", "asdf/installs/python/3.13.0/bin/python"),
        ("XDG_DATA_HOME", "share", "share/uv/python/cpython-3.12/bin/python3"),
        ("CONDA_PREFIX", "conda", "conda/bin/python"),
        ("PYTHON_FOLDERS", "opt", "opt/python3"),
    ],
)
def test_a_version_manager_may_live_elsewhere(
    machine: Machine, variable: str, folder: str, where: str
) -> None:
    machine.put(where)
    run = machine.run(**{variable: str(machine.folder / folder)})
    assert run.returncode == 0, run.stderr
    assert machine.chosen() == where


@pytest.mark.parametrize("verdict", [OLD, SHIM, NO_PIP], ids=["old", "shim", "no ensurepip"])
def test_a_python_that_does_not_work_is_passed_over(machine: Machine, verdict: str) -> None:
    machine.put("bin/python3", verdict=verdict)
    machine.put("bin/python3.13", verdict=verdict)
    machine.put("home/.pyenv/versions/3.13.0/bin/python")
    machine.path.insert(0, machine.folder / "bin")
    assert machine.run().returncode == 0
    assert machine.chosen() == "home/.pyenv/versions/3.13.0/bin/python"


def test_the_python_that_a_person_names_comes_first(machine: Machine) -> None:
    machine.put("bin/python3.13")
    machine.path.append(machine.folder / "bin")
    wished = machine.put("elsewhere/python")
    assert machine.run(PYTHON=str(wished)).returncode == 0
    assert machine.chosen() == "elsewhere/python"


def test_an_active_environment_of_this_checkout_is_no_base_for_itself(machine: Machine) -> None:
    machine.put("a checkout/.venv/bin/python3")
    machine.put("home/.pyenv/versions/3.13.0/bin/python")
    machine.path.insert(0, machine.checkout / ".venv" / "bin")
    assert machine.run().returncode == 0
    assert machine.chosen() == "home/.pyenv/versions/3.13.0/bin/python"


def test_without_a_usable_python_it_says_what_it_saw_and_what_to_do(machine: Machine) -> None:
    machine.put("bin/python3", verdict=NO_PIP)
    machine.put("bin/python", verdict=OLD)
    machine.path.append(machine.folder / "bin")
    run = machine.run()
    assert run.returncode == 2
    assert f"{machine.folder}/bin/python: older than Python 3.12" in run.stderr
    assert "apt-get install python3.12-venv" in run.stderr
    assert "Install one" in run.stderr


# A uv that knows one Python, or can fetch it, and installs what it is told to.
UV = """#!/bin/sh
echo "uv $1 $2" >>"$LOG"
case "$1 $2" in
    "python find") [ -f "{python}" ] && echo "{python}" ;;
    "python install") {fetch} ;;
    "pip install") {install} ;;
esac
"""
INSTALLED = "touch .venv/bin/weighbridge && chmod +x .venv/bin/weighbridge"


def put_uv(machine: Machine, *, python: Path, fetch: str = "exit 2", install: str) -> None:
    machine.put("home/.local/bin/uv").write_text(
        UV.format(python=python, fetch=fetch, install=install)
    )


def test_uv_finds_the_python_and_installs_the_packages(machine: Machine) -> None:
    put_uv(machine, python=machine.put("of-uv/python"), install=INSTALLED)
    run = machine.run()
    assert run.returncode == 0, run.stderr
    assert machine.done() == ["uv python find", "of-uv/python .venv", "uv pip install"]


def test_uv_fetches_a_python_when_there_is_none(machine: Machine) -> None:
    machine.put("bin/python3", verdict=NO_PIP)
    machine.path.append(machine.folder / "bin")
    hidden, fetched = machine.put("of-uv/hidden"), machine.folder / "of-uv" / "python"
    put_uv(machine, python=fetched, fetch=f'mv "{hidden}" "{fetched}"', install=INSTALLED)
    run = machine.run()
    assert run.returncode == 0, run.stderr
    assert machine.chosen() == "of-uv/hidden"


def test_pip_installs_what_uv_cannot(machine: Machine) -> None:
    """Of the settings of pip, uv reads none: a mirror may be known to pip alone."""
    put_uv(machine, python=machine.put("of-uv/python"), install="echo no index >&2; exit 2")
    run = machine.run()
    assert run.returncode == 0, run.stderr
    assert machine.done()[2:] == [
        "uv pip install", "pip --upgrade pip", "pip --editable .[all] --group dev"
    ]  # fmt: skip


def test_a_second_run_starts_no_python(machine: Machine) -> None:
    python = machine.put("home/.pyenv/versions/3.13.0/bin/python")
    assert machine.run().returncode == 0
    before = machine.done()
    (machine.checkout / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 99\n")
    python.write_text("#!/bin/sh\nexit 99\n")
    run = machine.run()
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert machine.done() == before


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_requirements_are_installed_into_the_same_environment(
    machine: Machine, name: str
) -> None:
    machine.put("home/.pyenv/versions/3.13.0/bin/python")
    assert machine.run().returncode == 0
    (machine.checkout / name).write_text("changed\n")
    (machine.checkout / ".venv" / "kept").touch()
    assert machine.run().returncode == 0
    assert machine.done()[3:] == ["pip --upgrade pip", "pip --editable .[all] --group dev"]
    assert (machine.checkout / ".venv" / "kept").exists()


def test_a_checkout_that_moved_gets_a_new_environment(machine: Machine) -> None:
    machine.put("home/.pyenv/versions/3.13.0/bin/python")
    assert machine.run().returncode == 0
    machine.checkout = machine.checkout.rename(machine.folder / "moved")
    (machine.checkout / ".venv" / "old").touch()
    assert machine.run().returncode == 0
    assert not (machine.checkout / ".venv" / "old").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(machine: Machine) -> None:
    machine.put("home/.pyenv/versions/3.12.1/bin/python")
    assert machine.run().returncode == 0
    (machine.checkout / ".venv" / "bin" / "python").unlink()
    (machine.checkout / ".venv" / "bin" / "python").symlink_to(machine.folder / "gone")
    assert machine.run().returncode == 0
    assert len(machine.done()) == 6


def test_a_failed_installation_says_so_and_is_begun_anew(machine: Machine) -> None:
    place = "home/.pyenv/versions/3.13.0/bin/python"
    machine.put(place, install="echo no network >&2; exit 1")
    run = machine.run()
    assert run.returncode == 2
    assert "no network" in run.stderr
    assert "run scripts/bootstrap again" in run.stderr
    machine.put(place)
    assert machine.run().returncode == 0
    assert machine.done()[2] == f"{place} .venv"


def test_a_killed_run_is_repaired_by_the_next_one(machine: Machine) -> None:
    place = "home/.pyenv/versions/3.13.0/bin/python"
    machine.put(place, install='touch "$LOG.installing"; sleep 60')
    process = machine.start()
    wait_until(Path(f"{machine.log}.installing").exists)
    os.killpg(process.pid, 9)
    process.communicate()
    machine.put(place)
    run = machine.run()
    assert run.returncode == 0, run.stderr
    assert machine.done()[2:] == [
        f"{place} .venv", "pip --upgrade pip", "pip --editable .[all] --group dev"
    ]  # fmt: skip


def test_runs_at_the_same_time_make_one_environment(machine: Machine) -> None:
    gate = machine.folder / "gate"
    wait = f'touch "$LOG.installing"; until [ -e "{gate}" ]; do sleep 0.1; done'
    machine.put("home/.pyenv/versions/3.13.0/bin/python", install=wait)
    first = machine.start()
    wait_until(Path(f"{machine.log}.installing").exists)
    others = [machine.start() for _ in range(3)]
    for other in others:
        assert other.stderr is not None
        assert other.stderr.readline() == "bootstrap: waiting for another run\n"
    gate.touch()
    for run in (first, *others):
        _, err = run.communicate(timeout=60)
        assert run.returncode == 0, err
    assert len(machine.done()) == 3


def test_a_checkout_that_cannot_be_written_is_named(machine: Machine) -> None:
    machine.put("home/.pyenv/versions/3.13.0/bin/python")
    (machine.checkout / ".venv.lock").mkdir()
    run = machine.run()
    assert run.returncode == 2
    assert f"{machine.checkout} cannot be written" in run.stderr


def test_an_environment_that_a_person_made_is_kept(machine: Machine) -> None:
    python = machine.put("home/.pyenv/versions/3.13.0/bin/python")
    subprocess.run(
        [python, "-m", "venv", ".venv"], cwd=machine.checkout, env=machine.environment(), check=True
    )
    (machine.checkout / ".venv" / "kept").touch()
    assert machine.run().returncode == 0
    assert (machine.checkout / ".venv" / "kept").exists()
