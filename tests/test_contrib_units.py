"""The units of systemd: read by systemd itself where it is installed, and looked at everywhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from contrib_image import CONTRIB
from contrib_units import unit

SYSTEM = CONTRIB / "weighbridge.service"
USER = CONTRIB / "weighbridge-user.service"
TIMER = CONTRIB / "weighbridge.timer"
SERVICES = [SYSTEM, USER]
EXPOSED_AT_MOST = 20
"""Tenths on the scale of ``systemd-analyze security``, which ends at 100; 20 is "OK"."""


def analyze(*words: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Ask ``systemd-analyze``; skips where systemd is not installed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    env = {**os.environ, "SYSTEMD_COLORS": "0", "TZ": "UTC"}
    if home:
        env |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    return subprocess.run(
        [program, *words], env=env, capture_output=True, text=True, timeout=60, check=False
    )


def installed(folder: Path, service: Path, program: str = "/bin/true") -> Path:
    """A copy under the name it has when it is installed, beside its timer."""
    text = service.read_text("utf-8").replace("/usr/local/bin/weighbridge", program)
    copy = folder / "weighbridge.service"
    copy.write_text(text, "utf-8")
    shutil.copy2(TIMER, folder)
    return copy


def complaints(copy: Path, *words: str, home: Path) -> str:
    """What systemd has to say about a unit and its timer."""
    timer = copy.with_suffix(".timer")
    done = analyze(*words, "verify", str(copy), str(timer), home=home)
    said = [line for line in done.stderr.splitlines() if "weighbridge" in line]
    return "\n".join(said) or ("" if done.returncode == 0 else done.stderr)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with the program where pipx puts it."""
    program = tmp_path / "home" / ".local" / "bin" / "weighbridge"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path / "home"


def test_systemd_understands_the_unit_for_the_machine(tmp_path: Path, home: Path) -> None:
    copy = installed(tmp_path, SYSTEM)
    assert complaints(copy, home=home) == ""


def test_systemd_understands_the_unit_for_one_user(tmp_path: Path, home: Path) -> None:
    copy = installed(tmp_path, USER)
    assert complaints(copy, "--user", home=home) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("NoNewPrivileges", "NoNewPrivilege"),
        ("oneshot", "onshot"),
        ("bin/weighbridge", "bin/weighbridg"),
        ("@system-service", "@sistem-service"),
    ],
)
def test_systemd_would_notice_a_mistake(tmp_path: Path, home: Path, right: str, wrong: str) -> None:
    copy = installed(tmp_path, USER)
    copy.write_text(copy.read_text("utf-8").replace(right, wrong), "utf-8")
    assert wrong in complaints(copy, "--user", home=home)


def test_the_unit_for_the_machine_is_exposed_to_little(tmp_path: Path) -> None:
    copy = installed(tmp_path, SYSTEM)
    done = analyze("security", "--offline=true", f"--threshold={EXPOSED_AT_MOST}", str(copy))
    assert done.returncode == 0, done.stdout


def test_the_time_of_the_timer_is_every_three_hours() -> None:
    said = unit(TIMER)["Timer"]
    done = analyze(
        "calendar", "--iterations=3", "--base-time=2026-01-01 00:00:00 UTC", said["OnCalendar"]
    )
    assert done.returncode == 0, done.stderr
    times = re.findall(r"2026-01-01 (\d\d:\d\d:\d\d)", done.stdout)
    assert times == ["00:17:00", "03:17:00", "06:17:00"]
    assert analyze("timespan", said["RandomizedDelaySec"]).returncode == 0


def test_the_timer_makes_up_for_what_was_missed_and_spreads_the_load() -> None:
    said = unit(TIMER)
    assert said["Timer"]["Persistent"] == "true"
    assert said["Timer"]["RandomizedDelaySec"]
    assert "Unit" not in said["Timer"], "it starts the service of the same name"
    assert said["Install"]["WantedBy"] == "timers.target"


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_a_cloud_out_of_reach_is_no_failure_of_the_unit_and_a_missing_login_is(path: Path) -> None:
    said = unit(path)["Service"]
    assert said["Type"] == "oneshot"
    assert said["SuccessExitStatus"].split() == ["4"]


def test_the_unit_for_the_machine_has_an_account_and_a_folder_of_its_own() -> None:
    said = unit(SYSTEM)["Service"]
    assert said["User"] not in {"", "root"}
    assert said["Environment"] == f"WEIGHBRIDGE_HOME=%S/{said['StateDirectory']}"
    assert said["StateDirectoryMode"] == "0700"
    remarks = SYSTEM.read_text("utf-8")
    assert f"--home /var/lib/{said['StateDirectory']} login withings --paste" in remarks
