"""``weighbridge subscriptions``: listed without secrets, repaired, moved, removed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.cli import run_here
from fixtures.subscriptions import Home, Street
from weighbridge.cli import subscriptions
from weighbridge.core.reason import plain
from weighbridge.runtime import subscription_reconcile
from weighbridge.storage.subscription_store import accepted_secrets

THEIRS = "https://home.example.net/api/webhook/0123456789abcdef0123456789abcdef?key=hush"
USUAL = [1, 2, 4, 44, 46]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    made = Street(tmp_path_factory.mktemp("street"))
    yield made
    made.close()


@pytest.fixture
def home(street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(subscription_reconcile, "BEFORE_SUBSCRIBE", 0.0)
    monkeypatch.setattr(subscription_reconcile, "BEFORE_REVOKE", 0.0)
    return street.move_into(tmp_path / "home")


def secret_of(home: Home) -> str:
    return home.callback().rpartition("/")[2]


def test_add_subscribes_all_people_and_changes_nothing_the_second_time(home: Home) -> None:
    first = home.world.run("subscriptions", "add", expect=0)
    assert home.at_withings("anna") == [(appli, home.callback()) for appli in USUAL]
    assert home.at_withings("ben") == [(appli, home.callback()) for appli in USUAL]
    assert "anna: subscribed to weight and body composition, temperature," in first.out
    assert "Withings may refuse this address; it is tried all the same." in first.err
    second = home.world.run("subscriptions", "add", "--person", "anna", expect=0)
    assert second.out == "anna: nothing to do, everything is subscribed.\n"


def test_a_dry_run_changes_nothing(home: Home) -> None:
    result = home.world.run("subscriptions", "add", "--dry-run", "--person", "anna", expect=0)
    assert result.out.startswith("anna: would subscribe to weight and body composition, temp")
    assert home.at_withings() == []
    home.world.run("subscriptions", "add", "--person", "anna", expect=0)
    result = home.world.run("subscriptions", "remove", "--dry-run", "--appli", "2", expect=0)
    assert result.out == "anna: would end temperature.\nben: would end nothing.\n"
    assert len(home.at_withings()) == len(USUAL)


def test_a_list_shows_the_owners_and_no_secret(home: Home) -> None:
    home.somebody_else_subscribes(THEIRS, 50)
    home.world.run("subscriptions", "add", expect=0)
    result = home.world.run("subscriptions", "list", expect=0)
    lines = result.out.splitlines()
    assert lines[0] == "anna:"
    assert lines[1].split() == [
        *("50", "getting", "into", "bed", "other"),
        "https://home.example.net/api/webhook/0123…",
    ]
    assert lines[2].split()[-2:] == [
        "ours",
        f"{home.street.public}/withings/notify/{secret_of(home)[:4]}…",
    ]
    for text in (secret_of(home), "hush", "0123456789abcdef"):
        assert text not in result.out + result.err


def test_a_list_for_scripts_has_the_same_content(home: Home) -> None:
    home.world.run("subscriptions", "add", "--person", "anna", expect=0)
    home.world.run("subscriptions", "url", "--rotate", expect=0)
    home.somebody_else_subscribes(THEIRS, 50)
    result = home.world.run("subscriptions", "list", "--json", expect=0)
    anna, ben = result.json
    assert (anna["person"], ben["subscriptions"]) == ("anna", [])
    owners = {one["appli"]: one["owner"] for one in anna["subscriptions"]}
    assert owners == dict.fromkeys(USUAL, "ours, old address") | {50: "other"}
    assert all("…" in one["callback"] for one in anna["subscriptions"])


def test_an_empty_list_is_a_list(home: Home) -> None:
    assert home.world.run("subscriptions", "list", expect=0).out == "anna: none\nben: none\n"


def test_check_reports_what_is_missing_and_how_to_repair_it(home: Home) -> None:
    result = home.world.run("subscriptions", "check", expect=1)
    assert "anna: this address is notified about nothing." in result.out
    assert "    Missing: weight and body composition, temperature, blood pressure" in result.out
    assert "weighbridge subscriptions add --person anna" in result.out
    assert home.at_withings() == []
    home.world.run("subscriptions", "add", expect=0)
    result = home.world.run("subscriptions", "check", expect=0)
    assert "The public address answers as Withings wants it." in result.out
    assert "Missing" not in result.out
    assert secret_of(home) not in result.out + result.err


def test_check_for_scripts(home: Home) -> None:
    home.world.run("subscriptions", "add", "--person", "anna", expect=0)
    found = home.world.run("subscriptions", "check", "--json", expect=1).json
    assert found["http_status"] == 200
    assert len(found["rules_broken"]) == 3
    anna, ben = found["people"]
    assert (anna["subscribed"], anna["missing"], anna["trouble"]) == (USUAL, [], None)
    assert (ben["subscribed"], ben["missing"]) == ([], USUAL)


def test_a_server_that_answers_wrongly_is_noticed(home: Home) -> None:
    home.street.listener.head_status = 405
    result = home.world.run("subscriptions", "add", "--person", "anna", expect=4)
    assert "could not reach the public address" in result.err
    assert "To try it yourself: weighbridge subscriptions add --person anna" in result.err
    assert "Nothing is left to do" not in result.err
    result = home.world.run("subscriptions", "check", expect=1)
    assert "answers 405 where Withings wants 200" in result.out
    assert "In trouble for less than a minute." in result.out


def test_remove_ends_our_subscriptions_at_every_address_and_no_others(home: Home) -> None:
    home.somebody_else_subscribes(THEIRS)
    home.world.run("subscriptions", "add", expect=0)
    home.world.run("subscriptions", "url", "--rotate", expect=0)
    home.world.run("subscriptions", "remove", "--person", "anna", "--appli", "44", expect=0)
    assert 44 not in [appli for appli, _ in home.at_withings()]
    result = home.world.run("subscriptions", "remove", expect=0)
    assert result.out == "anna: ended 4 subscriptions.\nben: ended 5 subscriptions.\n"
    assert "take url out of [server]" in result.err
    assert home.at_withings("anna") == [(1, THEIRS)]
    assert home.at_withings("ben") == []
    result = home.world.run("subscriptions", "remove", "--person", "ben", expect=0)
    assert result.out == "ben: nothing to do, none of them is ours.\n"


def test_a_subject_on_request_is_kept_when_the_address_changes(home: Home) -> None:
    home.world.run("subscriptions", "add", "--person", "anna", "--appli", "58", expect=0)
    home.world.run("subscriptions", "url", "--rotate", expect=0)
    result = home.world.run("subscriptions", "add", "--person", "anna", expect=0)
    assert "ended 6 subscriptions" in result.out
    assert home.at_withings() == [(appli, home.callback()) for appli in [*USUAL, 58]]


def test_the_full_address_is_printed_on_request(home: Home) -> None:
    result = home.world.run("subscriptions", "url", expect=0)
    assert result.out == home.callback() + "\n"
    again = home.world.run("subscriptions", "url", expect=0)
    assert again.out == result.out


def test_a_new_secret_says_what_happens_next(home: Home) -> None:
    old = home.world.run("subscriptions", "url", expect=0).out
    result = home.world.run("subscriptions", "url", "--rotate", expect=0)
    assert result.out != old
    assert "The old one is accepted until everybody was moved." in result.err
    assert "weighbridge subscriptions add" in result.err
    with home.services() as services:
        assert len(accepted_secrets(services.database)) == 2
    home.world.run("subscriptions", "add", expect=0)
    with home.services() as services:
        assert accepted_secrets(services.database) == (secret_of(home),)


@pytest.mark.parametrize("command", ["add", "check", "url"])
def test_without_a_public_address_the_remedy_is_printed(
    street: Street, tmp_path: Path, command: str
) -> None:
    home = street.move_into(tmp_path / "home", public=None)
    result = home.world.run("subscriptions", command, expect=2)
    assert 'url = "https://scale.example.org"' in result.err
    assert result.out == ""


def test_without_a_public_address_subscriptions_can_be_listed_and_ended(home: Home) -> None:
    home.world.run("subscriptions", "add", "--person", "anna", expect=0)
    path = home.path / "weighbridge.toml"
    path.write_text(path.read_text("utf-8").partition("\n[server]")[0], "utf-8")
    listed = home.world.run("subscriptions", "list", "--json", expect=0).json
    assert {one["owner"] for one in listed[0]["subscriptions"]} == {"ours"}
    result = home.world.run("subscriptions", "remove", expect=0)
    assert "take url out" not in result.err
    assert home.at_withings() == []


def test_a_problem_of_one_person_does_not_stop_another(home: Home) -> None:
    with home.services() as services:
        services.tokens("anna").mark_login_needed(plain("The access was taken away."))
    for command in ("list", "check", "add"):
        result = home.world.run("subscriptions", command, expect=3)
        assert "weighbridge login withings --person anna" in result.err
        assert "ben" in result.out
    assert len(home.at_withings("ben")) == len(USUAL)


def test_without_a_configuration_the_first_command_is_named(tmp_path: Path) -> None:
    for command in ("list", "add", "remove", "check", "url"):
        result = run_here(tmp_path, "subscriptions", command, expect=2)
        assert "weighbridge init" in result.err
    assert list(tmp_path.iterdir()) == []


def test_each_step_is_printed_only_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = "anna: temperature (2 of 5)"
    subscriptions._steps()(step)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    subscriptions._steps()(step)
    assert capsys.readouterr().err == f"{step}\n"
