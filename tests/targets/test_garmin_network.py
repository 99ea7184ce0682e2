"""The standard environment counts on the way to Garmin: certificates and proxies.

A real process with the real library, TLS, and the real host names through a proxy of our own.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from fixtures.garmin import ANNA
from weighbridge_sandbox.clock import Clock
from weighbridge_sandbox.garmin import GarminCloud
from weighbridge_sandbox.http import Sandbox

SIGN_IN = """
import sys
from garminconnect.client import sso
from weighbridge.targets.garmin.garmin_options import Endpoint
from weighbridge.targets.garmin.garmin_account import sign_in
for name in list(vars(sso)):  # a person's pauses, against a cloud that needs none
    if name.endswith(("DELAY_MIN_S", "DELAY_MAX_S")):
        setattr(sso, name, 0.0)
print(sign_in(Endpoint(url=sys.argv[1]), *sys.argv[2:]).name)
"""


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def sandbox(authority: trustme.CA) -> Iterator[Sandbox]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    hosts = ("sso", "diauth", "connectapi", "connect", "mobile.integration")
    certificate = authority.issue_cert("127.0.0.1", *(f"{host}.garmin.com" for host in hosts))
    certificate.configure_cert(context)
    with Sandbox([GarminCloud(clock=Clock())], ssl_context=context) as running:
        yield running


@pytest.fixture
def environment(authority: trustme.CA, tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(file)
    ours = ("proxy", "ca_bundle", "ssl_cert")
    kept = {
        key: text for key, text in os.environ.items() if not any(o in key.lower() for o in ours)
    }
    return {**kept, "SSL_CERT_FILE": str(file)}


class Proxy:
    """Leads every CONNECT to one port, whatever host was asked for, and remembers the hosts."""

    def __init__(self, port: int) -> None:
        self.hosts: set[str] = set()
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        self.hosts.add(head.split()[1].decode().partition(":")[0])
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pour, args=(server, client), daemon=True)
            back.start()
            _pour(client, server)
            back.join()


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


def run(url: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SIGN_IN, url, *ANNA]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_ssl_cert_file_is_enough(sandbox: Sandbox, environment: dict[str, str]) -> None:
    done = run(sandbox.url, environment)
    assert done.stdout.strip() == "Anna Example", done.stderr


def test_an_unknown_authority_is_not_trusted(sandbox: Sandbox, environment: dict[str, str]) -> None:
    del environment["SSL_CERT_FILE"]
    done = run(sandbox.url, environment)
    assert "RetryLater" in done.stderr
    assert sandbox.requests.counts() == {}


def test_the_proxy_of_the_environment_is_used(
    sandbox: Sandbox, environment: dict[str, str]
) -> None:
    proxy = Proxy(int(sandbox.url.rpartition(":")[2]))
    try:
        done = run("", {**environment, "HTTPS_PROXY": proxy.url})
    finally:
        proxy.close()
    assert done.stdout.strip() == "Anna Example", done.stderr
    assert proxy.hosts == {"sso.garmin.com", "diauth.garmin.com", "connectapi.garmin.com"}
