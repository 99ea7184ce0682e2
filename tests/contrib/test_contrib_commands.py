"""Every command that stands in ``contrib/`` is run as written, against the sandbox."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fixtures.cli import run_here
from fixtures.contrib_image import CONTRIB, Work, image
from fixtures.contrib_services import compose, container, ours, service
from fixtures.contrib_units import started_by
from fixtures.house import ACCOUNTS, House, days_ago, weight

if sys.platform == "win32":
    pytest.skip("containers and units are for Unix", allow_module_level=True)

from fixtures.contrib_container import PROGRAMS, Host, needs_walls
from fixtures.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.story

EMAIL, PASSWORD, _ = ACCOUNTS["anna"]
CONFIGURATION = """\
[withings]
url = "{url}"
[[person]]
name = "anna"
[[person.target]]
kind = "garmin"
url = "{url}"
since = 2000-01-01
"""
"""A home folder as a person would keep it: the application and its secret come from elsewhere."""
"""Seconds in which something that ends at once has ended on a busy machine."""

ONCE = {
    "image": lambda: image().work("sync", secrets=service("weighbridge").secrets),
    "compose": lambda: service("weighbridge"),
    "crontab": lambda: service("weighbridge", *crontab_command()),
    "cronjob": lambda: container("cronjob"),
}


def crontab_command() -> list[str]:
    """What stands behind the service in the line for the host's crontab."""
    (line,) = re.findall(
        r"^#   \S+ \*/3 \* \* \*  (.*)", (CONTRIB / "compose.yaml").read_text(), re.M
    )
    words = shlex.split(line)
    return words[words.index("weighbridge") + 1 :]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    built = House(home)
    yield built
    built.close()


@pytest.fixture(params=["behind walls", "in the open"])
def host(request: Any, house: House, tmp_path: Path) -> Host:
    """Anna's home, connected to nothing yet."""
    walls = request.param == "behind walls"
    if walls:
        needs_walls()
    house.withings.household.add_profile("anna", groups=[weight(1, days_ago(2), "61.2")])
    path = house.home / "weighbridge.toml"
    path.write_text(CONFIGURATION.format(url=house.sandbox.url))
    path.chmod(0o600)
    return Host(house, tmp_path, walls=walls)


def log_in(host: Host) -> None:
    """Both logins, as they are done in a container."""
    code = host.house.admin.code("anna", host.house.callback_url)
    host.run(service("weighbridge", "login", "withings", "--code", code), expect=0)
    words = ["weighbridge", "login", "garmin", "--username", EMAIL, "--password-stdin"]
    host.run(container("deployment", command=words), expect=0, input=f"{PASSWORD}\n")


def weights(house: House) -> list[str]:
    return [row["weight_kg"] for row in house.weigh_ins("anna")]


def wait_for_weights(house: House, *expected: str) -> None:
    wait_until(lambda: weights(house) == list(expected))


# --- Containers ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ONCE)
def test_one_run_delivers_and_ends(host: Host, name: str) -> None:
    log_in(host)
    host.run(ONCE[name](), expect=0)
    assert weights(host.house) == ["61.2"]


@pytest.mark.parametrize("name", ONCE)
def test_one_run_without_a_login_ends_with_3(host: Host, name: str) -> None:
    result = host.run(ONCE[name](), expect=3)
    assert "weighbridge login withings" in result.err


def test_a_schedule_of_its_own_delivers_what_comes_later_and_ends_when_it_is_told(
    host: Host,
) -> None:
    log_in(host)
    with host.start(in_a_hurry(service("schedule"))) as started:
        wait_for_weights(host.house, "61.2")
        host.house.admin.add_groups("anna", [weight(2, days_ago(1), "60.9")])
        wait_for_weights(host.house, "61.2", "60.9")
        started.signal("SIGTERM")
        _, err = started.process.communicate(timeout=PATIENCE)
    assert started.process.returncode == 0, err
    assert "the next run starts in 1 seconds" in err


def test_a_waiting_schedule_ends_at_once_with_the_signal_of_the_image(host: Host) -> None:
    with host.start(service("schedule")) as started:
        assert started.process.stderr
        said = next(line for line in started.process.stderr if "the next run starts" in line)
        assert 10_800 <= int(re.findall(r"\d+", said)[0]) <= 11_400
        started.signal(image().stop_signal)
        assert started.process.wait(PATIENCE) == 0


