"""The loopback address to which the browser comes back. Everything here is a real connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import httpx2
import pytest

from fixtures.waiting import PATIENCE
from weighbridge.core.errors import ConfigProblem, LoginNeeded
from weighbridge.sources.withings.oauth_callback import Callback, _speaks_six

CODE = "0123456789abcdef0123456789abcdef01234567"
STATE = "5c0ffee5"


class Waiting:
    """A sign-in that waits in a thread, and a browser for it."""

    def __init__(self) -> None:
        self.callback = Callback("http://localhost:0/callback")
        self.result: str | Exception | None = None
        self._thread = threading.Thread(target=self._wait)
        self._browser = httpx2.Client(trust_env=False, timeout=PATIENCE)
        self._thread.start()

    def _wait(self) -> None:
        try:
            self.result = self.callback.wait(STATE, timeout=PATIENCE)
        except Exception as error:
            self.result = error

    def visit(self, path: str, method: str = "GET") -> httpx2.Response:
        url = f"http://127.0.0.1:{self.callback.port}{path}"
        return self._browser.request(method, url, headers={"Connection": "close"})

    def finish(self) -> str | Exception | None:
        self._thread.join(5)
        assert not self._thread.is_alive()
        return self.result

    def close(self) -> None:
        if self._thread.is_alive():
            self.visit(f"/callback?error=access_denied&state={STATE}")
        self._thread.join(5)
        self._browser.close()


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    there = Waiting()
    yield there
    there.close()


def test_the_code_arrives_and_the_person_may_close_the_window(waiting: Waiting) -> None:
    page = waiting.visit(f"/callback?code={CODE}&state={STATE}")
    assert waiting.finish() == CODE
    assert page.status_code == 200
    assert "You can close this window." in page.text
    assert 'name="viewport"' in page.text
    assert 'content="light dark"' in page.text
    assert CODE not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "query",
    ["", "?", f"?state={STATE}", f"?code={CODE}", f"?code={CODE}&state=other", "?error=x&state=y"],
)
def test_a_foreign_redirect_is_turned_away_and_the_waiting_goes_on(
    waiting: Waiting, query: str
) -> None:
    assert waiting.visit(f"/callback{query}").status_code == 400
    assert waiting.visit(f"/callback?code={CODE}&state={STATE}").status_code == 200
    assert waiting.finish() == CODE


@pytest.mark.parametrize(
    "path", ["/favicon.ico", "/", "/callback/", f"/other?code={CODE}&state={STATE}"]
)
def test_other_addresses_have_no_page(waiting: Waiting, path: str) -> None:
    assert waiting.visit(path).status_code == 404
    assert waiting.result is None


def test_a_probe_does_not_use_the_code_up(waiting: Waiting) -> None:
    assert waiting.visit(f"/callback?code={CODE}&state={STATE}", "HEAD").status_code == 200
    assert waiting.visit("/other", "HEAD").status_code == 404
    assert waiting.result is None


def test_a_refused_consent_ends_the_waiting(waiting: Waiting) -> None:
    page = waiting.visit(f"/callback?error=access_denied&state={STATE}")
    assert page.status_code == 200
    assert "No access" in page.text
    assert isinstance(waiting.finish(), LoginNeeded)


def test_a_connection_that_says_nothing_stops_nobody(waiting: Waiting) -> None:
    with socket.create_connection(("127.0.0.1", waiting.callback.port)):
        waiting.visit(f"/callback?code={CODE}&state={STATE}")
    assert waiting.finish() == CODE


def test_markup_in_the_address_is_not_shown(waiting: Waiting) -> None:
    page = waiting.visit("/callback?code=<script>&state=<script>")
    assert "<script>" not in page.text


@pytest.mark.skipif(not _speaks_six(), reason="IPv6 is switched off here")
def test_localhost_is_answered_on_both_protocols(waiting: Waiting) -> None:
    with socket.create_connection(("::1", waiting.callback.port), timeout=PATIENCE) as visitor:
        visitor.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b" 404 " in visitor.recv(100)


def test_nobody_coming_back_is_told() -> None:
    with (
        Callback("http://127.0.0.1:0/callback") as callback,
        pytest.raises(LoginNeeded, match="--paste"),
    ):
        callback.wait(STATE, timeout=0.01)


def test_the_port_is_free_afterwards() -> None:
    first = Callback("http://localhost:0/callback")
    port = first.port
    first.close()
    first.close()
    Callback(f"http://localhost:{port}/callback").close()


def test_only_this_machine_can_reach_it() -> None:
    with Callback("http://localhost:0/callback") as callback:
        assert callback._servers[0].server_address[0] == "127.0.0.1"


def test_a_port_in_use_names_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigProblem, match="--paste") as caught:
            Callback(f"http://localhost:{port}/callback")
    assert str(port) in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["https://localhost:9473/callback", "http://example.org/callback", "https://example.org/",
     "", "9473", "http://[", "http://127.evil.example/", "http://localhost:99999/callback"],
)  # fmt: skip
def test_an_address_elsewhere_is_for_paste_only(url: str) -> None:
    with pytest.raises(ConfigProblem, match="--paste"):
        Callback(url)
