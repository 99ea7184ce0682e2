"""The units of systemd: read by systemd itself where it is installed, and looked at everywhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from fixtures.contrib_image import CONTRIB
from fixtures.contrib_units import unit
from weighbridge.core.errors import ExitCode

SYSTEM = CONTRIB / "weighbridge.service"
USER = CONTRIB / "weighbridge-user.service"
TIMER = CONTRIB / "weighbridge.timer"
SERVICES = [SYSTEM, USER]
SYSTEM_SERVER = CONTRIB / "weighbridge-server.service"
USER_SERVER = CONTRIB / "weighbridge-server-user.service"
SERVERS = [SYSTEM_SERVER, USER_SERVER]
SINCE_254 = ("RestartSteps", "RestartMaxDelaySec")
"""What an older systemd says that it does not know, and then does without."""
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
    """A copy under the name it has when it is installed, beside its timer if it has one."""
    text = service.read_text("utf-8").replace("/usr/local/bin/weighbridge", program)
    copy = folder / service.name.replace("-user.", ".")
    copy.write_text(text, "utf-8")
    if service in SERVICES:
        shutil.copy2(TIMER, folder)
    return copy


def complaints(copy: Path, *words: str, home: Path) -> str:
    """What systemd has to say about a unit and its timer."""
    units = [path for path in (copy, copy.with_suffix(".timer")) if path.exists()]
    done = analyze(*words, "verify", *map(str, units), home=home)
    said = [
        line
        for line in done.stderr.splitlines()
        if "weighbridge" in line and not (version() < 254 and is_too_new(line))
    ]
    return "\n".join(said) or ("" if done.returncode == 0 else done.stderr)


def is_too_new(line: str) -> bool:
    found = re.search(r"Unknown key(?: name)? '(\w+)'", line)
    return found is not None and found[1] in SINCE_254


@cache
def version() -> int:
    """That of systemd."""
    found = re.search(r"systemd (\d+)", analyze("--version").stdout)
    assert found
    return int(found[1])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with the program where pipx puts it."""
    program = tmp_path / "home" / ".local" / "bin" / "weighbridge"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path / "home"


@pytest.mark.parametrize("path", [SYSTEM, SYSTEM_SERVER], ids=lambda path: path.name)
def test_systemd_understands_the_units_for_the_machine(
    tmp_path: Path, home: Path, path: Path
) -> None:
    copy = installed(tmp_path, path)
    assert complaints(copy, home=home) == ""


@pytest.mark.parametrize("path", [USER, USER_SERVER], ids=lambda path: path.name)
def test_systemd_understands_the_units_for_one_user(tmp_path: Path, home: Path, path: Path) -> None:
    copy = installed(tmp_path, path)
    assert complaints(copy, "--user", home=home) == ""


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        (USER, "NoNewPrivileges", "NoNewPrivilege"),
        (USER, "oneshot", "onshot"),
        (USER, "bin/weighbridge", "bin/weighbridg"),
        (USER, "@system-service", "@sistem-service"),
        (USER_SERVER, "RestartSec", "RestartSecs"),
        (USER_SERVER, "on-failure", "on-failures"),
    ],
)
def test_systemd_would_notice_a_mistake(
    tmp_path: Path, home: Path, path: Path, right: str, wrong: str
) -> None:
    copy = installed(tmp_path, path)
    copy.write_text(copy.read_text("utf-8").replace(right, wrong), "utf-8")
    assert wrong in complaints(copy, "--user", home=home)


@pytest.mark.parametrize("path", [SYSTEM, SYSTEM_SERVER], ids=lambda path: path.name)
def test_the_units_for_the_machine_are_exposed_to_little(tmp_path: Path, path: Path) -> None:
    copy = installed(tmp_path, path)
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


@pytest.mark.parametrize("path", SERVERS, ids=lambda path: path.name)
def test_a_server_that_ended_by_a_defect_starts_again_later_and_later(path: Path) -> None:
    said = unit(path)
    assert said["Service"]["Type"] == "exec"
    assert said["Service"]["Restart"] == "on-failure"
    assert {*SINCE_254, "RestartSec"} <= set(said["Service"])
    assert said["Unit"]["StartLimitIntervalSec"] == "0", "it never gives up"
    for name in ("RestartSec", "RestartMaxDelaySec", "TimeoutStopSec"):
        assert analyze("timespan", said["Service"][name]).returncode == 0
    assert said["Service"]["TimeoutStopSec"] == "10"


@pytest.mark.parametrize("path", SERVERS, ids=lambda path: path.name)
def test_a_wrong_configuration_is_a_failure_that_no_restart_hides(path: Path) -> None:
    assert unit(path)["Service"]["RestartPreventExitStatus"] == str(ExitCode.USAGE.value)


@pytest.mark.parametrize(("once", "server"), [(SYSTEM, SYSTEM_SERVER), (USER, USER_SERVER)])
def test_a_server_is_closed_as_a_run_is(once: Path, server: Path) -> None:
    """All walls of the one stand around the other."""
    differ = {"Type", "ExecStart", "SuccessExitStatus", "TimeoutStartSec", "Nice"}
    walls = {item for item in unit(once)["Service"].items() if item[0] not in differ}
    assert ("NoNewPrivileges", "yes") in walls
    assert walls <= set(unit(server)["Service"].items())


def test_servers_start_with_the_machine() -> None:
    assert unit(SYSTEM_SERVER)["Install"]["WantedBy"] == "multi-user.target"
    assert unit(USER_SERVER)["Install"]["WantedBy"] == "default.target"


@pytest.mark.parametrize("path", [SYSTEM, SYSTEM_SERVER], ids=lambda path: path.name)
def test_the_units_for_the_machine_have_an_account_and_a_folder_of_their_own(path: Path) -> None:
    said = unit(path)["Service"]
    assert said["User"] not in {"", "root"}
    assert said["Environment"] == f"WEIGHBRIDGE_HOME=%S/{said['StateDirectory']}"
    assert said["StateDirectoryMode"] == "0700"
    remarks = path.read_text("utf-8")
    assert f"--home /var/lib/{said['StateDirectory']} login withings --paste" in remarks
