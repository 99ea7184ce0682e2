"""The pages for those who switch: every step, in a home directory as the old program left it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.docs_reader import DOCS, name_of, steps
from fixtures.house import House, days_ago, pressure, weight
from fixtures.old_home import OldHome

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(sys.platform != "linux", reason="the pages name Linux's folders"),
]

WITHINGS_SYNC = DOCS / "how-to" / "from-withings-sync.md"
TRUMPET = DOCS / "how-to" / "from-trumpet.md"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[OldHome]:
    """Anna, Ben and Carla, each with a new weigh-in and a blood pressure."""
    house = House(tmp_path / "unused")
    for number, name in enumerate(("anna", "ben", "carla")):
        new = [
            weight(10 * number + 1, days_ago(9), "70.1"),
            weight(10 * number + 2, days_ago(1), "70.4"),
            pressure(10 * number + 3, days_ago(0.5)),
        ]
        house.withings.household.add_profile(name, groups=new)
    yield OldHome(house, tmp_path / "old")
    house.close()


def follow(page: Path, old: OldHome, values: dict[str, str]) -> list[str]:
    """Carry out the steps; what each one printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**old.environment(), "PATH": path}
    for name in ("WEIGHBRIDGE_HOME", "XDG_DATA_HOME"):  # the pages are about the default folder
        environment.pop(name, None)
    printed = []
    for step in steps(page):
        command = step.command
        for written, real in values.items():
            command = command.replace(written, real)
        done = subprocess.run(
            ["sh", "-c", command],
            env=environment,
            cwd=old.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        where = f"{name_of(page)}:{step.line}: {step.command}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == step.code, where
        assert "Traceback" not in done.stderr, where
        printed.append(done.stdout)
    return printed


def test_withings_sync_is_left_step_by_step(old: OldHome) -> None:
    old.register()
    del old.variables["WITHINGS_APP"]
    for name in ("ben", "carla"):
        old.connect(name)
        (old.folder / name).mkdir()
        old.user_file.rename(old.folder / name / ".withings_user.json")
        (old.folder / name / "withings_app.json").write_bytes(old.app_file.read_bytes())
    old.connect("anna", last_sync=days_ago(3))
    old.sign_in_at_garmin("anna")
    old.know_garmin()
    first, *_ = follow(WITHINGS_SYNC, old, {})
    assert '"Value": 70.4' in first
    assert '"Value": 70.1' not in first, "it is from before the last run"
    assert [row["weight_kg"] for row in old.house.weigh_ins("anna")] == ["70.4"]
    assert len(old.house.pressures("anna")) == 1
    assert old.signs_in() == 0
    assert (old.folder / ".local/share/weighbridge/withings_app.json").exists()


def test_trumpet_is_left_step_by_step(old: OldHome) -> None:
    tokens = old.house.withings.tokens
    userids = {}
    (old.folder / "trumpet").mkdir()
    for name in ("anna", "ben"):
        userids[name] = old.house.withings.household.profiles[name].userid
        issued = tokens.issue(userids[name], "user.metrics")
        (old.folder / "trumpet" / str(userids[name])).write_text(issued["refresh_token"], "utf-8")
    values = {
        "the client secret": tokens.client_secret,
        "0123456789abcdef": tokens.client_id,
        "12345678": str(userids["anna"]),
        "23456789": str(userids["ben"]),
    }
    *_, shown = follow(TRUMPET, old, values)
    assert "70.4" in shown


def test_both_pages_have_their_steps() -> None:
    assert len(list(steps(WITHINGS_SYNC))) >= 8
    assert len(list(steps(TRUMPET))) >= 5
