"""Everything that TrainerRoad was ever seen to do wrong, and what follows from it.

The failures are those of docs/reference/trainerroad.md#failures; the sign-in has a file of its
own. In each case the profile must not be harmed and the next run must put it right.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.trainerroad import (
    ANNA,
    LOGIN_PAGE,
    MEMBER,
    PROFILE,
    TrainerRoadWorld,
    trainerroad_world,
)
from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, RetryLater
from weighbridge.core.network import http_client
from weighbridge.targets.base import Receipt
from weighbridge.targets.http import HttpCalls
from weighbridge.targets.trainerroad.trainerroad_http import (
    CHANGED_PAUSE_SECONDS,
    PAUSE_SECONDS,
    Wire,
)
from weighbridge.testing.builders import owe, weigh_in

READING = weigh_in().reading_id
HOURS = CHANGED_PAUSE_SECONDS


@pytest.fixture
def world() -> Iterator[TrainerRoadWorld]:
    with trainerroad_world() as world:
        yield world


def send(world: TrainerRoadWorld, kg: str = "68.3") -> Receipt:
    return world.send(owe(weigh_in(kg)))


def http(status: int, **more: Any) -> dict[str, Any]:
    return {"kind": "http", "status": status, **more}


def expect_nothing_sent(world: TrainerRoadWorld, receipt: Receipt) -> None:
    assert receipt == Receipt(problem=receipt.problem)
    assert world.weights() == []
    assert world.profile()["weightKg"] == 70.0


def expect_no_secret(world: TrainerRoadWorld, receipt: Receipt) -> None:
    told = f"{receipt!r} {receipt.problem} {receipt.refused}"
    assert world.cookie() not in told
    assert ANNA[1] not in told


READS = {
    "401": (http(401), LoginNeeded, None),
    "302 to the sign-in": (http(302, headers=LOGIN_PAGE), LoginNeeded, None),
    "302 to somewhere": (http(302, headers={"Location": "/new"}), RetryLater, HOURS),
    "HTML": ({"kind": "garbage"}, RetryLater, HOURS),
    "nothing": ({"kind": "empty"}, RetryLater, HOURS),
    "half an answer": ({"kind": "truncated"}, RetryLater, HOURS),
    "an answer that was cut off": ({"kind": "cut_off"}, RetryLater, None),
    "dropped": ({"kind": "drop"}, RetryLater, None),
    "a list": (http(200, body=[]), RetryLater, HOURS),
    "404": (http(404), RetryLater, HOURS),
    "410": (http(410), RetryLater, HOURS),
    "403": (http(403), RetryLater, PAUSE_SECONDS),
    "429": (http(429), RetryLater, PAUSE_SECONDS),
    "429 with Retry-After": (http(429, headers={"Retry-After": "77"}), RetryLater, 77.0),
    "500": (http(500), RetryLater, None),
    "503": (http(503, body="<h1>Back soon</h1>"), RetryLater, PAUSE_SECONDS),
}
"""What happens to a read: the fault, the decision, and for how long it is left alone."""


@pytest.mark.parametrize("trouble", READS)
@pytest.mark.parametrize("path", [MEMBER, PROFILE])
def test_what_cannot_be_read_is_not_written(
    world: TrainerRoadWorld, path: str, trouble: str
) -> None:
    fault, decision, after = READS[trouble]
    world.fault(path=path, **fault)
    receipt = send(world)
    expect_nothing_sent(world, receipt)
    expect_no_secret(world, receipt)
    assert type(receipt.problem) is decision
    assert receipt.problem.remedy
    assert getattr(receipt.problem, "after", None) == after
    assert list(send(world).delivered.values()) == ["written"]


def test_member_minus_one_means_that_the_login_has_ended(world: TrainerRoadWorld) -> None:
    world.order("expire")
    receipt = send(world)
    expect_nothing_sent(world, receipt)
    assert isinstance(receipt.problem, LoginNeeded)
    assert receipt.problem.remedy == "Run: weighbridge login trainerroad --person anna"
    assert world.counts() == {f"GET {MEMBER}": 1}
    with pytest.raises(LoginNeeded):
        world.target().check()


def test_a_profile_without_its_weight_is_never_written(world: TrainerRoadWorld) -> None:
    world.order("drop", account=ANNA[0], field="weightKg")
    receipt = send(world)
    assert isinstance(receipt.problem, RetryLater)
    assert receipt.problem.after == HOURS
    assert "no field weightKg" in receipt.problem.message
    assert "weighbridge" in receipt.problem.remedy
    assert world.weights() == []
    assert "weightKg" not in world.profile()


WRITES = {
    "400": (http(400), "refused", None),
    "422": (http(422), "refused", None),
    "204 and taken": (http(204, after_work=True), "written", None),
    "204 and not taken": (http(204), RetryLater, HOURS),
    "200 and not taken": (http(200), RetryLater, HOURS),
    "401": (http(401), LoginNeeded, None),
    "302 to the sign-in": (http(302, headers=LOGIN_PAGE), LoginNeeded, None),
    "403": (http(403), RetryLater, PAUSE_SECONDS),
    "405": (http(405), RetryLater, HOURS),
    "429": (http(429), RetryLater, PAUSE_SECONDS),
    "503": (http(503), RetryLater, PAUSE_SECONDS),
    "500 and taken": (http(500, after_work=True), "written", None),
    "500 and not taken": (http(500), RetryLater, None),
    "dropped and taken": ({"kind": "drop", "after_work": True}, "written", None),
    "dropped and not taken": ({"kind": "drop"}, RetryLater, None),
    "HTML and taken": ({"kind": "garbage", "after_work": True}, "written", None),
    "HTML and not taken": ({"kind": "garbage"}, RetryLater, HOURS),
}
"""What happens to the PUT: the fault, what the receipt says, and for how long it is left alone."""


@pytest.mark.parametrize("trouble", WRITES)
def test_a_write_that_meets_trouble_is_read_back(world: TrainerRoadWorld, trouble: str) -> None:
    fault, outcome, after = WRITES[trouble]
    world.fault(path=PROFILE, method="PUT", **fault)
    receipt = send(world)
    expect_no_secret(world, receipt)
    if outcome == "written":
        assert receipt == Receipt(delivered={READING: "written"})
    elif outcome == "refused":
        assert list(receipt.refused) == [READING]
        assert receipt.problem is None
    else:
        assert receipt == Receipt(problem=receipt.problem)
        assert type(receipt.problem) is outcome
        assert getattr(receipt.problem, "after", None) == after
        assert receipt.problem.remedy
    assert list(send(world).delivered) == [READING]
    assert world.profile()["weightKg"] == 68.3
    assert world.profile()["ftp"] == 231


@pytest.mark.parametrize("kg", ["68.3", "70.1", "69.9", "70.2"])
def test_a_write_that_is_ignored_silently_is_reported(world: TrainerRoadWorld, kg: str) -> None:
    world.order("ignore_writes", on=True)
    receipt = send(world, kg)
    assert not receipt.delivered
    assert isinstance(receipt.problem, RetryLater)
    assert receipt.problem.after == HOURS
    assert "does not keep it" in receipt.problem.message
    assert "70" not in str(receipt.problem), "no body weight in messages"


def test_a_weight_kept_in_another_unit_is_noticed(world: TrainerRoadWorld) -> None:
    world.order("meanwhile", account=ANNA[0], after="write", changes={"weightKg": 150.6})
    receipt = send(world)
    assert not receipt.delivered
    assert isinstance(receipt.problem, RetryLater)


READ_BACKS = {
    "401": http(401),
    "500": http(500),
    "429": http(429),
    "HTML": {"kind": "garbage"},
    "dropped": {"kind": "drop"},
}


@pytest.mark.parametrize("trouble", READ_BACKS)
def test_a_write_that_cannot_be_read_back_is_unknown(world: TrainerRoadWorld, trouble: str) -> None:
    world.fault(path=PROFILE, method="GET", nth=2, **READ_BACKS[trouble])
    receipt = send(world)
    assert receipt.unknown == {READING}
    assert not receipt.delivered
    assert type(receipt.problem) is OutcomeUnknown
    assert receipt.problem.remedy
    assert world.profile()["weightKg"] == 68.3
    assert list(send(world).delivered.values()) == ["unchanged"]
    assert world.weights() == [68.3]


def test_a_write_and_its_reading_back_can_both_be_lost(world: TrainerRoadWorld) -> None:
    world.fault("drop", PROFILE, method="PUT")
    world.fault("drop", PROFILE, method="GET", nth=2)
    receipt = send(world)
    assert receipt.unknown == {READING}
    assert isinstance(receipt.problem, OutcomeUnknown)


def test_what_was_written_before_the_trouble_is_not_forgotten(world: TrainerRoadWorld) -> None:
    world.fault("http", PROFILE, method="PUT", nth=2, status=429)
    first, second, third = (
        weigh_in(kg, taken_at=at) for kg, at in (("68.1", 1), ("68.2", 2), ("68.3", 3))
    )
    receipt = world.send(owe(third), owe(first), owe(second))
    assert list(receipt.delivered) == [first.reading_id]
    assert isinstance(receipt.problem, RetryLater)
    assert world.profile()["weightKg"] == 68.1


def test_an_ftp_that_changed_is_reported_after_a_lost_answer_too(world: TrainerRoadWorld) -> None:
    world.order("meanwhile", account=ANNA[0], after="write", changes={"ftp": None})
    world.fault("drop", PROFILE, method="PUT", after_work=True)
    receipt = send(world)
    assert list(receipt.delivered.values()) == ["written"]
    assert type(receipt.problem) is Problem


def test_nobody_answers_at_all(world: TrainerRoadWorld) -> None:
    world.sandbox.close()
    receipt = send(world)
    assert isinstance(receipt.problem, RetryLater)
    assert not receipt.unknown


def test_a_redirect_is_not_followed_with_the_cookie(world: TrainerRoadWorld) -> None:
    world.fault("http", MEMBER, status=307, headers={"Location": f"{world.sandbox.url}/stolen"})
    send(world)
    assert [request.path for request in world.cloud.heard] == []
    assert world.counts() == {f"GET {MEMBER}": 1}


@pytest.mark.parametrize(("method", "decision"), [("GET", RetryLater), ("PUT", OutcomeUnknown)])
def test_a_call_has_a_time_limit_as_a_whole(
    world: TrainerRoadWorld, method: str, decision: type[Problem]
) -> None:
    world.fault("hold", PROFILE)
    with http_client(world.sandbox.url) as client:
        wire = Wire(HttpCalls(client, "TrainerRoad", world.sandbox.url, limit=0.05))
        with pytest.raises(decision) as caught:
            wire.call(method, PROFILE, page="/", content=b"{}")
        world.sandbox.faults.release()
    assert type(caught.value) is decision


def test_a_write_that_never_left_may_be_sent_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with http_client(url) as client, pytest.raises(RetryLater):
            Wire(HttpCalls(client, "TrainerRoad", url)).call(
                "PUT", PROFILE, page="/", content=b"{}"
            )


def test_nothing_secret_is_logged(
    world: TrainerRoadWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.order("renew_cookie")
    before = world.cookie()
    send(world)
    world.fault("cut_off", MEMBER)
    send(world)
    # The library under the HTTP client tells everything at DEBUG; our command never lets it.
    told = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("httpcore")
    )
    for secret in (before, world.cookie(), ANNA[1]):
        assert secret not in told
