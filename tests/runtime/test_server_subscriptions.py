"""Subscriptions look after themselves, against the sandbox and a callback that answers HEAD."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.subscriptions import Home, Street
from weighbridge.cli.subscriptions_shown import probe
from weighbridge.config import Person
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater, StateProblem
from weighbridge.core.reason import plain
from weighbridge.runtime import subscription_job
from weighbridge.runtime.subscription_job import (
    DAY,
    FRESH,
    LONGEST_PAUSE,
    PAUSES,
    callback_of,
    due_at,
    keep_in_order,
    pause_after,
    warn_about_url,
)
from weighbridge.runtime.subscription_reconcile import (
    BEFORE_REVOKE,
    BEFORE_SUBSCRIBE,
    SubscriptionReport,
    find_subscriptions,
    types_taken,
)
from weighbridge.runtime.threads import ShutdownRequested
from weighbridge.sources.withings.wire import CallbackRefused, NotForUs, NotUnderstood
from weighbridge.sources.withings.withings_subscriptions import wanted_applis
from weighbridge.storage.leases import name_of
from weighbridge.storage.subscription_store import (
    SubscriptionState,
    accepted_secrets,
    look_soon,
    our_callbacks,
    rotate,
)
from weighbridge.sync.services import Services

USUAL = [1, 2, 4, 44, 46]
BETWEEN_PASSES = 30.0
THEIRS = "https://home.example.net/api/webhook/theirs"


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    made = Street(tmp_path_factory.mktemp("street"))
    yield made
    made.close()


@pytest.fixture
def home(street: Street, tmp_path: Path) -> Home:
    return street.move_into(tmp_path / "home")


def state_of(home: Home, person: str = "anna") -> SubscriptionState:
    from weighbridge.storage.subscription_store import SubscriptionStore

    with home.services() as services:
        archive = services.archive(person)
        assert archive is not None
        state = SubscriptionStore(services.database, archive.account).state()
        assert state is not None
        return state


def due(home: Home, *, started_at: float | None = None, person: str = "anna") -> float:
    """Seconds until the next look."""
    with home.services() as services:
        archive = services.archive(person)
        assert archive is not None
        database, callback = services.database, callback_of(services)
        at = due_at(database, archive.account, home.now, callback=callback, started_at=started_at)
        return round(at - home.now, 3)


def make_another_secret(home: Home) -> None:
    with home.services() as services:
        rotate(services.database, services.clock())


def test_what_is_missing_is_subscribed_with_the_pauses_that_withings_needs(home: Home) -> None:
    assert due(home) == 0
    care = home.look_after()
    assert care.problem is None
    assert care.subscribed == USUAL
    assert home.at_withings() == [(appli, home.callback()) for appli in USUAL]
    assert home.naps == [BEFORE_SUBSCRIBE] * 4
    assert home.street.listener.heads == len(USUAL)
    assert home.told[0] == "anna: weight and body composition (1 of 5)"
    assert due(home) == DAY


def test_a_second_look_asks_once_and_changes_nothing(home: Home) -> None:
    home.look_after()
    home.street.house.admin.clear_requests()
    home.naps.clear()
    care = home.look_after()
    assert (care.subscribed, care.revoked, home.naps) == ([], [], [])
    assert home.street.house.admin.counts() == {"POST /notify list": 1}


def test_what_withings_has_cancelled_is_subscribed_again(home: Home) -> None:
    home.look_after()
    subscriptions = home.street.house.withings.subscriptions
    subscriptions.revoke(home.userid(), {"callbackurl": home.callback(), "appli": "4"})
    assert home.look_after().subscribed == [4]


def test_what_others_subscribed_is_left_alone(home: Home) -> None:
    home.somebody_else_subscribes(THEIRS)
    home.somebody_else_subscribes(home.callback() + "?other", 4)
    home.look_after()
    make_another_secret(home)
    home.look_after()
    assert (1, THEIRS) in home.at_withings()
    assert len(home.at_withings()) == len(USUAL) + 2


def test_targets_that_take_more_are_told_of_more(home: Home) -> None:
    with home.services() as services:
        anna = services.settings.directory.person("anna")
        assert 1 in types_taken(services, anna)
        assert 130 not in types_taken(services, anna)
    path = home.path / "weighbridge.toml"
    path.write_text(path.read_text("utf-8").replace("anna.fit", "anna.json"), "utf-8")
    assert home.look_after().subscribed == [1, 2, 4, 44, 46, 54, 63]


# --- Another secret, another address ------------------------------------------------------------


def test_a_new_secret_is_subscribed_before_the_old_one_ends(home: Home) -> None:
    home.look_after()
    old = home.callback()
    make_another_secret(home)
    assert due(home) == 0
    admin = home.street.house.admin
    admin.clear_requests()
    care = home.look_after()
    new = home.callback()
    assert new != old
    assert home.at_withings() == [(appli, new) for appli in USUAL]
    assert care.revoked == USUAL
    assert home.naps[-5:] == [BEFORE_REVOKE] * 5
    calls = [entry["action"] for entry in admin.requests(path="/notify")]
    assert calls == ["list", *["subscribe"] * 5, *["revoke"] * 5]


def test_the_old_secret_is_accepted_until_everybody_was_moved(home: Home) -> None:
    for person in ("anna", "ben"):
        home.look_after(person)
    make_another_secret(home)
    home.look_after("anna")
    with home.services() as services:
        assert len(accepted_secrets(services.database)) == 2
    home.look_after("ben")
    with home.services() as services:
        (secret,) = accepted_secrets(services.database)
    assert home.callback().endswith(f"/{secret}")


def test_who_cannot_be_moved_does_not_keep_an_old_secret_alive(home: Home) -> None:
    for person in ("anna", "ben"):
        home.look_after(person)
    make_another_secret(home)
    with home.services() as services:
        services.tokens("ben").mark_login_needed(plain("Ben took the access away."))
    home.look_after("anna")
    with home.services() as services:
        assert len(accepted_secrets(services.database)) == 1


def test_another_public_address_takes_everything_along(home: Home) -> None:
    home.look_after()
    home.look_after(extra=[58])
    home.configure(home.street.public.replace("127.0.0.1", "localhost"))
    assert due(home) == 0
    care = home.look_after()
    assert care.subscribed == sorted([*USUAL, 58])
    assert {callback for _, callback in home.at_withings()} == {home.callback()}
    with home.services() as services:
        assert len(our_callbacks(services.database)) == 2


def test_while_the_new_address_is_refused_the_old_one_stays(home: Home) -> None:
    home.look_after()
    before = home.at_withings()
    make_another_secret(home)
    home.street.listener.head_status = 404
    care = home.look_after()
    assert isinstance(care.problem, CallbackRefused)
    assert home.at_withings() == before
    with home.services() as services:
        assert len(accepted_secrets(services.database)) == 2


# --- Trouble ------------------------------------------------------------------------------------


def test_a_refused_callback_is_tried_for_ever_and_patiently(home: Home) -> None:
    home.street.listener.head_status = 502
    began = home.now
    waits = []
    for _ in range(7):
        assert isinstance(home.look_after().problem, CallbackRefused)
        waits.append(due(home))
        home.now += waits[-1]
    assert waits == [*PAUSES, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert home.street.listener.heads == 7
    assert state_of(home).trouble_at == began
    home.street.listener.head_status = 200
    assert home.look_after().problem is None
    state = state_of(home)
    assert (state.trouble, state.trouble_at, state.steps) == (None, None, 0)


def test_a_restart_does_not_hammer(home: Home) -> None:
    home.street.listener.head_status = 502
    home.look_after()
    home.now += 10
    assert due(home, started_at=home.now) == PAUSES[0] - 10


def test_a_start_looks_again_but_not_every_minute(home: Home) -> None:
    home.look_after()
    home.now += 60
    assert due(home, started_at=home.now) == FRESH - 60
    home.now += FRESH
    assert due(home, started_at=home.now) < 0
    assert due(home, started_at=home.now - 2 * FRESH) == DAY - FRESH - 60


def test_a_clock_that_was_wrong_once_does_not_stop_it_for_ever(home: Home) -> None:
    home.now += 1000 * DAY
    home.street.listener.head_status = 502
    home.look_after()
    home.now -= 1000 * DAY
    assert due(home) <= 0, "and not two days from whenever we look"


def test_what_withings_does_not_offer_is_left_out_and_told_once(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    admin = home.street.house.admin
    admin.fault("status", action="subscribe", nth=4, status=2553)
    care = home.look_after()
    assert care.problem is None
    assert care.left_out == [44]
    assert [appli for appli, _ in home.at_withings()] == [1, 2, 4, 46]
    admin.clear_requests()
    assert home.look_after().left_out == []
    assert admin.counts() == {"POST /notify list": 1}
    assert [r.getMessage() for r in caplog.records].count("not_offered") == 1
    assert home.look_after(ask_again=True).subscribed == [44]


def test_when_nothing_at_all_is_for_us_it_is_trouble(home: Home) -> None:
    home.street.house.admin.fault("status", action="subscribe", times=-1, status=2553)
    care = home.look_after()
    assert isinstance(care.problem, NotForUs)
    assert care.left_out == []
    assert due(home) == DAY
    home.street.house.admin.clear_faults()
    assert home.look_after().subscribed == USUAL


def test_one_subject_that_is_not_understood_stops_no_other(home: Home) -> None:
    home.look_after()
    old = home.callback()
    make_another_secret(home)
    home.street.house.admin.fault("status", action="subscribe", nth=2, status=304)
    care = home.look_after()
    assert isinstance(care.problem, NotUnderstood)
    assert care.subscribed == [1, 4, 44, 46]
    assert (2, old) in home.at_withings()
    assert len(home.at_withings()) == len(USUAL)
    assert home.look_after().subscribed == [2]
    assert (2, old) not in home.at_withings()


def test_a_dead_login_is_no_trouble_of_the_subscriptions(home: Home) -> None:
    home.look_after()
    with home.services() as services:
        services.tokens("anna").mark_login_needed(plain("The access was taken away."))
    home.street.house.admin.clear_requests()
    care = home.look_after()
    assert isinstance(care.problem, LoginNeeded)
    assert home.street.house.admin.requests() == []
    assert state_of(home).trouble is None
    assert due(home) == LONGEST_PAUSE


def test_what_is_stopped_in_the_middle_goes_on_later(home: Home) -> None:
    class Stop(BaseException):
        pass

    def stop(seconds: float) -> None:
        raise Stop

    with pytest.raises(Stop):
        home.look_after(sleep=stop)
    assert [appli for appli, _ in home.at_withings()] == [1]
    assert due(home) <= 0
    assert home.look_after().subscribed == USUAL[1:]


def test_nothing_is_held_while_it_waits(home: Home) -> None:
    seen = []

    def look_around(seconds: float) -> None:
        with home.services() as other, other.database.transaction():
            look_soon(other.database)
            seen.append(other.database.one("lease_of", name=name_of("login", "anna", "withings")))

    assert home.look_after(sleep=look_around).problem is None
    assert seen == [None] * 4


@pytest.mark.parametrize("kind", ["drop", "garbage", "http", "empty", "no_body"])
def test_an_outage_is_waited_for(home: Home, kind: str) -> None:
    home.street.house.admin.fault(kind, path="/notify", times=-1)
    care = home.look_after()
    assert isinstance(care.problem, RetryLater)
    assert due(home) >= PAUSES[0]
    home.street.house.admin.clear_faults()
    assert home.look_after().subscribed == USUAL


def test_a_lost_answer_does_no_harm(home: Home) -> None:
    home.street.house.admin.fault("drop", action="subscribe", nth=2, after_work=True)
    assert isinstance(home.look_after().problem, RetryLater)
    assert home.look_after().problem is None
    assert [appli for appli, _ in home.at_withings()] == USUAL


@given(st.integers(0, 10_000), st.none() | st.floats(0, 1e6))
def test_no_pause_is_shorter_than_asked_for_or_endless(failures: int, after: float | None) -> None:
    pause = pause_after(RetryLater("no", after=after), failures)
    assert pause >= PAUSES[0]
    assert pause >= (after or 0)
    assert pause <= max(LONGEST_PAUSE, after or 0)


@pytest.mark.parametrize("problem", [None, ConfigProblem("no"), NotUnderstood("no")])
def test_what_time_does_not_heal_is_tried_daily(problem: Problem | None) -> None:
    assert pause_after(problem, 3) == DAY


# --- Without and with a public address ----------------------------------------------------------


def test_without_a_public_address_there_is_nothing_to_do(
    street: Street, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = street.move_into(tmp_path / "home", public=None)
    with home.services() as services, caplog.at_level(logging.INFO, "weighbridge"):
        assert callback_of(services) is None
        assert warn_about_url(services) is False
        assert accepted_secrets(services.database) == ()
    assert [record.getMessage() for record in caplog.records] == ["no_notifications"]


def test_an_address_that_breaks_rules_is_warned_about_and_tried(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    with home.services() as services:
        assert warn_about_url(services) is True
        secret = accepted_secrets(services.database)[0]
    assert {record.getMessage() for record in caplog.records} == {"public_address"}
    assert home.look_after().problem is None
    assert not any(secret in str(vars(record)) for record in caplog.records)


def test_somebody_who_never_logged_in_is_left_to_the_login(home: Home) -> None:
    path = home.path / "weighbridge.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("[server]", '[[person]]\nname = "carl"\n\n[server]'), "utf-8")
    care = home.look_after("carl")
    assert isinstance(care.problem, LoginNeeded)
    assert "--person carl" in str(care.problem)


def test_looking_changes_nothing(home: Home) -> None:
    home.somebody_else_subscribes(THEIRS)
    with home.services() as services:
        anna = services.settings.directory.person("anna")
        found = find_subscriptions(services, anna, callback_of(services))
    assert list(found.differences.missing) == list(wanted_applis(()))
    assert home.at_withings() == [(1, THEIRS)]


def test_the_probe_sees_what_withings_would_see(home: Home) -> None:
    listener = home.street.listener
    assert (probe(home.callback()).status, probe(home.callback()).is_wrong) == (200, False)
    listener.head_status = 405
    seen = probe(home.callback())
    assert (seen.status, seen.is_wrong) == (405, True)
    assert "405" in seen.said
    nobody = probe("http://127.0.0.1:9/withings/notify/hush")
    assert (nobody.status, nobody.is_wrong) == (None, False)
    assert "hush" not in nobody.said


# --- For as long as the server runs ---------------------------------------------------------------


def run_until_the_first_pause(home: Home) -> list[float]:
    """The seconds that the loop wanted to sleep between two passes."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        if seconds == BETWEEN_PASSES:
            pauses.append(seconds)
            raise ShutdownRequested

    with home.services(sleep) as services, contextlib.suppress(ShutdownRequested):
        keep_in_order(services, random=lambda: 0.0, started_at=home.now, pause=BETWEEN_PASSES)
    return pauses


