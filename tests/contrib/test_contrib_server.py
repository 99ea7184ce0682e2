"""The server as ``contrib/`` starts it: behind walls, behind a proxy, for Prometheus."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
import yaml

from fixtures.cli import run_here
from fixtures.contrib_image import CONTRIB, Work, image
from fixtures.contrib_services import service
from fixtures.contrib_units import started_by, unit
from fixtures.house import House, days_ago, weight

if sys.platform == "win32":
    pytest.skip("containers and units are for Unix", allow_module_level=True)

from fixtures.contrib_container import Host, Started, needs_walls
from fixtures.contrib_proxies import HOME, NAME, STRANGER, Proxy, caddy, free_port, nginx
from fixtures.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.story

CONFIGURATION = """\
[withings]
url = "{url}"
[server]
url = "https://{name}"
proxies = ["{home}"]
notify_from = ["{home}", "{stranger}"]
[[person]]
name = "anna"
[[person.target]]
kind = "file"
format = "json"
path = "anna.json"
since = 2000-01-01
settle = 0
[[person]]
name = "ben"
"""


class Served:
    """The server of compose in its container, with one connected person."""

    def __init__(self, host: Host, port: int, started: Started) -> None:
        self.host = host
        self.house = host.house
        self.port = port
        self.started = started
        self.token = (self.house.home / "admin-token").read_text().strip()
        wait_until(lambda: bool(self._secrets()), PATIENCE)
        ((secret,),) = self._secrets()
        self.notifications = f"/withings/notify/{secret}"

    def _secrets(self) -> list[Any]:
        return self.house.database("SELECT secret FROM notify_secret")

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def weigh_in(self, kg: str) -> dict[str, str]:
        """Somebody steps on the scale; the form that Withings would post."""
        (anna,) = (one for one in self.house.admin.profiles() if one["name"] == "anna")
        number, now = anna["groups"] + 1, int(time.time())
        date = now - 1000 + 100 * number
        group = weight(number, date, kg, created=now)
        self.house.admin.add_groups("anna", [group], notify=False)
        told = {"userid": anna["userid"], "startdate": date - 1, "enddate": date, "appli": 1}
        return {key: str(value) for key, value in told.items()}

    def wait_for(self, kg: str) -> None:
        file = self.house.home / "anna.json"
        wait_until(lambda: file.exists() and kg in file.read_text(), PATIENCE)


def build_host(folder: Path) -> Host:
    """A machine with a home folder for the server; where walls can be built, they are."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    house = House(home)
    house.withings.household.add_profile("anna", groups=[weight(1, days_ago(2), "61.2")])
    house.withings.household.add_profile("ben")
    house.admin.fault("status", path="/notify", status=293, times=1000)  # nobody is subscribed
    path = home / "weighbridge.toml"
    names = {"name": NAME, "home": HOME, "stranger": STRANGER}
    path.write_text(CONFIGURATION.format(url=house.sandbox.url, **names))
    path.chmod(0o600)
    try:
        needs_walls()
    except pytest.skip.Exception:
        return Host(house, folder, walls=False)
    return Host(house, folder, walls=True)


def at(work: Work, port: int) -> Work:
    """The same on a port that is free here."""
    if "serve" in work.argv:
        return msgspec.structs.replace(work, argv=(*work.argv, "--port", str(port)))
    argv = tuple(word.replace(str(image().port), str(port)) for word in work.argv)
    assert argv != work.argv
    return msgspec.structs.replace(work, argv=argv)


def wait_until_ready(started: Started) -> str:
    """Return what it said up to the line that says that it listens."""
    said = ""
    assert started.process.stderr
    for line in started.process.stderr:
        said += line
        if "Weighbridge is at" in line:
            return said
    raise AssertionError(said)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    host = build_host(tmp_path_factory.mktemp("served"))
    tokens = host.house.withings.tokens
    application = {
        "WITHINGS_CLIENT_ID": tokens.client_id,
        "WITHINGS_CLIENT_SECRET": tokens.client_secret,
    }
    code = host.house.admin.code("anna", host.house.callback_url)
    words = ["login", "withings", "--person", "anna", "--code", code]
    run_here(host.house.home, *words, env=application, expect=0)
    port = free_port()
    with host.start(at(service("server"), port)) as started:
        wait_until_ready(started)
        yield Served(host, port, started)
    host.house.close()


# --- In its container -------------------------------------------------------------------------


def test_somebody_steps_on_the_scale_and_the_reading_arrives(served: Served) -> None:
    form = urlencode(served.weigh_in("63.1"))
    connection = HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", served.notifications, form, kind)
    assert connection.getresponse().status == 200
    connection.close()
    served.wait_for("63.1")


def test_the_health_check_of_the_image_says_whether_the_server_lives(served: Served) -> None:
    check = image().work(check=True)
    served.host.run(at(check, served.port), expect=0)
    with served.host.start(at(check, free_port())) as nobody:
        nobody.process.communicate(timeout=PATIENCE)
        assert nobody.process.returncode == 1


