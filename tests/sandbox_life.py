"""A small household in a running sandbox, for the tests of the Withings stand-in."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from weighbridge.sandbox.admin import Admin
from weighbridge.sandbox.clock import Clock
from weighbridge.sandbox.http import Sandbox
from weighbridge.sandbox.withings import CLIENT_ID, CLIENT_SECRET, WithingsCloud

NOW = 1_780_000_000
REDIRECT = "http://localhost:8123/callback"
FIXTURES = Path(__file__).resolve().parents[2] / "shared" / "fixtures" / "withings"


def weight(grpid: int, *, date: int, modified: int | None = None, grams: int = 70_000) -> Any:
    stored = date + 20 if modified is None else modified
    return {
        "grpid": grpid,
        "attrib": 0,
        "date": date,
        "created": stored,
        "modified": stored,
        "category": 1,
        "deviceid": "a" * 40,
        "hash_deviceid": "a" * 40,
        "measures": [
            {"value": grams, "type": 1, "unit": -3},
            {"value": 62, "type": 11, "unit": 0},
        ],
        "modelid": 5,
        "model": "Body+",
        "comment": None,
    }


def pressure(grpid: int, *, date: int) -> Any:
    measures = [{"value": 80, "type": 9, "unit": 0}, {"value": 121, "type": 10, "unit": 0}]
    return weight(grpid, date=date) | {"measures": measures, "modelid": 45, "deviceid": "b" * 40}


def plain_client(url: str) -> httpx2.Client:
    """A client that does not load the system's certificates: that takes longer than a test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.Client(base_url=url, trust_env=False, timeout=5, verify=context)


class Life:
    """A household of two in a running sandbox, with a clock that stands still."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.clock = Clock(lambda: NOW)
        self.cloud = WithingsCloud(clock=self.clock)
        self.household = self.cloud.household
        self.household.add_profile("anna", 101, "Europe/Oslo")
        self.household.add_profile("ben", 102)
        self.sandbox = Sandbox([self.cloud], clock=self.clock, ssl_context=context)

    def open(self) -> None:
        self.sandbox.start()
        self.client = plain_client(self.sandbox.url)
        self.admin = Admin(self.sandbox.url)

    def close(self) -> None:
        self.client.close()
        self.sandbox.close()

    def ask(self, path: str, token: str | None = None, **form: Any) -> Any:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = self.client.post(path, data=form, headers=headers)
        assert answer.status_code == 200
        return answer.json()

    def request_token(self, **form: Any) -> Any:
        secret = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return self.ask("/v2/oauth2", **({"action": "requesttoken"} | secret | form))

    def exchange(self, code: str, **form: Any) -> Any:
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        return self.request_token(**(given | form))

    def renew(self, refresh_token: str) -> Any:
        return self.request_token(grant_type="refresh_token", refresh_token=refresh_token)

    def log_in(self, name: str = "anna") -> dict[str, Any]:
        body: dict[str, Any] = self.exchange(self.admin.code(name, REDIRECT))["body"]
        return body

    def token(self, name: str = "anna") -> str:
        return str(self.log_in(name)["access_token"])

    def measures(self, token: str, **form: Any) -> Any:
        return self.ask("/measure", token, action="getmeas", **form)

    def ids(self, token: str, **form: Any) -> list[int]:
        return [group["grpid"] for group in self.measures(token, **form)["body"]["measuregrps"]]


def recorded(name: str) -> Any:
    path = FIXTURES / f"{name}.json"
    if not path.exists():
        pytest.skip("the recorded answers are not here")
    return msgspec.json.decode(path.read_bytes())


class Listener:
    """A callback that remembers what it was told and answers what it is told to answer."""

    def __init__(self) -> None:
        self.heads = 0
        self.bodies: list[str] = []
        self.answers: list[int] = []
        self.head_status = 200
        self.news = threading.Condition()
        outer = self

        class Door(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                outer.heads += 1
                self.send_response(outer.head_status)
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                with outer.news:
                    outer.bodies.append(body)
                    status = outer.answers.pop(0) if outer.answers else 200
                    outer.news.notify_all()
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self._server.server_port}/knock?key=secret"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def wait_for(self, count: int) -> list[str]:
        with self.news:
            self.news.wait_for(lambda: len(self.bodies) >= count, timeout=5)
            return sorted(self.bodies)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def consent(**changes: str) -> dict[str, str]:
    asked = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "scope": "user.info,user.metrics",
        "state": "s p&ce",
        "redirect_uri": REDIRECT,
    }
    return asked | changes
