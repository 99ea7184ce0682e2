"""The add-on's options as Weighbridge's configuration.

``settings.py /data`` reads ``/data/options.json``, where the Supervisor stores the options of
the add-on's page, and writes ``/data/weighbridge.toml`` and ``/data/admin-token``.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote as quote_url

from weighbridge.core.commands import toml_string

SUPERVISOR = "supervisor"
"""The host that answers inside an add-on."""
TIMEOUT = 10.0
"""Seconds for its answer."""
ADDONS = "172.30.33.0/24"
"""The network of add-ons: a proxy among them may set X-Forwarded-*."""
SHORTEST_TOKEN = 16
SHORT_TOKEN = f"The admin token is too short. Choose one of {SHORTEST_TOKEN} characters or more.\n"
NO_BROKER = (
    "The options name no MQTT broker and the Supervisor knows none. Install the add-on Mosquitto "
    "broker or fill in mqtt_url, then start this add-on again.\n"
)

Options = dict[str, Any]


def main() -> int:
    home = Path(sys.argv[1])
    options = json.loads((home / "options.json").read_text("utf-8"))
    if len(options["admin_token"]) < SHORTEST_TOKEN:
        sys.stderr.write(SHORT_TOKEN)
        return 2
    broker = chosen_broker(options) or supervisors_broker(os.environ.get("SUPERVISOR_TOKEN", ""))
    if broker is None:
        sys.stderr.write(NO_BROKER)
    replace(home / "weighbridge.toml", settings(options, broker))
    replace(home / "admin-token", options["admin_token"] + "\n")
    return 0


def settings(options: Options, broker: Options | None) -> str:
    """The text of ``weighbridge.toml``. ``broker`` has ``url`` and maybe ``password``."""
    withings = {
        "client_id": options["withings_client_id"],
        "client_secret": options["withings_client_secret"],
    }
    lines = ["# Made from the options of the add-on at every start: change those.", ""]
    lines += ["[withings]", *written(withings), ""]
    server = {"url": options.get("public_url"), "hosts": options["hosts"], "proxies": [ADDONS]}
    lines += ["[server]", *written(server)]
    for person in options["people"]:
        about = {"name": person["name"], "height_cm": person.get("height_cm")}
        lines += ["", "[[person]]", *written(about)]
        if broker is not None:
            says = {"kind": "mqtt", **broker, "language": options["language"]}
            says |= {"units": options["units"], "says": person.get("says")}
            lines += ["", "[[person.target]]", *written(says)]
    return "\n".join(lines) + "\n"


def written(values: Options) -> list[str]:
    """``key = value``, without the keys that were left empty."""
    return [
        f"{key} = {toml(value)}" for key, value in values.items() if value not in (None, "", [])
    ]


def toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    return toml_string(value) if isinstance(value, str) else f"{value:g}"


def chosen_broker(options: Options) -> Options | None:
    """The broker that was entered in the options."""
    if not options.get("mqtt_url"):
        return None
    return {"url": options["mqtt_url"], "password": options.get("mqtt_password")}


def supervisors_broker(token: str, supervisor: str = SUPERVISOR) -> Options | None:
    """The broker that the Supervisor knows, None when it knows none."""
    connection = http.client.HTTPConnection(supervisor, timeout=TIMEOUT)
    try:
        connection.request("GET", "/services/mqtt", headers={"Authorization": f"Bearer {token}"})
        return broker_of(json.load(connection.getresponse())["data"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def broker_of(service: Options) -> Options:
    """The broker that the Supervisor describes, as options of the target."""
    scheme = "mqtts" if service.get("ssl") else "mqtt"
    user, password = service.get("username"), service.get("password")
    place = f"{service['host']}:{service['port']}"
    if not user:
        return {"url": f"{scheme}://{place}"}
    return {"url": f"{scheme}://{quote_url(user, safe='')}@{place}", "password": password}


def replace(path: Path, text: str) -> None:
    """Write the whole file or nothing."""
    new = path.with_name(path.name + ".new")
    new.write_text(text, "utf-8")
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main())