def test_a_run_that_has_begun_is_completed_before_the_schedule_ends(host: Host) -> None:
    log_in(host)
    house = host.house
    house.admin.fault("hold", cloud="garmin", path="/upload-service/upload")
    with host.start(service("schedule")) as started:
        house.admin.wait_for_hold(seconds=PATIENCE)
        started.signal("SIGTERM")
        house.admin.clear_faults()
        house.admin.release()
        _, err = started.process.communicate(timeout=PATIENCE)
    assert started.process.returncode == 0, err
    assert "the next run starts" not in err
    assert weights(house) == ["61.2"]
    assert {state for (state,) in house.database("SELECT state FROM delivery")} == {"confirmed"}


def test_a_schedule_goes_on_after_trouble(host: Host) -> None:
    log_in(host)
    host.house.admin.fault("status", path="/measure", status=2555)
    with host.start(in_a_hurry(service("schedule"))) as started:
        wait_for_weights(host.house, "61.2")
        started.signal("SIGTERM")
        assert started.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("wrong", ["3h", "-1", "010", "1 2"])
@pytest.mark.parametrize("variable", ["WEIGHBRIDGE_EVERY", "WEIGHBRIDGE_JITTER"])
def test_a_pause_that_is_no_number_is_refused(host: Host, variable: str, wrong: str) -> None:
    work = service("schedule")
    result = host.run(msgspec.structs.replace(work, env=work.env | {variable: wrong}), expect=2)
    assert f'"{wrong}"' in result.err
    assert variable in result.err


def test_one_run_stops_as_the_first_process_with_the_signal_of_the_image(host: Host) -> None:
    log_in(host)
    host.house.admin.fault("hold", cloud="withings", path="/measure")
    with host.start(ONCE["image"]()) as started:
        host.house.admin.wait_for_hold(seconds=PATIENCE)
        started.signal(image().stop_signal)
        _, err = started.process.communicate(timeout=PATIENCE)
    assert started.process.returncode == 130
    assert "Nothing is lost" in err


def test_the_health_check_of_the_schedule_tells_what_needs_a_person(host: Host) -> None:
    house, check = host.house, service("schedule", check=True)
    assert "weighbridge login withings" in host.run(check, expect=1).out
    log_in(host)
    host.run(ONCE["image"](), expect=0)
    assert "Up to date." in host.run(check, expect=0).out
    house.admin.add_groups("anna", [weight(2, days_ago(1), "60.9")])
    house.admin.fault("http", path="/upload-service/upload", status=503)
    host.run(ONCE["image"](), expect=4)
    host.run(check, expect=0)
    house.database("UPDATE delivery SET state = 'rejected'")
    host.run(image().work("status"), expect=1)
    assert "rejected" in host.run(check, expect=0).out
    (house.home / "weighbridge.toml").write_text("[withings]\nclient_idd = 1\n")
    assert "client_id" in host.run(check, expect=1).err


def test_secrets_and_account_come_from_files_and_the_environment(host: Host) -> None:
    host.house.home.joinpath("weighbridge.toml").unlink()
    work = service("weighbridge", "config", "show", "--json", variables={"GARMIN_USERNAME": EMAIL})
    shown = msgspec.json.decode(host.run(work, expect=0).out)["values"]
    origins = {value["key"]: value["origin"] for value in shown}
    assert origins["person.me.target.garmin.username"] == "environment GARMIN_USERNAME"
    if host.walls:
        for name in ("client_id", "client_secret"):
            assert origins[f"withings.{name}"] == f"file /run/secrets/withings_{name}"


def in_a_hurry(work: Work) -> Work:
    """The same with pauses for a test."""
    pauses = {"WEIGHBRIDGE_EVERY": "1", "WEIGHBRIDGE_JITTER": "0"}
    assert pauses.keys() <= work.env.keys()
    return msgspec.structs.replace(work, env=work.env | pauses)


# --- Units -----------------------------------------------------------------------------------


def move_in(house: House) -> None:
    house.person("anna", [weight(1, days_ago(2), "61.2")])
    house.target("anna", "garmin")
    house.move_in()


def run_unit(argv: list[str], env: dict[str, str]) -> None:
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr


def test_the_unit_for_the_machine_delivers(house: House) -> None:
    move_in(house)
    specifiers = {"%S/weighbridge": str(house.home)}
    (program, *rest), env = started_by(CONTRIB / "weighbridge.service", specifiers)
    assert program == "/usr/local/bin/weighbridge"
    assert env == {"WEIGHBRIDGE_HOME": str(house.home)}
    run_unit([str(PROGRAMS / "weighbridge"), *rest], house.environment(env))
    assert weights(house) == ["61.2"]


