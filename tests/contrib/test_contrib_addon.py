"""The add-on for Home Assistant: what the Supervisor reads, and what the container starts."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import yaml

from fixtures.contrib_home_assistant import ADDON
from fixtures.contrib_image import lint
from weighbridge import __version__
from weighbridge.config import load
from weighbridge.targets.mqtt.mqtt_options import MqttOptions as Options
from weighbridge.targets.mqtt.speech import LANGUAGES, UNITS

ELEMENT = re.compile(r"(str|password|url|bool|port|int|float(\([\d.]*,[\d.]*\))?|list\(.+\))\??")
"""The types of options that the Supervisor knows, as far as they are used."""


def addon() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ADDON / "config.yaml").read_text("utf-8"))
    return content


def types_of(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for one in schema.values():
            yield from types_of(one)
    elif isinstance(schema, list):
        (one,) = schema
        yield from types_of(one)
    else:
        yield schema


def test_the_addon_says_all_that_the_supervisor_demands() -> None:
    content = addon()
    assert {"name", "version", "slug", "description", "arch"} <= set(content)
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", content["slug"])
    assert content["version"] == __version__
    assert set(content["arch"]) <= {"aarch64", "amd64"}
    assert all(re.fullmatch(r"(mqtt|mysql):(provide|want|need)", s) for s in content["services"])
    assert re.match(r"https?://\[HOST\]:\[PORT:9474\]", content["webui"])
    assert re.match(r"https?://\[HOST\]:\[PORT:9474\]", content["watchdog"])


def test_the_options_of_the_addon_fit_their_types() -> None:
    content = addon()
    assert all(ELEMENT.fullmatch(one) for one in types_of(content["schema"]))
    assert set(content["options"]) <= set(content["schema"])
    choices = content["schema"]
    assert choices["language"] == f"list({'|'.join(LANGUAGES)})"
    assert choices["units"] == f"list({'|'.join(UNITS)})"
    says = re.fullmatch(r"list\((.*)\)\?", choices["people"][0]["says"])
    assert says
    assert tuple(says[1].split("|")) == get_args(get_type_hints(Options)["says"])


def test_every_option_is_explained() -> None:
    explained = yaml.safe_load((ADDON / "translations" / "en.yaml").read_text("utf-8"))
    assert set(explained["configuration"]) == set(addon()["schema"])
    assert set(explained["network"]) == set(addon()["ports"]) == set(addon()["ports_description"])
    assert all(one["name"] for one in explained["configuration"].values())


def test_the_linters_have_nothing_to_say() -> None:
    assert lint("shellcheck", str(ADDON / "run")).stdout == ""
    assert lint("hadolint", str(ADDON / "Dockerfile")).stdout == ""


def test_what_the_image_copies_is_there() -> None:
    brought = {"constraints.txt", "weighbridge-*.whl"}
    text = (ADDON / "Dockerfile").read_text("utf-8")
    sources = {
        word
        for line in re.findall(r"^COPY (.*)$", text, re.M)
        for word in line.split()[:-1]
        if not word.startswith("--")
    }
    assert {source for source in sources if not (ADDON / source).exists()} == brought
    manual = (ADDON / "DOCS.md").read_text("utf-8")
    assert "pip wheel --no-deps --wheel-dir contrib/home-assistant/addon" in manual
    assert "cp constraints.txt contrib/home-assistant/addon/" in manual


# --- From options to a configuration --------------------------------------------------------------

FILLED_IN = {
    "withings_client_id": "client",
    "withings_client_secret": 'se"cret',
    "admin_token": "a-token-of-sixteen",
    "people": [{"name": "anna", "height_cm": 172.0, "says": "change"}, {"name": "Zoë"}],
    "language": "de",
    "units": "imperial",
    "hosts": ["homeassistant.local", "192.168.1.5"],
}
MOSQUITTO = {
    "result": "ok",
    "data": {
        "addon": "core_mosquitto",
        "host": "core-mosquitto",
        "port": 1883,
        "ssl": False,
        "username": "addons",
        "password": "p@ss",
        "protocol": "3.1.1",
    },
}


@pytest.fixture(scope="module")
def made() -> Any:
    """The module of the add-on."""
    spec = importlib.util.spec_from_file_location("addon_settings", ADDON / "settings.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loaded(made: Any, home: Path, broker: dict[str, Any] | None, **options: Any) -> Any:
    text = made.settings({**FILLED_IN, **options}, broker)
    (home / "weighbridge.toml").write_text(text, "utf-8")
    return load(home, {}, secret_folder=home / "none")


def test_the_options_become_a_configuration(made: Any, tmp_path: Path) -> None:
    settings = loaded(
        made, tmp_path, made.broker_of(MOSQUITTO["data"]), public_url="https://scale.example.org"
    )
    assert settings.withings.client_id == "client"
    assert settings.withings.client_secret.reveal() == 'se"cret'
    assert settings.server.url == "https://scale.example.org"
    assert settings.server.hosts == ("homeassistant.local", "192.168.1.5")
    assert settings.server.proxies == (made.ADDONS,)
    anna, zoe = settings.people
    assert (anna.name, str(anna.height_cm), zoe.name) == ("anna", "172", "Zoë")
    options = anna.targets[0].options
    assert options.url == "mqtt://addons@core-mosquitto:1883"
    assert options.password.reveal() == "p@ss"
    assert (options.language, options.units, options.says) == ("de", "imperial", "change")
    assert zoe.targets[0].options.says == "value_and_change"


def test_without_a_broker_the_rest_is_configured_all_the_same(made: Any, tmp_path: Path) -> None:
    settings = loaded(made, tmp_path, None, public_url="", hosts=[])
    assert [person.targets for person in settings.people] == [(), ()]
    assert settings.server.url is None


def test_a_broker_that_somebody_entered_comes_first(made: Any, tmp_path: Path) -> None:
    broker = made.chosen_broker({"mqtt_url": "mqtts://anna@broker.example", "mqtt_password": "x"})
    options = loaded(made, tmp_path, broker).people[0].targets[0].options
    assert (options.url, options.password.reveal()) == ("mqtts://anna@broker.example", "x")
    assert made.chosen_broker({"mqtt_url": ""}) is None
    open_to_all = made.broker_of({"host": "broker", "port": 8883, "ssl": True, "username": ""})
    assert loaded(made, tmp_path, open_to_all).people[0].targets[0].options.password is None


class Supervisor(BaseHTTPRequestHandler):
    """Tells the broker to whoever has the token."""

    answers: dict[str, Any] = MOSQUITTO

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "Bearer right"
        body = json.dumps(self.answers if known else {"result": "error"}).encode()
        self.send_response(200 if self.path == "/services/mqtt" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        pass


def test_the_supervisor_is_asked_for_the_broker(made: Any) -> None:
    with HTTPServer(("127.0.0.1", 0), Supervisor) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        place = f"127.0.0.1:{server.server_port}"
        broker = made.supervisors_broker("right", place)
        refused = made.supervisors_broker("wrong", place)
        server.shutdown()
    assert broker == {"url": "mqtt://addons@core-mosquitto:1883", "password": "p@ss"}
    assert refused is None
    assert made.supervisors_broker("right", place) is None, "nobody answers any more"


def test_a_short_admin_token_is_refused_before_anything_is_written(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {**FILLED_IN, "admin_token": "short"}
    (tmp_path / "options.json").write_text(json.dumps(options), "utf-8")
    monkeypatch.setattr("sys.argv", ["settings.py", str(tmp_path)])
    assert made.main() == 2
    assert "16 characters" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["options.json"]


@pytest.mark.skipif(os.name != "posix", reason="it runs in a Linux container")
@pytest.mark.parametrize("own", [None, "# mine\n"])
def test_the_container_starts_the_server_with_the_right_configuration(
    tmp_path: Path, own: str | None
) -> None:
    places = {name: tmp_path / name for name in ("data", "config", "opt")}
    for place in places.values():
        place.mkdir()
    script = (ADDON / "run").read_text("utf-8")
    for name in ("data", "config"):
        script = re.sub(rf"(?<=[ =])/{name}\b", str(places[name]), script)
    script = script.replace("/opt/addon/settings.py", str(ADDON / "settings.py"))
    (places["data"] / "options.json").write_text(
        json.dumps({**FILLED_IN, "mqtt_url": "mqtt://broker.example"}), "utf-8"
    )
    if own:
        (places["config"] / "weighbridge.toml").write_text(own, "utf-8")
    server = places["opt"] / "weighbridge"
    server.write_text('#!/bin/sh\necho "$WEIGHBRIDGE_HOME" "$@"\n', "utf-8")
    server.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": f"{places['opt']}:{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == f"{places['data']} serve --host 0.0.0.0 --port 9474\n", done.stderr
    written = places["data"] / "weighbridge.toml"
    assert (written.read_text("utf-8") == own) is (own is not None)
    assert (places["data"] / "admin-token").read_text("utf-8") == "a-token-of-sixteen\n"
    assert written.stat().st_mode & 0o077 == 0
