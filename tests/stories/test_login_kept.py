"""The Withings login cannot be lost, whatever becomes of its renewal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures import fork_server
from fixtures.house import TIME_LIMIT, House, Result, days_ago, text_of, weight
from fixtures.paths import FIXTURES
from fixtures.story import Scene
from weighbridge.core import network
from weighbridge.sources.withings import wire

pytestmark = pytest.mark.story

TOKEN = "/v2/oauth2"
CSV = 'format = "csv"\npath = "{}.csv"\nsince = 2000-01-01'
FIRST, SECOND = "71.500", "72.500"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Anna and Ben are up to date. A fresh reading of Anna waits in the cloud, and her access
    token has died."""
    home = tmp_path_factory.mktemp("login-kept") / "home"
    home.mkdir(mode=0o700)
    house = House(home)
    house.person("anna", [weight(1, days_ago(5), FIRST)])
    house.person("ben", [weight(3, days_ago(1), "88.000")])
    house.target("anna", "file", CSV.format("anna"))
    house.target("ben", "file", CSV.format("ben"))
    house.move_in()
    house.sync()
    house.admin.add_groups("anna", [weight(2, days_ago(1), SECOND)])
    house.admin.expire_tokens("anna")
    yield Scene(house, home.with_name("kept"))
    house.close()


@pytest.fixture
def anna(scene: Scene) -> House:
    """The house of that scene. Withings refuses the same renewal twice within ten seconds; they
    have passed since the story before."""
    house = scene.return_to()
    house.admin.advance_clock(15)
    return house


def login(house: House, person: str = "anna") -> Any:
    """The tokens as they are stored, byte by byte, with everything that is known of them."""
    return house.database(
        "SELECT * FROM credential WHERE service = 'withings' AND person = ?", person
    )


def weights(house: House, person: str = "anna") -> list[str]:
    """What stands in the file of a person."""
    return [line.split(",")[6] for line in house.file_lines(f"{person}.csv")[1:]]


def renewals(house: House) -> int:
    """How often the token endpoint was asked."""
    return len(house.requests(path=TOKEN))


def expect_recovery(house: House) -> None:
    """The next run, a little later, puts everything right by itself."""
    house.admin.clear_faults()
    house.admin.advance_clock(15)
    house.sync("--person", "anna")
    assert weights(house) == [FIRST, SECOND]


PASSING = {
    "status 503 with another text": {"kind": "status", "status": 503, "error": "Unavailable"},
    "status 522": {"kind": "status", "status": 522, "error": "Timeout"},
    "a status that nobody knows": {"kind": "status", "status": 4711},
    "601 for ten minutes": {"kind": "status", "status": 601, "wait_seconds": 600},
    "HTTP 500": {"kind": "http", "status": 500},
    "HTTP 503": {"kind": "http", "status": 503, "body": "<h1>Back soon</h1>"},
    "HTTP 429": {"kind": "http", "status": 429, "headers": {"Retry-After": "600"}},
    "HTML": {"kind": "garbage"},
    "nothing": {"kind": "empty"},
    "a broken connection": {"kind": "drop"},
    "an answer that was lost": {"kind": "drop", "after_work": True},
    "half an answer": {"kind": "truncated"},
    "an answer that was cut off": {"kind": "cut_off"},
    "an answer without a body": {"kind": "no_body"},
    "a list for a body": {"kind": "empty_list"},
}


@pytest.mark.parametrize("answer", PASSING)
def test_a_renewal_that_fails_in_passing_leaves_the_login_as_it_is(
    anna: House, answer: str
) -> None:
    before = login(anna)
    anna.admin.fault(path=TOKEN, **PASSING[answer])

    result = anna.sync("--person", "anna", "--json", expect=4)

    assert login(anna) == before
    assert renewals(anna) == 1
    assert result.json[0]["problem"]["remedy"]
    anna.database("UPDATE service_pause SET until = 0")  # ten minutes later
    expect_recovery(anna)


def test_trouble_shows_in_the_status_until_it_is_over(anna: House) -> None:
    anna.admin.fault("http", path=TOKEN, status=500)
    anna.sync(expect=4)
    assert "HTTP 500" in anna.run("status", expect=4).out
    expect_recovery(anna)
    assert "HTTP 500" not in anna.run("status", expect=0).out


def test_a_long_pause_is_told_and_kept_by_everybody(anna: House) -> None:
    anna.admin.fault("status", path=TOKEN, status=601, wait_seconds=600)

    first = anna.sync("--person", "anna", expect=4)
    anna.admin.clear_requests()
    second = anna.sync(expect=4)

    assert "asked us to wait, for 600 more seconds" in first.err
    assert second.err.count("asked us to wait, for ") == 2
    assert anna.admin.counts() == {}