def test_prometheus_gets_what_it_asks_for(served: Served) -> None:
    (job,) = yaml.safe_load((CONTRIB / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    assert set(job) == {"job_name", "scrape_interval", "authorization", "static_configs"}
    (target,) = job["static_configs"][0]["targets"]
    assert target.partition(":")[2] == str(image().port)
    host = target.replace(str(image().port), str(served.port))
    status, text = served.ask("GET", "/metrics", Host=host, Authorization=f"Bearer {served.token}")
    assert status == 200
    assert "weighbridge_people" in text
    assert served.ask("GET", "/metrics", Host=host)[0] == 401


# --- Behind a proxy ---------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(request: Any, served: Served, tmp_path_factory: Any) -> Iterator[Proxy]:
    with request.param(tmp_path_factory.mktemp("proxy"), served.port) as running:
        yield running


def test_notifications_come_through_and_who_sent_them_is_known(
    served: Served, proxy: Proxy
) -> None:
    assert proxy.ask("HEAD", served.notifications, come_from=STRANGER).status == 200
    kg = "64.2" if proxy.scheme == "https" else "65.3"
    told = served.weigh_in(kg)
    lie = {"X-Forwarded-For": HOME}
    elsewhere = proxy.ask(
        "POST", served.notifications, form=told, come_from="127.0.0.3", headers=lie
    )
    assert (elsewhere.status, elsewhere.text) == (
        403,
        "Notifications are not taken from this address.\n",
    )
    assert proxy.ask("POST", served.notifications, form=told, come_from=STRANGER).status == 200
    served.wait_for(kg)


def test_somebody_is_connected_through_it(served: Served, proxy: Proxy) -> None:
    asked_in = proxy.ask("GET", "/connect/withings?person=ben")
    assert asked_in.place.startswith("/sign-in?")
    let_in = proxy.ask("POST", "/sign-in", form={"token": served.token, "next": "/connect"})
    assert let_in.status == 303
    cookie = let_in.headers["Set-Cookie"].partition(";")[0]
    assert cookie.startswith("__Host-") == (proxy.scheme == "https")
    link = proxy.ask("GET", "/connect/withings?person=ben", headers={"Cookie": cookie}).place
    asked = {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}
    assert asked["redirect_uri"] == f"https://{NAME}/connect/withings"
    code = served.house.admin.code("ben", asked["redirect_uri"])
    back = urlencode({"code": code, "state": asked["state"]})
    connected = proxy.ask("GET", f"/connect/withings?{back}", headers={"Cookie": cookie})
    assert (connected.status, "ben is connected" in connected.text) == (200, True)


def test_a_stranger_sees_what_withings_needs_and_nothing_else(served: Served, proxy: Proxy) -> None:
    assert proxy.ask("HEAD", "/connect/withings", come_from=STRANGER).status == 200
    for path in ("/", "/connect", "/sign-in", "/metrics", "/readyz", "/healthz", "/withings/"):
        assert proxy.ask("GET", path, come_from=STRANGER).status in {403, 404}, path
        assert "token" not in proxy.ask("GET", path, come_from=STRANGER).text
    assert proxy.ask("GET", "/sign-in").status == 200


def test_what_visitors_claim_about_the_name_is_not_believed(served: Served, proxy: Proxy) -> None:
    lie = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}
    assert proxy.ask("GET", "/sign-in", headers=lie).status == 200
    assert served.ask("GET", "/sign-in", Host=NAME, **lie)[0] == 421, "believed from a proxy"


def test_no_log_of_a_proxy_holds_the_secret(served: Served, proxy: Proxy, tmp_path: Path) -> None:
    assert proxy.ask("HEAD", served.notifications, come_from=STRANGER).status == 200
    folder = tmp_path / "alone"
    folder.mkdir()
    begin = nginx if proxy.scheme == "https" else caddy
    with begin(folder, free_port()) as alone:
        assert alone.ask("POST", served.notifications, form={"userid": "1"}).status == 502
        assert alone.ask("GET", "/sign-in").status == 502
    secret = served.notifications.rpartition("/")[2]
    assert secret not in proxy.written() + alone.written()


# --- Its end ----------------------------------------------------------------------------------


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = build_host(tmp_path)
    yield made
    made.house.close()


def test_the_unit_serves_behind_its_walls_and_ends_in_time(host: Host) -> None:
    path = CONTRIB / "weighbridge-server.service"
    said = unit(path)["Service"]
    (program, *words), env = started_by(path, {"%S": "/var/lib"})
    walls = {"ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes"}
    assert walls.items() <= dict(said).items()
    work = Work(
        argv=(Path(program).name, *words),
        env={"PATH": image().env["PATH"], **env},
        user="990:990",
        read_only=True,
        writable=("/tmp",),
        volume=f"/var/lib/{said['StateDirectory']}",
        secrets=service("server").secrets,
    )
    with host.start(at(work, free_port())) as started:
        wait_until_ready(started)
        started.signal("SIGTERM")
        _, err = started.process.communicate(timeout=PATIENCE)
    assert started.process.returncode == 0, err
    assert "Nothing is lost" in err
    assert not re.search("Traceback|Error", err)


def test_the_image_can_be_stopped_before_its_server_listens(host: Host) -> None:
    """As process 1 it would not hear SIGTERM yet."""
    with host.start(at(service("server"), free_port())) as started:
        wait_until((host.house.home / "weighbridge.db").exists, PATIENCE)
        started.signal(image().stop_signal)
        started.process.communicate(timeout=PATIENCE)
    assert started.process.returncode in {0, 130}
