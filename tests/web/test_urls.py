"""Which address must be registered at Withings, and which path we answer for it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.config import ServerSettings, Settings, WithingsSettings
from weighbridge.web.urls import (
    base_url,
    begin_address,
    callback_address,
    callback_path,
    inner_path,
    local_path,
    name_in,
    prefix,
    same_place,
    segment,
)

OWN = "/connect/withings"


def settings(url: str | None = None, callback: str | None = None) -> Settings:
    """Settings of a server on port 9474; a callback that is given was written by somebody."""
    return Settings(
        home=Path("nowhere"),
        withings=WithingsSettings(**({"callback_url": callback} if callback else {})),
        people=(),
        server=ServerSettings(url=url),
        origins={"withings.callback_url": "weighbridge.toml:3" if callback else "default"},
    )


@pytest.mark.parametrize(
    ("url", "callback", "address", "path"),
    [
        (None, None, f"http://localhost:9474{OWN}", OWN),
        ("https://a.example", None, f"https://a.example{OWN}", OWN),
        ("https://a.example/w", None, f"https://a.example/w{OWN}", OWN),
        # written, and it leads here
        (None, "http://localhost:9474/cb", "http://localhost:9474/cb", "/cb"),
        (None, "http://127.0.0.1:9474", "http://127.0.0.1:9474", "/"),
        ("https://a.example", "https://a.example/cb", "https://a.example/cb", "/cb"),
        ("https://a.example", "https://A.example:443/cb", "https://A.example:443/cb", "/cb"),
        ("https://a.example", f"https://a.example{OWN}", f"https://a.example{OWN}", OWN),
        ("https://a.example/w", "https://a.example/w/cb", "https://a.example/w/cb", "/cb"),
        ("https://a.example/w", "https://a.example/wcb", "https://a.example/wcb", "/wcb"),
        ("https://a.example/w", "https://a.example/w", "https://a.example/w", "/"),
        ("https://a.example", "http://[::1]:9474/cb", "http://[::1]:9474/cb", "/cb"),
        ("https://a.example", "https://a.example/cb?x=1", "https://a.example/cb?x=1", "/cb"),
        # written, but it leads elsewhere: to the command line, to another server, to another page
        (None, "http://localhost:9473/callback", f"http://localhost:9474{OWN}", OWN),
        ("https://a.example", "https://b.example/cb", f"https://a.example{OWN}", OWN),
        ("https://a.example", "https://a.example:8443/cb", f"https://a.example{OWN}", OWN),
        ("https://a.example", "https://a.example/connect", f"https://a.example{OWN}", OWN),
        (
            "https://a.example",
            "https://a.example/withings/notify/x",
            f"https://a.example{OWN}",
            OWN,
        ),
        ("https://a.example/w", "https://a.example/w/sign-in", f"https://a.example/w{OWN}", OWN),
    ],
)
def test_the_address_to_register(
    url: str | None, callback: str | None, address: str, path: str
) -> None:
    given = settings(url, callback)
    assert callback_address(given) == address
    assert callback_path(given) == path


def test_the_default_of_the_command_line_is_not_ours() -> None:
    assert settings().withings.callback_url.endswith(":9473/callback")
    assert callback_address(settings()) == base_url(settings()) + OWN


@pytest.mark.parametrize(
    ("url", "callback", "begin"),
    [
        (None, None, "http://localhost:9474/connect"),
        ("https://a.example/w", None, "https://a.example/w/connect"),
        ("https://a.example/w", "https://a.example/cb", "https://a.example/w/connect"),
        ("https://a.example", "http://127.0.0.1:9474/cb", "http://127.0.0.1:9474/connect"),
    ],
)
def test_one_begins_where_one_comes_back(url: str | None, callback: str | None, begin: str) -> None:
    assert begin_address(settings(url, callback)) == begin


def test_a_prefix_is_taken_away_where_it_stands() -> None:
    behind = settings("https://a.example/w")
    assert prefix(behind) == "/w"
    assert [inner_path(path, behind) for path in ("/w/connect", "/w", "/w/", "/connect")] == [
        *("/connect", "/", "/", "/connect")
    ]
    assert inner_path("/weight", behind) == "/weight"
    assert prefix(settings()) == prefix(settings("https://a.example")) == ""


def test_a_host_header_is_compared_with_its_port() -> None:
    assert same_place("https://a.example/w", "A.example")
    assert same_place("https://a.example/w", "a.example:443")
    assert same_place("http://localhost:9474/", "localhost:9474")
    for host in ("b.example", "a.example:444", "", "a.example:x", "[", "localhost"):
        assert not same_place("https://a.example/w", host)


@given(st.text(st.sampled_from("/\\.:@?#%aé\t\n \x00")) | st.text())
def test_where_a_visitor_wants_to_go_is_always_here(written: str) -> None:
    path = local_path(written)
    here = "https://a.example/sign-in"
    assert urlsplit(urljoin(here, path)).netloc == "a.example"
    assert path.startswith("/")
    assert "\\" not in path
    assert path.isprintable()


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_any_name_is_one_part_of_a_path(name: str) -> None:
    decoded_by_the_server = unquote(segment(name))
    assert "/" not in decoded_by_the_server
    assert decoded_by_the_server not in (".", "..")
    assert name_in(decoded_by_the_server) == name