@pytest.mark.skipif(sys.platform != "linux", reason="the default home folder of Linux")
def test_the_unit_for_one_user_delivers_from_the_home_of_what_is_typed(
    house: House, tmp_path: Path
) -> None:
    move_in(house)
    user = tmp_path / "user"
    (user / ".local" / "bin").mkdir(parents=True)
    (user / ".local" / "bin" / "weighbridge").symlink_to(PROGRAMS / "weighbridge")
    share = user / ".local" / "share"
    share.mkdir()
    house.home.rename(share / "weighbridge")
    argv, env = started_by(CONTRIB / "weighbridge-user.service", {"%h": str(user)})
    assert env == {}
    outside = house.environment({"HOME": str(user)})
    del outside["WEIGHBRIDGE_HOME"]
    outside.pop("XDG_DATA_HOME", None)
    run_unit(argv, outside)
    assert weights(house) == ["61.2"]


# --- What people are told to type ------------------------------------------------------------


def told() -> dict[str, list[str]]:
    """Every command of ``weighbridge`` in a remark or in the README: where, and its words."""
    found = {}
    before = (
        r"(?:docker (?:compose )?.*\b(?:run|exec)\b .*?|kubectl exec .* -- |sudo -u \S+ |"
        r"\S+ \S+ \* \* \*  docker .* )?"
    )
    files = [path for path in CONTRIB.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for path in sorted(files):
        mark = r"`([^`\n]+)`" if path.suffix == ".md" else r"^#   (\S.*)$"
        for line in re.findall(mark, path.read_text("utf-8"), re.MULTILINE):
            if match := re.fullmatch(rf"{before}\bweighbridge (.*)", line):
                found[f"{path.name}: {line}"] = shlex.split(match[1])
    return found


def test_commands_are_found_in_the_remarks() -> None:
    places = {place.partition(":")[0] for place in told()}
    expected = {"Dockerfile", "README.md", "compose.yaml", "k8s-deployment.yaml", "server.toml"}
    expected |= {f"weighbridge{end}.service" for end in ("", "-user", "-server", "-server-user")}
    assert expected <= places


@pytest.mark.parametrize("place", told())
def test_a_command_that_people_are_told_to_type_is_understood(tmp_path: Path, place: str) -> None:
    """All its options are read before the help is shown."""
    result = run_here(tmp_path, *told()[place], "--help", expect=0)
    assert result.out.startswith("Usage:")


def started() -> dict[str, list[str]]:
    """Every command of ``weighbridge`` that a unit, a container or a pod runs: where, its words."""
    argv = {"Dockerfile": image().work().argv}
    argv |= {f"compose.yaml {name}": service(name).argv for name in ours(compose())}
    argv |= {f"k8s-{name}.yaml": container(name).argv for name in ("cronjob", "deployment")}
    for path in CONTRIB.glob("*.service"):
        argv[path.name] = tuple(started_by(path, {"%h": "/home/anna", "%S": "/var/lib"})[0])
    return {place: list(words[1:]) for place, words in argv.items()}


@pytest.mark.parametrize("place", started())
def test_a_command_that_is_started_is_understood(tmp_path: Path, place: str) -> None:
    result = run_here(tmp_path, *started()[place], "--help", expect=0)
    assert result.out.startswith("Usage: weighbridge ")


# --- The callback page -----------------------------------------------------------------------


def test_what_the_page_copies_is_what_the_login_waits_for(house: House) -> None:
    from fixtures.contrib_page import Host as PageHost
    from fixtures.contrib_page import chromium

    served = PageHost()
    house.callback_url = served.address()
    house.person("anna")
    house.write_configuration()
    with chromium() as browser, house.start("login", "withings", "--paste", stdin=-1) as login:
        page = browser.new_page()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        assert login.stderr
        page.goto(next(line.strip() for line in login.stderr if "/oauth2_user/" in line))
        page.get_by_text("anna").first.click()
        page.get_by_text("Copy the code").wait_for()
        page.keyboard.press("Enter")
        page.get_by_text("Copied.").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        _, err = login.communicate(copied + os.linesep, timeout=PATIENCE)
    served.close()
    assert login.returncode == 0, err
    assert "anna is connected" in err