def test_everybody_is_subscribed_and_then_left_alone(street: Street, home: Home) -> None:
    assert run_until_the_first_pause(home) == [BETWEEN_PASSES]
    assert home.at_withings("anna")
    assert home.at_withings("ben")
    before = len(street.house.admin.requests(path="/notify"))
    run_until_the_first_pause(home)
    assert len(street.house.admin.requests(path="/notify")) == before, "not due yet"


def test_a_problem_of_one_person_stops_no_other(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = subscription_job.look_after

    def fail_for_anna(
        services: Services, person: Person, callback: str, **more: Any
    ) -> SubscriptionReport:
        if person.name == "anna":
            raise StateProblem("The disk is full.")
        return real(services, person, callback, **more)

    monkeypatch.setattr(subscription_job, "look_after", fail_for_anna)
    run_until_the_first_pause(home)
    assert "subscriptions_failed" in caplog.text
    assert home.at_withings("anna") == []
    assert home.at_withings("ben")


def test_old_secrets_end_after_the_pass_that_moved_everybody(home: Home) -> None:
    run_until_the_first_pause(home)
    make_another_secret(home)
    run_until_the_first_pause(home)
    with home.services() as services:
        assert len(accepted_secrets(services.database)) == 1


def test_without_a_public_address_there_is_nothing_to_look_after(
    street: Street, tmp_path: Path
) -> None:
    assert run_until_the_first_pause(street.move_into(tmp_path / "home", public=None)) == []
