"""Notifications over real HTTP: what is answered with 200 is stored, all else has no effect."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.edge import Answer, Edge, ask, call, hear, hear_until, listening
from weighbridge.core.errors import StateProblem
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.storage.subscription_store import retire, rotate
from weighbridge.testing.builders import NOON
from weighbridge.web import webhook
from weighbridge.web.app_context import AppContext

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SECOND = 1.5
"""Seconds by which the clock of a test must move before the secrets are read again."""


class Scene:
    """The edge, its port, and Withings in front of it."""

    def __init__(self, edge: Edge, port: int) -> None:
        self.edge = edge
        self.port = port

    def address(self, secret: str = "") -> str:
        return f"/withings/notify/{secret or self.edge.secret}"

    def notified(self, body: bytes, secret: str = "", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.port, "POST", self.address(secret), body, FORM | named)

    def head(self, headers: str, method: str = "POST") -> bytes:
        """The head of a request, written by hand."""
        text = f"{method} {self.address()} HTTP/1.1\r\nHost: x\r\n{headers}\r\n"
        return text.encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    edge = Edge(tmp_path_factory.mktemp("edge") / "home")
    edge.intake.start()
    with listening(edge.app(proxies=("127.0.0.1",), notify_from=())) as port:
        yield Scene(edge, port)
    edge.close()


@pytest.fixture
def scene(served: Scene) -> Iterator[Scene]:
    yield served
    with SqliteDatabase(served.edge.home) as database:
        database._connection.execute("DELETE FROM notification")
    served.edge.woken.clear()
    served.edge.broken = None


def weigh_in(number: int = 0, userid: str = Edge.userid) -> bytes:
    form = {"userid": userid, "startdate": NOON + number - 1, "enddate": NOON + number, "appli": 1}
    return urlencode(form).encode()


# --- what Withings does ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_probe_of_withings_is_answered_with_exactly_200(scene: Scene, method: str) -> None:
    answer = ask(scene.port, method, scene.address())
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == "0"


def test_a_notification_is_durable_and_wakes_its_person(scene: Scene) -> None:
    answer = scene.notified(weigh_in())
    assert (answer.status, answer.body) == (200, b"")
    assert scene.edge.stored() == [(1, NOON - 1, NOON, None)]
    assert scene.edge.woken == ["anna"]


def test_a_notification_for_somebody_else_is_answered_and_dropped(scene: Scene) -> None:
    assert scene.notified(weigh_in(userid="9")).status == 200
    assert scene.edge.stored() == []
    assert scene.edge.woken == []


def test_the_type_of_a_form_may_have_parameters_and_any_case(scene: Scene) -> None:
    content_type = "Application/X-WWW-Form-Urlencoded; charset=UTF-8"
    assert scene.notified(weigh_in(), Content_Type=content_type).status == 200


def test_a_body_in_chunks_is_understood(scene: Scene) -> None:
    body = weigh_in()
    headers = f"Transfer-Encoding: chunked\r\nContent-Type: {FORM['Content-Type']}\r\n"
    chunks = b"%x\r\n%s\r\n" * 2 % (10, body[:10], len(body) - 10, body[10:]) + b"0\r\n\r\n"
    with call(scene.port, scene.head(headers), chunks) as visitor:
        assert hear_until(visitor, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert len(scene.edge.stored()) == 1


def test_five_hundred_notifications_at_once_are_all_answered_and_all_stored(scene: Scene) -> None:
    bodies = [weigh_in(number) for number in range(500)]
    headers = "Content-Type: {}\r\nConnection: close\r\nContent-Length: {}\r\n"
    heads = [scene.head(headers.format(FORM["Content-Type"], len(body))) for body in bodies]
    visitors = [call(scene.port) for _ in bodies]
    for visitor, head, body in zip(visitors, heads, bodies, strict=True):
        visitor.sendall(head + body)
    for visitor in visitors:
        assert hear(visitor).startswith(b"HTTP/1.1 200 ")
    assert sorted(row[2] for row in scene.edge.stored()) == [NOON + n for n in range(500)]


# --- the secret --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["HEAD", "GET", "POST", "PUT"])
def test_a_wrong_secret_finds_what_any_wrong_address_finds(scene: Scene, method: str) -> None:
    nowhere = ask(scene.port, method, "/nowhere", headers={"Host": "localhost"})
    for secret in ("wrong", scene.edge.secret[:-1], scene.edge.secret + "x", "%C3%BC", "%00"):
        answer = ask(scene.port, method, scene.address(secret), headers={"Host": "localhost"})
        assert (answer.status, answer.body) == (404, nowhere.body)
        assert [*answer.headers] == [*nowhere.headers]
        assert answer.headers["Content-Length"] == nowhere.headers["Content-Length"]


def test_a_slash_too_many_is_a_wrong_address(scene: Scene) -> None:
    for path in (scene.address() + "/", "/withings/notify/", "/withings/notify"):
        assert ask(scene.port, "HEAD", path, headers={"Host": "localhost"}).status == 404


def test_a_rotation_counts_without_a_restart_and_leaves_no_gap(scene: Scene) -> None:
    edge = scene.edge
    old = edge.secret
    assert scene.notified(weigh_in()).status == 200
    with SqliteDatabase(edge.home) as database:
        edge.now += SECOND
        edge.secret = rotate(database, edge.now)
        assert scene.notified(weigh_in(), secret=edge.secret).status == 200
        assert scene.notified(weigh_in(), secret=old).status == 200
        retire(database, edge.secret, edge.now)
    edge.now += webhook.FRESH_SECONDS
    assert scene.notified(weigh_in(), secret=old).status == 404
    assert scene.notified(weigh_in(), secret=edge.secret).status == 200


def test_wrong_secrets_do_not_make_it_read_the_database_each_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    genuine = webhook._read_secrets

    def count(parts: AppContext) -> Sequence[str]:
        read.append("once more")
        return genuine(parts)

    monkeypatch.setattr(webhook, "_read_secrets", count)
    scene.edge.now += SECOND
    for _ in range(20):
        assert scene.notified(weigh_in(), secret="wrong").status == 404
    assert len(read) == 1


# --- what is no notification ----------------------------------------------------------------------


def refused(scene: Scene, answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert scene.edge.stored() == []
    assert scene.edge.woken == []


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "multipart/form-data"])
def test_only_a_form_is_read(scene: Scene, kind: str) -> None:
    refused(scene, scene.notified(weigh_in(), Content_Type=kind), 415)


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"userid=4711&appli=1&startdate=1&enddate=2", weigh_in() + b"&appli=4"]
)
def test_a_malformed_body_is_refused(scene: Scene, body: bytes) -> None:
    refused(scene, scene.notified(body), 400)


def test_a_large_body_is_refused_however_it_comes(scene: Scene) -> None:
    filler = weigh_in() + b"&x="
    fits = filler + b"x" * (webhook.LARGEST_BODY - len(filler))
    refused(scene, scene.notified(fits + b"x"), 413)
    refused(scene, scene.notified(fits * 20), 413)
    headers = f"Transfer-Encoding: chunked\r\nContent-Type: {FORM['Content-Type']}\r\n"
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
    with call(scene.port, scene.head(headers), chunk * 5) as visitor:
        assert hear_until(visitor, b"\r\n\r\n").startswith(b"HTTP/1.1 413 ")
    assert scene.notified(fits).status == 200


def test_another_method_is_refused(scene: Scene) -> None:
    answer = ask(scene.port, "DELETE", scene.address())
    refused(scene, answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD, POST"


def test_a_slow_body_is_refused_and_keeps_nobody_waiting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "BODY_SECONDS", 0.2)
    headers = f"Content-Length: 99\r\nContent-Type: {FORM['Content-Type']}\r\n"
    slow = [call(scene.port, scene.head(headers), b"userid=") for _ in range(20)]
    assert scene.notified(weigh_in()).status == 200
    for visitor in slow:
        assert hear_until(visitor, b"in time.\n").startswith(b"HTTP/1.1 408 ")
        visitor.close()
    assert len(scene.edge.stored()) == 1


def test_who_goes_away_in_the_middle_harms_nobody(scene: Scene) -> None:
    headers = f"Content-Length: 99\r\nContent-Type: {FORM['Content-Type']}\r\n"
    for _ in range(5):
        call(scene.port, scene.head(headers), b"userid=").close()
    assert scene.notified(weigh_in()).status == 200


# --- when we cannot ----------------------------------------------------------------------------


def test_what_cannot_be_stored_is_never_answered_as_if_it_were(scene: Scene) -> None:
    def rename(old: str, new: str) -> None:
        with SqliteDatabase(scene.edge.home) as database:
            database._connection.execute(f"ALTER TABLE {old} RENAME TO {new}")

    rename("notification", "elsewhere")
    scene.edge.broken = StateProblem("The disk is full.", remedy="Make room.")
    answers = [scene.notified(weigh_in()), scene.notified(weigh_in())]  # cannot write, cannot open
    rename("elsewhere", "notification")
    for answer in answers:
        refused(scene, answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
        assert b"isk" not in answer.body
    scene.edge.broken = None
    assert scene.notified(weigh_in()).status == 200


def test_a_home_that_cannot_be_read_at_the_start_is_told_from_a_wrong_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = Edge(tmp_path / "home")

    def refuse(parts: object) -> list[str]:
        raise StateProblem("Damaged.")

    monkeypatch.setattr(webhook, "_read_secrets", refuse)
    with listening(edge.app()) as port:
        assert ask(port, "HEAD", f"/withings/notify/{edge.secret}").status == 503
    edge.close()


def test_a_full_intake_and_a_stopped_one_ask_to_come_again(tmp_path: Path) -> None:
    edge = Edge(tmp_path / "home")  # its intake is not started: nothing is ever stored
    edge.intake._room = 0
    with listening(edge.app()) as port:
        path = f"/withings/notify/{edge.secret}"
        full = ask(port, "POST", path, weigh_in(), FORM)
        edge.intake.stop()
        stopped = ask(port, "POST", path, weigh_in(), FORM)
    assert [full.status, stopped.status] == [503, 503]
    assert "Retry-After" in full.headers
    edge.close()


# --- who may notify us ----------------------------------------------------------------------------


def test_only_the_allowed_networks_may_notify(tmp_path: Path) -> None:
    edge = Edge(tmp_path / "home")
    edge.intake.start()
    app = edge.app(proxies=("127.0.0.1",), notify_from=("203.0.113.0/24",))
    with listening(app) as port:
        scene = Scene(edge, port)
        assert scene.notified(weigh_in()).status == 403
        assert scene.notified(weigh_in(), X_Forwarded_For="198.51.100.1").status == 403
        forged = "203.0.113.9, 198.51.100.1"
        assert scene.notified(weigh_in(), X_Forwarded_For=forged).status == 403
        assert edge.stored() == []
        assert scene.notified(weigh_in(), X_Forwarded_For="203.0.113.9").status == 200
        assert ask(port, "HEAD", scene.address()).status == 200
    edge.close()


# --- forged bodies through the real port -------------------------------------------------------

FORGED = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda pairs: urlencode(pairs).encode(),
        st.lists(
            st.tuples(
                st.sampled_from(["userid", "appli", "startdate", "enddate", "date", "action"]),
                st.one_of(st.integers(0, 2 * NOON).map(str), st.text(max_size=10)),
            ),
            max_size=6,
        ),
    ),
)


@given(FORGED)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_forged_bodies_are_answered_and_never_break_anything(scene: Scene, body: bytes) -> None:
    assert scene.notified(body).status in (200, 400)
    assert scene.edge.stored() == []  # userid 4711 is not among what is forged


# --- what nobody may read ----------------------------------------------------------------------


def test_the_secret_is_in_no_log_whatever_happens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    edge = Edge(tmp_path / "home")

    def explode(notification: object) -> None:
        raise RuntimeError(f"/withings/notify/{edge.secret}")

    edge.intake.take = explode  # type: ignore[assignment]
    with listening(edge.app()) as port:
        scene = Scene(edge, port)
        answer = scene.notified(weigh_in())
        scene.notified(b"garbage")
        ask(port, "HEAD", scene.address() + "/x")
        with call(port, scene.head("Content-Length: x\r\n")) as visitor:
            visitor.recv(100)
    assert answer.status == 500
    assert edge.secret.encode() not in answer.body
    (failed,) = [record for record in caplog.records if record.message == "page_failed"]
    assert " < web.webhook:" in vars(failed)["where"]
    assert edge.secret not in caplog.text + "".join(map(str, vars(caplog.records[-1]).values()))
    out, err = capfd.readouterr()
    assert edge.secret not in out + err
    edge.close()
