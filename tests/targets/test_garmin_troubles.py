"""What goes wrong on the way to Garmin: nothing lost, nothing doubled. The real library."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.garmin import PRESSURE, PROFILE, TOKENS, UPLOAD, WEIGHTS, GarminWorld, garmin_world
from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.targets.garmin import garmin_adapter
from weighbridge.targets.garmin.garmin_options import Endpoint
from weighbridge.targets.garmin.garmin_tokens import GarminTokens
from weighbridge.testing.builders import NOON, blood_pressure, owe, weigh_in

ONE = owe(weigh_in("65.750"))
TWO = owe(weigh_in("66.000", taken_at=NOON + 60))
PRESSURES = [owe(blood_pressure(taken_at=NOON + 60 * n)) for n in range(4)]


@pytest.fixture
def world() -> Iterator[GarminWorld]:
    with garmin_world() as world:
        yield world


def sees(world: GarminWorld, *owed: Any) -> list[bool]:
    seen = world.target().find_existing(owed)
    return [one.reading_id in seen and seen[one.reading_id].same for one in owed]


# answers to an upload (each status: test_garmin_answers.py)


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (400, Refused),
        (402, RetryLater),
        (403, RetryLater),
        (406, Refused),
        (412, Refused),
        (413, Refused),
        (415, Refused),
        (429, RetryLater),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, RetryLater),
        (504, OutcomeUnknown),
    ],
)
def test_a_status_on_upload_is_a_decision(
    world: GarminWorld, status: int, problem: type[Problem]
) -> None:
    world.fault("http", UPLOAD, status=status, body={"message": "no"})
    with pytest.raises(problem):
        world.send(ONE, TWO)
    assert world.counts()[f"POST {UPLOAD}"] == 1
    assert sees(world, ONE) == [False]


def test_a_pause_that_garmin_asks_for_is_kept(world: GarminWorld) -> None:
    world.fault("http", UPLOAD, status=429, headers={"Retry-After": "77"})
    with pytest.raises(RetryLater) as caught:
        world.send(ONE)
    assert caught.value.after == 77


def test_the_same_file_again_is_there_already(world: GarminWorld) -> None:
    world.send(ONE)
    assert set(world.send(ONE).delivered) == {ONE.reading_id}
    assert len(world.weigh_ins()) == 1


@pytest.mark.parametrize("status", [200, 201, 202])
def test_every_good_status_is_good(world: GarminWorld, status: int) -> None:
    world.cloud.admin("upload_answer", {"status": status})
    assert set(world.send(ONE).delivered) == {ONE.reading_id}


def test_a_failure_inside_a_good_status_is_seen(world: GarminWorld) -> None:
    world.cloud.admin("upload_answer", {"status": 201, "failure": "the scale is unknown"})
    with pytest.raises(Refused, match="the scale is unknown"):
        world.send(ONE, TWO)
    assert world.weigh_ins() == []


def test_a_single_row_that_is_refused_is_named_and_the_rest_goes_on(world: GarminWorld) -> None:
    world.cloud.admin("poison", {"timestamps": [NOON], "status": 415})
    receipt = world.send(ONE, PRESSURES[0])
    assert "poisoned" in str(receipt.refused[ONE.reading_id])
    assert set(receipt.delivered) == {PRESSURES[0].reading_id}


def test_a_file_that_is_refused_leaves_the_blood_pressures_for_the_next_try(
    world: GarminWorld,
) -> None:
    """It will be split and sent again; a blood pressure written now would be there twice."""
    world.cloud.admin("poison", {"timestamps": [NOON], "status": 415})
    with pytest.raises(Refused):
        world.send(ONE, TWO, PRESSURES[0])
    assert world.pressures() == []


@pytest.mark.parametrize("kind", ["empty", "garbage", "truncated", "cut_off", "drop"])
def test_an_answer_that_says_nothing_is_looked_after(world: GarminWorld, kind: str) -> None:
    world.fault(kind, UPLOAD, after_work=True)
    with pytest.raises(OutcomeUnknown):
        world.send(ONE, TWO)
    assert sees(world, ONE, TWO) == [True, True]
    assert len(world.weigh_ins()) == 2


def test_a_connection_lost_before_the_work_leaves_the_same_doubt(world: GarminWorld) -> None:
    world.fault("drop", UPLOAD)
    with pytest.raises(OutcomeUnknown):
        world.send(ONE)
    assert sees(world, ONE) == [False]


def test_nobody_follows_a_redirect_with_a_body_reading(world: GarminWorld) -> None:
    world.fault("http", UPLOAD, status=302, headers={"Location": f"{world.sandbox.url}/portal/"})
    with pytest.raises(RetryLater):
        world.send(ONE)
    assert set(world.counts()) == {f"GET {PROFILE}", f"POST {UPLOAD}"}


# never left


def closed_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def upload_to(address: str) -> None:
    connection = garmin_adapter.GarminConnection(Endpoint(url=address))
    connection.use(GarminTokens("token", "refresh", "client"))
    connection.call("POST", UPLOAD, files={"file": ("weight.fit", b"rows")})


def test_a_closed_door_leaves_no_doubt() -> None:
    with pytest.raises(RetryLater):
        upload_to(closed_port())


def test_a_name_that_nobody_knows_leaves_no_doubt() -> None:
    with pytest.raises(RetryLater):
        upload_to("https://no-such-host.invalid")


def test_a_proxy_that_is_away_means_that_nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", closed_port())
    with pytest.raises(RetryLater):
        upload_to("https://garmin.example")


def test_a_token_that_is_no_header_never_leaves(world: GarminWorld) -> None:
    connection = garmin_adapter.GarminConnection(Endpoint(url=world.sandbox.url))
    connection.use(GarminTokens("two\nlines", "refresh", "client"))
    with pytest.raises(RetryLater):
        connection.call("POST", UPLOAD, json={})


def test_an_answer_that_drips_ends_with_the_time_limit(
    world: GarminWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = world.target()
    target.check()
    monkeypatch.setattr(garmin_adapter, "TIME_LIMIT", 0.2)
    world.fault("hold", UPLOAD)
    with pytest.raises(OutcomeUnknown, match="TimeoutError"):
        target.send(target.render([ONE]))
    world.sandbox.faults.release()


# blood pressure, one by one


@pytest.mark.parametrize("after_work", [True, False])
def test_a_connection_lost_at_the_third_entry_leaves_doubt_about_that_one(
    world: GarminWorld, after_work: bool
) -> None:
    world.fault("drop", PRESSURE, nth=3, after_work=after_work)
    receipt = world.send(*PRESSURES)
    assert set(receipt.delivered) == {one.reading_id for one in PRESSURES[:2]}
    assert receipt.unknown == {PRESSURES[2].reading_id}
    assert isinstance(receipt.problem, RetryLater)
    assert len(world.pressures()) == 2 + after_work
    assert sees(world, *PRESSURES) == [True, True, after_work, False]


def test_a_connection_lost_at_the_last_entry_leaves_nothing_over(world: GarminWorld) -> None:
    world.fault("drop", PRESSURE, nth=4)
    receipt = world.send(*PRESSURES)
    assert receipt.unknown == {PRESSURES[3].reading_id}
    assert isinstance(receipt.problem, OutcomeUnknown)


def test_one_entry_that_is_refused_holds_up_no_other(world: GarminWorld) -> None:
    world.fault("http", PRESSURE, nth=2, status=400, body={"message": "too wild"})
    receipt = world.send(*PRESSURES)
    assert "too wild" in str(receipt.refused[PRESSURES[1].reading_id])
    assert len(receipt.delivered) == 3
    assert receipt.problem is None


@pytest.mark.parametrize(
    ("status", "problem"), [(429, RetryLater), (503, RetryLater), (403, RetryLater)]
)
def test_trouble_at_an_entry_keeps_what_was_delivered(
    world: GarminWorld, status: int, problem: type[Problem]
) -> None:
    world.fault("http", PRESSURE, nth=2, status=status)
    receipt = world.send(ONE, *PRESSURES)
    assert set(receipt.delivered) == {ONE.reading_id, PRESSURES[0].reading_id}
    assert isinstance(receipt.problem, problem)
    assert not receipt.unknown
    assert len(world.pressures()) == 1


def test_a_lost_file_leaves_the_blood_pressures_for_later(world: GarminWorld) -> None:
    world.fault("drop", UPLOAD, after_work=True)
    receipt = world.send(ONE, *PRESSURES)
    assert receipt.unknown == {ONE.reading_id}
    assert isinstance(receipt.problem, RetryLater)
    assert world.pressures() == []


@pytest.mark.parametrize("kind", ["empty", "garbage", "truncated"])
def test_an_entry_with_an_answer_that_says_nothing_is_looked_after(
    world: GarminWorld, kind: str
) -> None:
    world.fault(kind, PRESSURE, after_work=True)
    with pytest.raises(OutcomeUnknown):
        world.send(PRESSURES[0])
    assert sees(world, PRESSURES[0]) == [True]


# reading back


@pytest.mark.parametrize("kind", ["empty", "garbage", "truncated", "cut_off", "drop"])
@pytest.mark.parametrize(
    ("path", "owed"), [(WEIGHTS, ONE), ("/bloodpressure-service/*", PRESSURES[0])]
)
def test_a_read_that_fails_never_looks_like_an_empty_account(
    world: GarminWorld, kind: str, path: str, owed: Any
) -> None:
    world.send(owed)
    world.fault(kind, path)
    with pytest.raises(RetryLater):
        world.target().find_existing([owed])


@pytest.mark.parametrize("status", [302, 400, 403, 404, 429, 500, 502, 503, 504])
def test_a_read_that_is_turned_away_is_tried_later_and_once_only(
    world: GarminWorld, status: int
) -> None:
    world.fault("http", WEIGHTS, status=status, times=-1)
    with pytest.raises(RetryLater):
        world.target().find_existing([ONE])
    assert sum(world.counts().values()) == 2


# the login on the way


def test_a_refused_token_is_renewed_once_and_the_whole_file_sent_again(world: GarminWorld) -> None:
    before = world.tokens()
    world.fault("unauthorized", UPLOAD)
    assert set(world.send(ONE, TWO).delivered) == {ONE.reading_id, TWO.reading_id}
    assert len(world.weigh_ins()) == 2
    assert world.tokens()["di_refresh_token"] != before["di_refresh_token"]
    assert world.counts()[f"POST {TOKENS}"] == 1


def test_a_token_that_ended_in_between_costs_one_refresh(world: GarminWorld) -> None:
    target = world.target()
    target.check()
    world.cloud.tokens.expire()
    assert target.find_existing([ONE]) == {}
    assert world.counts()[f"POST {TOKENS}"] == 1
    assert target.check()


def test_an_old_token_is_renewed_before_it_is_used(world: GarminWorld) -> None:
    world.clock.offset += 20 * 3600 - 600
    before = world.tokens()
    world.send(ONE)
    calls = [(entry.method, entry.path) for entry in world.sandbox.requests.entries()]
    assert calls == [("POST", TOKENS), ("GET", PROFILE), ("POST", UPLOAD)]
    assert world.tokens()["di_refresh_token"] != before["di_refresh_token"]
    assert world.session.account() == "81000001"


def test_the_chain_lives_for_months(world: GarminWorld) -> None:
    for week in range(12):
        world.clock.offset += 7 * 86_400
        world.send(owe(weigh_in("70", taken_at=NOON + week)))
    assert len(world.weigh_ins()) == 12


def test_a_token_that_stays_refused_needs_a_person(world: GarminWorld) -> None:
    world.fault("unauthorized", UPLOAD, times=-1)
    with pytest.raises(LoginNeeded, match="Run: weighbridge login garmin --person anna"):
        world.send(ONE)
    assert world.counts()[f"POST {TOKENS}"] == 1
    assert world.counts()[f"POST {UPLOAD}"] == 2


def test_rotated_tokens_are_kept_even_when_the_call_fails_afterwards(world: GarminWorld) -> None:
    world.fault("unauthorized", UPLOAD)
    world.fault("http", UPLOAD, nth=2, status=503)
    with pytest.raises(RetryLater):
        world.send(ONE)
    world.clock.offset += 86_400
    assert set(world.send(ONE).delivered) == {ONE.reading_id}


def test_a_dead_refresh_token_needs_a_person_and_nothing_else_is_tried(world: GarminWorld) -> None:
    world.cloud.tokens.revoke()
    world.clock.offset += 86_400
    before = world.tokens()
    with pytest.raises(LoginNeeded, match="Run: weighbridge login garmin --person anna"):
        world.send(ONE)
    assert world.counts() == {f"POST {TOKENS}": 1}
    assert world.tokens() == before


@pytest.mark.parametrize(
    ("kind", "status"), [("http", 503), ("http", 429), ("drop", 0), ("garbage", 0), ("empty", 0)]
)
def test_trouble_at_the_refresh_costs_nothing(world: GarminWorld, kind: str, status: int) -> None:
    world.clock.offset += 86_400
    before = world.tokens()
    world.fault(kind, TOKENS, status=status or 500)
    with pytest.raises(RetryLater):
        world.send(ONE)
    assert world.tokens() == before
    assert world.counts() == {f"POST {TOKENS}": 1}
    assert set(world.send(ONE).delivered) == {ONE.reading_id}


def test_a_refresh_that_fails_in_the_middle_of_an_upload_ends_it(world: GarminWorld) -> None:
    world.fault("unauthorized", UPLOAD)
    world.fault("http", TOKENS, status=503)
    with pytest.raises(RetryLater):
        world.send(ONE)
    assert world.counts()[f"POST {UPLOAD}"] == 1


def test_five_at_once_renew_once(world: GarminWorld) -> None:
    world.clock.offset += 86_400
    targets = [world.target() for _ in range(5)]
    threads = [threading.Thread(target=target.check) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.counts()[f"POST {TOKENS}"] == 1
    assert world.counts()[f"GET {PROFILE}"] == 5


def test_an_unattended_run_never_signs_in(world: GarminWorld) -> None:
    world.cloud.tokens.expire()
    world.cloud.tokens.revoke()
    with pytest.raises(LoginNeeded):
        world.send(ONE)
    assert not [call for call in world.counts() if "/sso" in call or "/mobile" in call]


def test_a_netrc_of_the_person_changes_nothing(
    world: GarminWorld, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert world.target().check()


def test_nothing_secret_is_logged(world: GarminWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.fault("unauthorized", UPLOAD)
    world.fault("http", PRESSURE, status=500)
    secrets = [*list(world.tokens().values())[:2]]
    world.send(ONE, *PRESSURES)
    world.clock.offset += 86_400
    world.cloud.tokens.revoke()
    with pytest.raises(LoginNeeded) as caught:
        world.send(ONE)
    secrets += list(world.tokens().values())[:2]
    assert not [secret for secret in secrets if secret in caplog.text + str(caught.value)]
