"""Forms without a proxy: what goes over the wire, and what each failure says about arrival."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest

from weighbridge.core.direct_forms import DirectForms
from weighbridge.core.form_client import AnswerLate, AnswerLost, FormClient, NotConnected
from weighbridge.core.network import form_client


class Asked:
    """One request as the service saw it."""

    def __init__(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.target = handler.path
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        length = int(self.headers["content-length"])
        self.form = dict(parse_qsl(handler.rfile.read(length).decode(), keep_blank_values=True))


class Service(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.content, self.encoding = b"{}", ""
        self.status = 200
        self.silence = threading.Event()
        self.is_silent = False
        super().__init__(("127.0.0.1", 0), Answering)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answering(http.server.BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.asked.append(Asked(self))
        if self.server.is_silent:
            self.server.silence.wait(10)
        self.send_response(self.server.status)
        if self.server.encoding:
            self.send_header("Content-Encoding", self.server.encoding)
        self.send_header("Retry-After", "7")
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as service:
        yield service
        service.silence.set()
        service.shutdown()


@pytest.fixture
def client(service: Service) -> Iterator[FormClient]:
    with form_client(service.url) as client:
        yield client


def test_the_form_arrives_as_it_was_given(service: Service, client: FormClient) -> None:
    form = {"action": "getmeas", "odd": "a&b=c +ü", "empty": ""}
    client.post(f"{service.url}/measure?x=1", form, {"Authorization": "Bearer abc"})
    (asked,) = service.asked
    assert (asked.target, asked.form) == ("/measure?x=1", form)
    assert asked.headers["authorization"] == "Bearer abc"
    assert asked.headers["host"] == service.url.removeprefix("http://")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"


def test_an_address_without_a_path_means_the_root(service: Service, client: FormClient) -> None:
    client.post(service.url, {"a": "b"}, {})
    assert service.asked[0].target == "/"


def test_a_compressed_answer_is_unpacked(service: Service, client: FormClient) -> None:
    service.content, service.encoding = gzip.compress(b'{"status": 0}' * 1000), "gzip"
    answer = client.post(service.url, {"a": "b"}, {})
    assert answer.content == b'{"status": 0}' * 1000
    assert service.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("cut", [-1, 20])
def test_half_of_a_compressed_answer_is_none(
    cut: int, service: Service, client: FormClient
) -> None:
    service.content, service.encoding = gzip.compress(b'{"status": 0}' * 1000)[:cut], "gzip"
    with pytest.raises(AnswerLost):
        client.post(service.url, {"a": "b"}, {})


def test_status_and_headers_are_told_and_no_redirect_is_followed(
    service: Service, client: FormClient
) -> None:
    service.status = 302
    answer = client.post(service.url, {"a": "b"}, {})
    assert (answer.status, answer.headers.get("retry-after")) == (302, "7")
    assert len(service.asked) == 1


def test_an_answer_that_does_not_come_may_have_been_asked_for(service: Service) -> None:
    service.is_silent = True
    with DirectForms(None, headers={}, limit=0.1) as client, pytest.raises(AnswerLate):
        client.post(service.url, {"a": "b"}, {})
    assert service.asked


def test_where_nobody_listens_nothing_was_sent(service: Service, client: FormClient) -> None:
    service.shutdown()
    service.server_close()
    with pytest.raises(NotConnected, match="ConnectionRefusedError"):
        client.post(service.url, {"a": "b"}, {})
