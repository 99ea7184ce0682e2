"""The registered application and its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from weighbridge.core.errors import ConfigProblem
from weighbridge.sources.withings.oauth import (
    CALLBACK_URL,
    WithingsApp,
    how_to_register,
    read_app_file,
)


def test_the_file_of_other_programs_is_read(tmp_path: Path) -> None:
    path = tmp_path / "withings_app.json"
    path.write_text(
        '\ufeff{"client_id": "id", "consumer_secret": "s", "callback_url": "http://localhost:1/c",'
        ' "x": 1}',
        encoding="utf-8",
    )
    assert read_app_file(path) == WithingsApp("id", "s", "http://localhost:1/c")


def test_without_a_callback_url_the_default_stands(tmp_path: Path) -> None:
    path = tmp_path / "withings_app.json"
    path.write_text('{"client_id": "id", "consumer_secret": "s"}')
    assert read_app_file(path).callback_url == CALLBACK_URL


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b"\xff", b'{"client_id": "id"}', b'{"client_id": 7, "consumer_secret": "s"}',
     b'{"client_id": "", "consumer_secret": "s"}', b'{"client_id": "id", "consumer_secret": ""}'],
)  # fmt: skip
def test_an_unusable_file_says_what_it_must_look_like(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "withings_app.json"
    path.write_bytes(content)
    with pytest.raises(ConfigProblem, match="consumer_secret") as caught:
        read_app_file(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblem, match="WITHINGS_APP"):
        read_app_file(tmp_path / "nothing.json")


def test_the_secret_never_shows() -> None:
    app = WithingsApp("the-id", "the-secret")
    shown = f"{app} {app!r} {app.__rich_repr__()}"
    assert "the-id" in shown
    assert "the-secret" not in shown


def test_one_address_stands_for_all_of_a_sandbox() -> None:
    sandbox = WithingsApp("id", "s", url="http://127.0.0.1:99/")
    assert (sandbox.api_url, sandbox.consent_url) == ("http://127.0.0.1:99",) * 2
    real = WithingsApp("id", "s")
    assert real.api_url == "https://wbsapi.withings.net"
    assert real.consent_url == "https://account.withings.com"


def test_registering_is_explained_in_five_lines() -> None:
    text = how_to_register().message()
    lines = text.splitlines()
    assert len(lines) == 5
    assert all(len(line) <= 100 for line in lines)
    for word in (
        "developer.withings.com",
        CALLBACK_URL,
        "WITHINGS_CLIENT_ID",
        "weighbridge login",
    ):
        assert word in text
