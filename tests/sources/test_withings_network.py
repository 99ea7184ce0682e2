"""The HTTP client honours the environment. Real connections on loopback."""

from __future__ import annotations

import http.server
import os
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import trustme

from fixtures.paths import ROOT
from weighbridge import __version__
from weighbridge.core.errors import ConfigProblem, RetryLater
from weighbridge.core.network import form_client, is_loopback, within
from weighbridge.sources.withings.wire import post

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Service(socketserver.ThreadingTCPServer):
    """Answers every POST with status 0; as a proxy it only writes down what it is asked."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.headers: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), Answering)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that refuses our certificate goes away."""


class Answering(http.server.BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(f"POST {self.path}")
        self.server.headers.append(dict(self.headers))
        content = b'{"status": 0, "body": {"a": 1}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Set-Cookie", "person=anna; Path=/")
        self.end_headers()
        self.wfile.write(content)

    def do_CONNECT(self) -> None:
        self.server.seen.append(f"CONNECT {self.path}")
        self.close_connection = True
        self.send_error(502)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(service: Service, authority: trustme.CA) -> Service:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    service.socket = context.wrap_socket(
        service.socket, server_side=True, do_handshake_on_connect=False
    )
    return service


def call(url: str) -> None:
    with form_client(url) as client:
        assert bytes(post(client, url, {"action": "x"})) == b'{"a": 1}'


def test_it_says_who_calls_and_keeps_no_cookie(service: Service) -> None:
    url = f"http://127.0.0.1:{service.port}"
    with form_client(url) as client:
        post(client, url, {"action": "x"})
        post(client, url, {"action": "y"})
    assert service.headers[1]["User-Agent"] == f"weighbridge/{__version__}"
    assert "Cookie" not in service.headers[1]


def test_own_certificates_are_trusted_when_named(
    secure: Service, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    call(f"https://localhost:{secure.port}")
    assert secure.seen == ["POST /"]


def test_an_unknown_certificate_is_refused_and_the_remedy_named(secure: Service) -> None:
    with pytest.raises(RetryLater, match="SSL_CERT_FILE"):
        call(f"https://localhost:{secure.port}")
    assert secure.seen == []


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_unusable_certificates_are_a_matter_of_configuration(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(ConfigProblem, match="SSL_CERT_FILE"):
        form_client("https://wbsapi.withings.net")


def test_a_proxy_is_asked_for_what_is_outside(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{service.port}")
    with pytest.raises(RetryLater, match="no connection"):
        call("https://withings.invalid/measure")
    assert service.seen == ["CONNECT withings.invalid:443"]


def test_no_proxy_is_asked_for_what_is_excepted(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{service.port}")
    monkeypatch.setenv("NO_PROXY", "withings.invalid")
    with pytest.raises(RetryLater):
        call("https://withings.invalid/measure")
    assert service.seen == []


def test_this_machine_is_never_reached_through_a_proxy(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    call(f"http://127.0.0.1:{service.port}")
    assert service.seen == ["POST /"]


@pytest.mark.parametrize("address", ["ftp://user:geheim@proxy", "http://proxy:port"])
def test_an_unusable_proxy_is_a_matter_of_configuration(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(ConfigProblem, match="HTTPS_PROXY") as caught:
        form_client("https://wbsapi.withings.net")
    assert "geheim" not in str(caught.value)


def test_nobody_listening_is_tried_again(service: Service) -> None:
    service.shutdown()
    service.server_close()
    with pytest.raises(RetryLater, match="no connection"):
        call(f"http://127.0.0.1:{service.port}")


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("", False),
     ("127.evil.example", False), ("10.0.0.1", False), ("wbsapi.withings.net", False)],
)  # fmt: skip
def test_loopback_is_this_machine_only(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_a_call_in_time_gives_its_result_or_its_error() -> None:
    assert within(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_a_service_that_drips_cannot_hold_us(service: Service) -> None:
    def drip(self: Answering) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(20):
            self.wfile.write(b" ")
            time.sleep(0.02)

    service.RequestHandlerClass = type("Dripping", (Answering,), {"do_POST": drip})
    url = f"http://127.0.0.1:{service.port}"
    with form_client(url) as client, pytest.raises(RetryLater, match="did not answer within"):
        post(client, url, {"action": "x"}, limit=0.1)


def test_tokens_are_known_without_loading_the_http_library() -> None:
    script = (
        "import sys\n"
        "import weighbridge.sources.withings.token_refresh\n"
        "import weighbridge.sources.withings.oauth, weighbridge.sources.withings.client\n"
        "print({'httpx2', 'ssl', 'http.server', 'asyncio'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert found.stdout.strip() == "set()"
    assert httpx2.__name__ == "httpx2"