def sync_impatiently(house: House, seconds: str) -> tuple[Result, float]:
    """``weighbridge sync`` with another number of seconds somewhere, and how long it took."""
    impatient = FIXTURES / "shorter_waits.py"
    command = [sys.executable, str(impatient), seconds, "sync"]
    began = time.monotonic()
    end = fork_server.run(command, house.environment(), timeout=TIME_LIMIT)
    took = time.monotonic() - began
    return Result(end.returncode, text_of(end.stdout), text_of(end.stderr)), took


def test_a_short_pause_is_waited_for(anna: House) -> None:
    anna.admin.fault("status", path=TOKEN, status=601, wait_seconds=2)
    assert wire.SHORTEST_WAIT == 10

    result, took = sync_impatiently(anna, "sources.withings.wire.SHORTEST_WAIT=2")

    assert result.code == 0, result
    assert took > 1.9
    assert renewals(anna) == 2
    assert weights(anna) == [FIRST, SECOND]


def test_a_renewal_without_an_answer_ends_at_the_time_limit(anna: House) -> None:
    before = login(anna)
    anna.admin.fault("delay", path=TOKEN, seconds=3600)
    assert network.TIME_LIMIT == 30

    result, took = sync_impatiently(anna, "core.network.TIME_LIMIT=3")

    assert result.code == 4, result
    assert took > 2.9
    assert "did not answer within 3 seconds" in result.err
    assert login(anna) == before
    expect_recovery(anna)


def test_killed_before_storing_a_renewal_the_older_token_still_works(anna: House) -> None:
    before = login(anna)
    anna.kill_during("sync", path=TOKEN, after_work=True)
    assert login(anna) == before
    expect_recovery(anna)
    assert login(anna) != before


@pytest.mark.parametrize("known", ["to the cloud", "to us"])
def test_ten_processes_at_once_renew_once(anna: House, known: str) -> None:
    if known == "to us":
        anna.database(
            "UPDATE credential SET secret = json_set(secret, '$.expires_at', 1) WHERE person = ?",
            "anna",
        )
    ends = anna.run_at_once(10, "sync", "--person", "anna")

    assert [end.code for end in ends] == [0] * 10, ends
    assert renewals(anna) == 1
    assert weights(anna) == [FIRST, SECOND]


def test_a_token_that_is_refused_once_is_renewed_once(anna: House) -> None:
    anna.sync()
    anna.admin.advance_clock(15)
    anna.admin.clear_requests()
    anna.admin.fault("unauthorized", path="/measure")
    anna.sync("--person", "anna")
    assert anna.admin.counts() == {"POST /measure getmeas": 2, "POST /v2/oauth2 requesttoken": 1}


@pytest.mark.parametrize("end", ["revoked", "too old"])
def test_a_dead_login_is_told_once_and_a_new_one_repairs_all(anna: House, end: str) -> None:
    if end == "revoked":
        anna.admin.revoke_tokens("anna")
    else:
        anna.admin.expire_tokens("anna", refresh=True)
    remedy = "Run: weighbridge login withings --person anna"

    first = anna.sync("--person", "anna", expect=3)
    assert first.err.count(remedy) == 1
    status = anna.run("status", expect=3)
    assert status.out.count(remedy) == 1

    anna.admin.clear_requests()
    later = anna.sync("--person", "anna", expect=3)
    assert later.err.count(remedy) == 1
    assert anna.admin.counts() == {}

    anna.log_in("anna")
    anna.sync()
    assert weights(anna) == [FIRST, SECOND]
    assert anna.run("status", expect=0).out.count("log in") == 0


def test_a_dead_login_stops_neither_others_nor_what_is_already_known(anna: House) -> None:
    path = anna.home / "weighbridge.toml"
    anna_copies = path.read_text("utf-8").replace(
        '[[person]]\nname = "ben"',
        '[[person.target]]\nname = "copy"\nkind = "file"\n'
        + CSV.format("copy")
        + '\n\n[[person]]\nname = "ben"',
    )
    path.write_text(anna_copies, "utf-8")
    anna.admin.add_groups("ben", [weight(4, days_ago(0.5), "88.200")])
    anna.admin.revoke_tokens("anna")

    anna.sync(expect=3)

    assert weights(anna, "ben") == ["88.000", "88.200"]
    assert weights(anna, "copy") == [FIRST]


def test_an_application_that_is_refused_is_a_matter_of_configuration(anna: House) -> None:
    before = login(anna)
    path = anna.home / "weighbridge.toml"
    right = path.read_text("utf-8")
    path.write_text(right.replace("sandbox-secret", "another-secret"), "utf-8")

    result = anna.sync(expect=2)

    assert "Check client id, client secret" in result.err
    assert "another-secret" not in result.err
    assert login(anna) == before
    path.write_text(right, "utf-8")
    expect_recovery(anna)
