"""Signing in at Garmin: by prompt, with a second factor, blocked, and with a browser instead."""

from __future__ import annotations

import sys

import pytest

from fixtures.house import ACCOUNTS, House, Result, days_ago, weight
from fixtures.login_browser import Browser

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(sys.platform == "win32", reason="terminals are something else there"),
]

EMAIL, PASSWORD, _ = ACCOUNTS["anna"]
BENS_EMAIL, BENS_PASSWORD, BENS_CODE = ACCOUNTS["ben"]


@pytest.fixture
def home(house: House) -> House:
    """Anna at Withings, nobody at Garmin yet."""
    house.person("anna", [weight(1, days_ago(2), "61.2")])
    house.target("anna", "garmin")
    house.write_configuration()
    house.log_in("anna")
    house.admin.clear_requests()
    return house


def sign_in(house: House, password: str, expect: int) -> Result:
    arguments = ["login", "garmin", "--username", EMAIL, "--password-stdin"]
    return house.run(*arguments, input=f"{password}\n", expect=expect)


def test_everything_is_asked_at_a_terminal_and_a_mistyped_code_again(home: House) -> None:
    from fixtures.terminal import Terminal

    with Terminal(home, "login", "garmin") as terminal:
        terminal.wait_for("User name or e-mail: ")
        terminal.type(BENS_EMAIL)
        terminal.wait_for("Password: ")
        terminal.type(BENS_PASSWORD)
        terminal.wait_for("Code of the second factor: ")
        terminal.type("654321")
        terminal.wait_for("Code of the second factor: ")
        terminal.type(str(BENS_CODE))
        said = terminal.end(expect=0).out
    assert "anna is signed in at garmin as Ben Example." in said
    assert BENS_PASSWORD not in said
    home.sync()
    assert [row["weight_kg"] for row in home.weigh_ins("ben")] == ["61.2"]


def test_a_script_without_a_code_is_told_what_is_missing(home: House) -> None:
    arguments = ["login", "garmin", "--username", BENS_EMAIL, "--password-stdin"]
    told = home.run(*arguments, input=f"{BENS_PASSWORD}\n", expect=3).err
    assert "--mfa-code" in told
    wrong = home.run(*arguments, "--mfa-code", "1", input=f"{BENS_PASSWORD}\n", expect=3).err
    assert "did not accept the code" in wrong


def test_a_wrong_password_is_said_and_can_be_tried_again_at_once(home: House) -> None:
    told = sign_in(home, "mistyped", expect=3).err
    assert "Garmin does not accept this e-mail and password." in told
    assert "mistyped" not in told
    sign_in(home, PASSWORD, expect=0)
    home.sync()
    assert len(home.weigh_ins("anna")) == 1


def test_a_password_comes_from_a_file_or_the_environment_and_is_not_kept(home: House) -> None:
    secret = home.home / "password.txt"
    secret.write_text(f"{PASSWORD}\n", "utf-8")
    arguments = ["login", "garmin", "--username", EMAIL]
    home.run(*arguments, "--password-file", str(secret), expect=0)
    secret.unlink()
    env = {"GARMIN_USERNAME": EMAIL, "GARMIN_PASSWORD": PASSWORD}
    home.run("login", "garmin", env=env, expect=0)
    told = home.run(*arguments, expect=2).err
    assert "--password-stdin" in told
    kept = [path.read_bytes() for path in home.home.rglob("*") if path.is_file()]
    assert not any(PASSWORD.encode() in content for content in kept)


@pytest.mark.parametrize("answer", [429, 427, 403, "captcha"])
def test_a_blocked_sign_in_is_left_alone_for_two_hours(home: House, answer: int | str) -> None:
    home.admin.tell("garmin", "sign_in", answer=answer)
    blocked = sign_in(home, PASSWORD, expect=4).err
    assert "for the next 2 hours" in blocked
    assert "weighbridge login garmin --ticket" in blocked
    status = home.run("status", "--json", expect=None).json
    assert status[0]["targets"][0]["sign_in_blocked_until"]
    assert "Sign-in is blocked until" in home.run("status", expect=None).out

    # Each try would prolong the block, so the second one does not leave this machine.
    home.admin.tell("garmin", "sign_in", answer=None)
    home.admin.clear_requests()
    again = sign_in(home, PASSWORD, expect=4).err
    assert "--ticket" in again
    assert home.requests() == []


def test_the_pause_doubles_with_each_block_and_ends_with_a_sign_in(home: House) -> None:
    home.admin.tell("garmin", "sign_in", answer=429)
    for hours in (2, 4, 8, 16, 24, 24):
        assert f"for the next {hours} hours" in sign_in(home, PASSWORD, expect=4).err
        home.database("UPDATE service_pause SET until = 1")  # as if the hours had gone by
    home.admin.tell("garmin", "sign_in", answer=None)
    sign_in(home, PASSWORD, expect=0)
    home.admin.tell("garmin", "sign_in", answer=429)
    assert "for the next 2 hours" in sign_in(home, PASSWORD, expect=4).err


def test_a_browser_signs_in_when_garmin_takes_us_for_a_robot(home: House) -> None:
    from fixtures.terminal import Terminal, link_in

    home.admin.tell("garmin", "sign_in", answer="captcha")
    sign_in(home, PASSWORD, expect=4)
    home.admin.tell("garmin", "sign_in", answer="captcha", flows=["mobile", "portal"])
    with Terminal(home, "login", "garmin", "--ticket") as terminal:
        said = terminal.wait_for("consumeServiceTicket=false\n")
        terminal.type(Browser().sign_in_at_garmin(link_in(said), EMAIL, PASSWORD))
        terminal.end(expect=0)
    home.sync()
    assert len(home.weigh_ins("anna")) == 1
    assert "blocked" not in home.run("status", expect=0).out


def test_a_ticket_that_is_old_or_none_at_all_is_said(home: House) -> None:
    told = home.run("login", "garmin", "--ticket", "ST-0000001-guess-cas", expect=3).err
    assert "Garmin did not take the ticket" in told
    told = home.run("login", "garmin", "--ticket", "https://sso.garmin.com/sso", expect=3).err
    assert "a ticket begins with ST-" in told


def test_an_unattended_run_never_sends_a_password(home: House) -> None:
    """Not even when it lies in the environment: sign-ins are what Garmin counts and blocks."""
    env = {"GARMIN_USERNAME": EMAIL, "GARMIN_PASSWORD": PASSWORD}
    told = home.sync(env=env, expect=3).err
    assert "weighbridge login garmin --person anna" in told
    home.run("login", "garmin", env=env, expect=0)
    home.admin.tell("garmin", "revoke")
    home.admin.tell("garmin", "expire")
    home.admin.clear_requests()
    told = home.sync(env=env, expect=3).err
    assert "weighbridge login garmin --person anna" in told
    home.sync(env=env, expect=3)
    paths = [request["path"] for request in home.requests(cloud="garmin")]
    assert not any("login" in path or "sso" in path for path in paths)
    assert paths.count("/di-oauth2-service/oauth/token") == 1
