"""What goes wrong in the sandbox goes wrong as ordered, for real, and only then."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from fixtures.sandbox import plain_client
from fixtures.waiting import PATIENCE
from weighbridge_sandbox.admin import Admin, AdminError
from weighbridge_sandbox.http import Request, Response, Sandbox


class Counter:
    """A cloud that counts how often it was asked, under two names."""

    prefixes = ("/count", "/big")

    def __init__(self, name: str = "withings") -> None:
        self.name = name
        self.count = 0
        self.offers: list[tuple[str, dict[str, Any]]] = []

    def answer(self, request: Request) -> Response | None:
        if request.path == "/big":
            return Response.of_json({"length": len(request.body)})
        if request.path == "/count/broken":
            raise RuntimeError("a mistake in the stand-in")
        if request.path != "/count":
            return None
        self.count += 1
        return Response.of_json({"status": 0, "body": {"count": self.count}})

    def admin(self, action: str, content: dict[str, Any]) -> Any:
        self.offers.append((action, content))
        return {"did": action}


class Play:
    """A sandbox with a counting cloud, a client and the administration."""

    def __init__(self) -> None:
        self.cloud = Counter()
        self.sandbox = Sandbox([self.cloud])
        self.sandbox.start()
        self.client = plain_client(self.sandbox.url)
        self.admin = Admin(self.sandbox.url)

    def ask(self, **form: Any) -> httpx2.Response:
        return self.client.post("/count", data=form)

    def count(self) -> int:
        """What the next usual answer says."""
        return int(self.ask().json()["body"]["count"])

    def close(self) -> None:
        self.client.close()
        self.sandbox.close()


@pytest.fixture
def play() -> Iterator[Play]:
    it = Play()
    yield it
    it.close()


def test_a_fault_strikes_once_unless_told_otherwise(play: Play) -> None:
    play.admin.fault("status", path="/count", status=503, error="no")
    assert play.ask().json() == {"status": 503, "body": {}, "error": "no"}
    assert play.count() == 1
    assert play.admin.active_faults() == []


def test_a_fault_can_wait_for_the_nth_request_and_strike_several_times(play: Play) -> None:
    play.admin.fault("http", nth=3, times=2, status=500)
    assert [play.ask().status_code for _ in range(6)] == [200, 200, 500, 500, 200, 200]


def test_an_endless_fault_ends_when_it_is_cleared(play: Play) -> None:
    play.admin.fault("http", times=-1, status=502)
    assert [play.ask().status_code for _ in range(5)] == [502] * 5
    assert len(play.admin.active_faults()) == 1
    play.admin.clear_faults()
    assert play.ask().status_code == 200


@pytest.mark.parametrize(
    ("choice", "strikes"),
    [
        ({"path": "/count"}, True),
        ({"path": "/cou*"}, True),
        ({"path": "/coun"}, False),
        ({"action": "add"}, True),
        ({"action": "remove"}, False),
        ({"method": "POST"}, True),
        ({"method": "GET"}, False),
        ({"cloud": "withings"}, True),
        ({"cloud": "garmin"}, False),
    ],
)
def test_a_fault_strikes_only_what_it_chooses(
    play: Play, choice: dict[str, str], strikes: bool
) -> None:
    play.admin.fault("http", status=500, **choice)
    assert (play.ask(action="add").status_code == 500) is strikes


def test_an_action_in_the_query_is_an_action(play: Play) -> None:
    play.admin.fault("http", status=500, action="add")
    assert play.client.post("/count?action=add", data={"x": "1"}).status_code == 500


def test_two_faults_follow_one_another(play: Play) -> None:
    play.admin.fault("http", status=500)
    play.admin.fault("http", status=502, nth=2)
    assert [play.ask().status_code for _ in range(3)] == [500, 502, 200]


def test_an_http_error_has_its_headers_and_body(play: Play) -> None:
    play.admin.fault("http", status=429, headers={"Retry-After": "7"}, body="slow down")
    play.admin.fault("http", nth=2, status=412, body={"error": "gone"})
    answer = play.ask()
    assert (answer.status_code, answer.headers["retry-after"], answer.text) == (
        429,
        "7",
        "slow down",
    )
    assert play.ask().json() == {"error": "gone"}


def test_a_waiting_time_stands_in_the_body(play: Play) -> None:
    play.admin.fault("status", status=601, wait_seconds=188)
    assert play.ask().json() == {"status": 601, "body": {"wait_seconds": 188}}


def test_a_token_can_be_refused_once_in_the_words_of_the_cloud(play: Play) -> None:
    play.admin.fault("unauthorized")
    answer = play.ask()
    assert (answer.status_code, answer.json()["status"]) == (200, 401)
    assert play.count() == 1
    garmin = Counter("garmin")
    with Sandbox([garmin]) as other:
        Admin(other.url).fault("unauthorized")
        with plain_client(other.url) as client:
            answer = client.post("/count")
        assert answer.status_code == 401
        assert garmin.count == 0


def test_a_connection_is_dropped_before_or_after_the_work(play: Play) -> None:
    for after_work, done in ((False, 0), (True, 1)):
        play.admin.fault("drop", after_work=after_work)
        with pytest.raises(httpx2.RemoteProtocolError):
            play.ask()
        assert play.cloud.count == done
    assert play.count() == 2


@pytest.mark.parametrize("kind", ["garbage", "empty", "status", "http", "unauthorized"])
def test_an_answer_can_be_lost_after_the_work_was_done(play: Play, kind: str) -> None:
    play.admin.fault(kind)
    play.ask()
    assert play.cloud.count == 0
    play.admin.fault(kind, after_work=True)
    play.ask()
    assert play.cloud.count == 1


def test_answers_are_spoilt_in_all_ways(play: Play) -> None:
    def spoilt(kind: str) -> httpx2.Response:
        play.admin.fault(kind)
        return play.ask()

    assert "text/html" in spoilt("garbage").headers["content-type"]
    assert spoilt("empty").content == b""
    assert spoilt("no_body").json() == {"status": 0}
    assert spoilt("empty_list").json() == {"status": 0, "body": []}
    cut = spoilt("truncated")
    assert cut.text == '{"status":0,"bo'
    with pytest.raises(httpx2.RemoteProtocolError):
        spoilt("cut_off")
    assert play.count() == 5


def test_a_delay_makes_an_impatient_client_give_up(play: Play) -> None:
    play.admin.fault("delay", seconds=10 * PATIENCE)
    with pytest.raises(httpx2.ReadTimeout):
        play.client.post("/count", timeout=httpx2.Timeout(PATIENCE, read=0.05))
    started = time.monotonic()
    play.sandbox.close()
    assert time.monotonic() - started < PATIENCE
    assert play.cloud.count == 0


def test_a_held_request_goes_on_when_it_is_released(play: Play) -> None:
    play.admin.fault("hold", path="/count")
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(play.count()))
    asking.start()
    play.admin.wait_for_hold()
    assert (answers, play.cloud.count) == ([], 0)
    assert play.admin.requests()[0]["done"] is False
    assert play.admin.release() == 1
    asking.join()
    assert answers == [1]


def test_a_request_can_be_held_after_its_work(play: Play) -> None:
    play.admin.fault("hold", after_work=True)
    with pytest.raises(httpx2.ReadTimeout):
        play.client.post("/count", timeout=httpx2.Timeout(PATIENCE, read=0.05))
    play.admin.wait_for_hold()
    assert play.cloud.count == 1
    play.admin.release()
    assert play.count() == 2


def test_waiting_for_a_hold_that_never_comes_ends(play: Play) -> None:
    with pytest.raises(AdminError, match="No request was held"):
        play.admin.wait_for_hold(seconds=0.05)


@pytest.mark.parametrize(
    "wrong", [{"kind": "earthquake"}, {"kind": "http", "pth": "/x"}, {"kind": "http", "nth": "a"}]
)
def test_a_fault_that_makes_no_sense_is_refused_with_a_sentence(
    play: Play, wrong: dict[str, Any]
) -> None:
    with pytest.raises(AdminError, match="error"):
        play.admin.call("POST", "faults", wrong)
    assert play.admin.active_faults() == []


def test_requests_are_listed_and_counted_without_secrets(play: Play) -> None:
    play.ask(action="add", refresh_token="abcdef", client_secret="abcdef", code="abcdef", n="1")
    play.client.get("/count?access_token=abcdef")
    play.admin.fault("drop")
    with pytest.raises(httpx2.RemoteProtocolError):
        play.ask(action="add")
    first, second, third = play.admin.requests(cloud="withings", path="/count")
    assert (first["method"], first["action"], first["status"], first["body_status"]) == (
        "POST",
        "add",
        200,
        0,
    )
    assert first["fields"]["n"] == "1"
    assert second["host"] == play.sandbox.url.removeprefix("http://")
    assert (third["status"], third["fault"]) == (None, "drop")
    assert "abcdef" not in json.dumps([first, second, third])
    assert play.admin.counts() == {"POST /count add": 2, "GET /count": 1}
    play.admin.clear_requests()
    assert (play.admin.requests(), play.admin.counts()) == ([], {})


def test_the_clock_of_the_clouds_can_be_turned(play: Play) -> None:
    play.admin.set_clock(offset=3600)
    play.admin.advance_clock(60)
    assert play.sandbox.clock() - time.time() == pytest.approx(3660, abs=5)
    assert play.admin.describe()["time"] == pytest.approx(time.time() + 3660, abs=5)


def test_a_cloud_is_administered_under_its_name(play: Play) -> None:
    assert play.admin.tell("withings", "dance", slowly=True) == {"did": "dance"}
    assert play.cloud.offers == [("dance", {"slowly": True})]
    with pytest.raises(AdminError, match="no cloud 'garmin'"):
        play.admin.tell("garmin", "dance")
    with pytest.raises(AdminError, match="GET /sandbox lists all"):
        play.admin.call("GET", "nothing")


def test_what_nobody_serves_is_404_and_a_mistake_in_a_stand_in_is_shown(play: Play) -> None:
    assert play.client.get("/elsewhere").status_code == 404
    answer = play.client.get("/count/broken")
    assert answer.status_code == 500
    assert "a mistake in the stand-in" in answer.json()["error"]


def test_one_connection_serves_many_requests_whatever_their_body(play: Play) -> None:
    def parts() -> Iterator[bytes]:
        yield b"x" * 70_000
        yield b"y" * 5

    port = play.sandbox.url.rpartition(":")[2]
    with socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE) as raw:
        head = b"HEAD /count HTTP/1.1\r\nHost: x\r\n\r\n"
        raw.sendall(head)
        assert raw.recv(4096).endswith(b"\r\n\r\n")
        raw.sendall(b"GET /count HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b'"count":2' in raw.recv(4096)
    assert play.client.post("/big", content=parts()).json() == {"length": 70_005}
    assert play.client.post("/big", content=b"z" * 300_000).json() == {"length": 300_000}


def test_a_malformed_request_ends_its_connection_and_nothing_else(play: Play) -> None:
    port = int(play.sandbox.url.rpartition(":")[2])
    for wrong in (b"Content-Length: x", b"Content-Length: -1", b"Transfer-Encoding: chunked"):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw:
            raw.sendall(b"POST /count HTTP/1.1\r\nHost: x\r\n" + wrong + b"\r\n\r\nzz\r\n")
            assert raw.recv(4096) == b""
    assert play.count() == 1


def test_closing_ends_every_thread_and_connection() -> None:
    before = threading.active_count()
    play = Play()
    assert play.count() == 1
    assert threading.active_count() > before
    play.sandbox.close()
    play.sandbox.close()
    assert threading.active_count() == before
    with pytest.raises(httpx2.HTTPError):
        play.ask()
    play.client.close()


def test_a_port_that_is_taken_is_an_os_error(play: Play) -> None:
    port = int(play.sandbox.url.rpartition(":")[2])
    with pytest.raises(OSError, match=r"[Aa]ddress"):
        Sandbox([], port=port).start()


@pytest.mark.story
def test_the_command_says_where_it_is_and_ends_cleanly() -> None:
    command = [sys.executable, "-W", "error", "-m", "weighbridge", "sandbox", "--port", "0"]
    options = ["--json", "--years", "1", "--page-size", "20"]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        told = json.loads(running.stdout.readline())
        try:
            assert told["profiles"] == ["anna", "ben"]
            assert f'url = "{told["url"]}"' in told["config"]
            admin = Admin(told["url"])
            code = admin.code("anna", "http://localhost/")
            secret = {"client_id": told["client_id"], "client_secret": told["client_secret"]}
            form = {"action": "requesttoken", "grant_type": "authorization_code", "code": code}
            with plain_client(told["url"]) as client:
                form |= {"redirect_uri": "http://localhost/"}
                body = client.post("/v2/oauth2", data=form | secret).json()["body"]
                header = {"Authorization": f"Bearer {body['access_token']}"}
                ask = {"action": "getmeas", "lastupdate": "0"}
                page = client.post("/measure", data=ask, headers=header).json()["body"]
                assert len(page["measuregrps"]) == page["offset"] == 20
        finally:
            running.terminate() if os.name == "nt" else running.send_signal(signal.SIGTERM)
        _, problems = running.communicate(timeout=PATIENCE)
        assert "Traceback" not in problems
        assert os.name == "nt" or running.returncode == 0
