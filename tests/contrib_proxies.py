"""The examples for nginx and Caddy, running in front of a server; and visitors from two places."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPMessage, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
import trustme

from contrib_image import CONTRIB

NAME = "scale.example.org"
"""The public name in all examples."""
HOME = "127.0.0.1"
STRANGER = "127.0.0.2"
"""Another address of this machine, which no example counts to the home network."""
SOON = 10.0
_NGINX = """\
daemon off;
{user}pid nginx.pid;
error_log error.log;
events {{}}
http {{
    access_log access.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include {site};
}}
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: HTTPMessage
    text: str

    @property
    def place(self) -> str:
        """Where a redirect leads."""
        return self.headers["Location"] or ""


class Proxy:
    """A proxy that runs; ``authority`` is set when it speaks TLS."""

    def __init__(self, folder: Path, authority: trustme.CA | None) -> None:
        self.port = free_port()
        self.folder = folder
        self._tls = ssl.create_default_context() if authority else None
        if authority and self._tls:
            authority.configure_trust(self._tls)

    @property
    def scheme(self) -> str:
        return "https" if self._tls else "http"

    def ask(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        come_from: str = HOME,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """One request under the public name; nothing is followed."""
        body = urlencode(form) if form else None
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        opened = socket.create_connection(("127.0.0.1", self.port), SOON, (come_from, 0))
        if self._tls:
            opened = self._tls.wrap_socket(opened, server_hostname=NAME)
        connection = (HTTPSConnection if self._tls else HTTPConnection)(NAME)
        connection.sock = opened
        try:
            connection.request(method, path, body, {**kind, **headers})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Return when it listens."""
        end = time.monotonic() + SOON
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), SOON).close()
                return
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.01)

    def written(self) -> str:
        """All that it wrote into logs."""
        return "".join(log.read_text("utf-8") for log in self.folder.glob("*.log"))


def program(name: str) -> str:
    """Where a program is; skips when it is not installed."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@contextmanager
def nginx(folder: Path, server: int) -> Iterator[Proxy]:
    """``nginx.conf`` with the certificate of an authority of our own."""
    found, authority = program("nginx"), trustme.CA()
    proxy = Proxy(folder, authority)
    authority.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(folder / "cert.pem")
    replaced = {
        "listen 443 ssl": f"listen 127.0.0.1:{proxy.port} ssl",
        "listen [::]:443 ssl;": "",
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": "cert.pem",
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": "cert.pem",
        "127.0.0.1:9474": f"127.0.0.1:{server}",
    }
    (folder / "site.conf").write_text(_example("nginx.conf", replaced))
    user = "user root;\n" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(_NGINX.format(user=user, site=folder / "site.conf"))
    words = [found, "-p", str(folder), "-e", "error.log", "-c", str(folder / "nginx.conf")]
    done = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr
    with _running(words, {}, proxy):
        yield proxy


@contextmanager
def caddy(folder: Path, server: int) -> Iterator[Proxy]:
    """``Caddyfile`` without a certificate: to get one needs the internet."""
    found = program("caddy")
    proxy = Proxy(folder, None)
    replaced = {"\tlog {": "\tadmin off\n\tdefault_bind 127.0.0.1\n\tlog {"}
    (folder / "Caddyfile").write_text(_example("Caddyfile", replaced))
    words = ["--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    env = {
        "WEIGHBRIDGE_DOMAIN": f"http://{NAME}:{proxy.port}",
        "WEIGHBRIDGE_SERVER": f"127.0.0.1:{server}",
        **dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder)),
    }
    with _running([found, "run", *words], env, proxy):
        yield proxy


def _example(name: str, replaced: Mapping[str, str]) -> str:
    text = (CONTRIB / name).read_text("utf-8")
    for written, instead in replaced.items():
        assert written in text, written
        text = text.replace(written, instead)
    return text


@contextmanager
def _running(words: list[str], env: Mapping[str, str], proxy: Proxy) -> Iterator[None]:
    with (proxy.folder / "output.log").open("wb") as output:
        process = subprocess.Popen(words, env={**os.environ, **env}, stdout=output, stderr=output)
    try:
        proxy.wait(process)
        yield
    finally:
        process.terminate()
        assert process.wait(SOON) == 0, proxy.written()
