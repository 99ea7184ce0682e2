"""The tables [server] and [alerts]: defaults that are safe, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.config import read
from weighbridge.config import AlertSettings, ConfigProblems, ServerSettings
from weighbridge.config.settings import secrets, values

FULL = """\
[server]
host = "0.0.0.0"
port = 8080
url = "https://scale.example.org/weighbridge/"
poll_minutes = 30
proxies = ["127.0.0.1", "10.0.0.0/8"]
notify_from = ["203.0.113.0/24"]
hosts = ["Pi.local"]

[alerts]
urls = [{ env = "ALERT" }, "json://user:very-secret@localhost"]
ping = { env = "PING" }
silent_days = 2
"""


def mistakes_of(text: str, home: Path) -> list[str]:
    with pytest.raises(ConfigProblems) as caught:
        read(text, home)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_without_the_tables_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    settings = read("", tmp_path)
    assert settings.server == ServerSettings()
    assert settings.server.host == "127.0.0.1"
    assert settings.server.url is None
    assert settings.alerts == AlertSettings()


def test_the_tables_are_read(tmp_path: Path) -> None:
    settings = read(FULL, tmp_path, {"ALERT": "ntfys://topic", "PING": "https://hc.example/1"})
    server = settings.server
    assert (server.host, server.port, server.poll) == ("0.0.0.0", 8080, 1800)
    assert server.url == "https://scale.example.org/weighbridge"
    assert server.proxies == ("127.0.0.1", "10.0.0.0/8")
    assert server.notify_from == ("203.0.113.0/24",)
    assert server.hosts == ("pi.local",)
    alerts = settings.alerts
    assert next(secret.reveal() for secret in alerts.urls) == "ntfys://topic"
    assert alerts.ping is not None
    assert alerts.ping.reveal() == "https://hc.example/1"
    assert alerts.silent_days == 2


def test_what_is_shown_holds_no_secret(tmp_path: Path) -> None:
    settings = read(FULL, tmp_path, {"ALERT": "ntfys://topic", "PING": "https://hc.example/1"})
    shown = {value.key: value for value in values(settings)}
    assert "very-secret" not in str(shown)
    assert "ntfys" not in str(shown)
    assert shown["server.poll_minutes"].origin == "weighbridge.toml:5"
    assert shown["server.hosts"].value == "pi.local"
    assert {key for key, _ in secrets(settings)} == {
        "alerts.urls.1",
        "alerts.urls.2",
        "alerts.ping",
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('host = "not an address"', "address of this machine"),
        ("port = 70000", "between 0 and 65535"),
        ('port = "9474"', "must be a whole number"),
        ("port = true", "must be a whole number"),
        ('url = "scale.example.org"', "no web address"),
        ('url = "https://user:password@scale.example.org"', "nothing else"),
        ('url = "https://user@scale.example.org"', "nothing else"),
        ('url = "https://scale.example.org/a b"', "no web address"),
        ('url = "https://scale.example.org/\\u0007"', "no web address"),
        ('url = "https://scale.example.org/?a=b"', "nothing else"),
        ('url = "https://scale.example.org:port"', "no web address"),
        ("poll_minutes = 1", "between 5 and 1440 minutes. The default is 180."),
        ("poll_minutes = nan", "between 5 and 1440 minutes"),
        ('proxies = "10.0.0.0/8"', "must be a list"),
        ('proxies = ["10.0.0.0/99"]', "no network"),
        ('notify_from = ["everybody"]', "no network"),
        ("hosts = [1]", "must be text"),
        ('hots = ["x"]', 'Did you mean "hosts"?'),
    ],
)
def test_a_mistake_in_server_is_named_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    (mistake,) = mistakes_of(f"[server]\n{line}\n", tmp_path)
    assert mistake.startswith("weighbridge.toml:2: [server]")
    assert words in mistake
    assert "password" not in mistake.replace("user:password", "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('urls = "json://localhost"', "must be a list"),
        ("urls = [1]", "is no secret"),
        ("silent_days = 0", "more than 0"),
        ('silent_days = "3"', "must be a number, not text. Write it without quotation marks."),
        ("silent_day = 3", 'Did you mean "silent_days"?'),
    ],
)
def test_a_mistake_in_alerts_is_named_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    (mistake,) = mistakes_of(f"[alerts]\n{line}\n", tmp_path)
    assert mistake.startswith("weighbridge.toml:2: [alerts]")
    assert words in mistake


@pytest.mark.parametrize("name", ["server", "alerts"])
def test_a_value_where_a_table_belongs_is_a_mistake(tmp_path: Path, name: str) -> None:
    (mistake,) = mistakes_of(f"{name} = 1\n", tmp_path)
    assert f"Write [{name}]." in mistake
