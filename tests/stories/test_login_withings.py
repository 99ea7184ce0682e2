"""Connecting a Withings account: in the browser, by pasting, too late, and by a stranger."""

from __future__ import annotations

import socket
import sys
from urllib.parse import parse_qs, urlsplit

import pytest

from fixtures.house import House, days_ago, weight
from fixtures.login_browser import Browser
from fixtures.paths import FIXTURES

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(sys.platform == "win32", reason="terminals are something else there"),
]

CODE_SECONDS = 30
CONSENT = "/oauth2_user/authorize2"


@pytest.fixture
def home(house: House) -> House:
    """Anna and a stranger's profile; nobody has logged in. The callback has a port of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        house.callback_url = f"http://localhost:{free.getsockname()[1]}/callback"
    house.person("anna", [weight(1, days_ago(2), "61.2")])
    house.target("anna", "file", 'path = "anna.json"\nsince = 2000-01-01')
    house.withings.household.add_profile("stranger")
    house.write_configuration()
    return house


def state_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["state"][0]


def redirect_to(house: House, link: str, *, state: str | None = None) -> str:
    """The address at which a browser on another machine ends."""
    code = house.admin.code("anna", house.callback_url)
    return f"{house.callback_url}?code={code}&state={state or state_of(link)}"


def is_connected(house: House) -> bool:
    synced = house.sync()
    assert len(house.file_lines("anna.json")) == 1, synced
    return True


def test_the_browser_opens_and_comes_back_by_itself(home: House) -> None:
    script = FIXTURES / "login_browser.py"
    env = {"BROWSER": f"{sys.executable} {script} anna %s"}
    result = home.run("login", "withings", env=env, expect=0)
    assert "anna is connected to the Withings profile" in result.err
    assert is_connected(home)


def test_a_redirect_of_another_sign_in_is_turned_away_and_the_waiting_goes_on(
    home: House,
) -> None:
    from fixtures.terminal import Terminal, link_in

    browser = Browser()
    with Terminal(home, "login", "withings", "--no-browser") as terminal:
        terminal.wait_for("choose the profile and agree:\n")
        link = link_in(terminal.wait_for("\n"))
        _, page = browser.get(redirect_to(home, link, state="a-guess"))
        assert "This address belongs to another sign-in." in page
        assert "Thank you" in browser.choose(link, "anna")
        terminal.end(expect=0)
    assert len(home.requests(path="/v2/oauth2")) == 1
    assert is_connected(home)


def test_a_person_may_refuse(home: House) -> None:
    from fixtures.terminal import Terminal, link_in

    with Terminal(home, "login", "withings", "--no-browser") as terminal:
        terminal.wait_for("choose the profile and agree:\n")
        link = link_in(terminal.wait_for("\n"))
        assert "No access" in Browser().choose(link, "Nobody")
        said = terminal.end(expect=3).out
    assert "Withings was not allowed to share the measurements (access_denied)." in said
    assert "Run the login again" in said


@pytest.mark.parametrize("bare", [True, False], ids=["bare-code", "whole-address"])
def test_a_headless_machine_pastes_at_its_terminal(home: House, bare: bool) -> None:
    from fixtures.terminal import Terminal, link_in

    with Terminal(home, "login", "withings", "--paste") as terminal:
        said = terminal.wait_for("Address or code: ")
        address = redirect_to(home, link_in(said))
        terminal.type(parse_qs(urlsplit(address).query)["code"][0] if bare else address)
        terminal.end(expect=0)
    assert is_connected(home)


def test_a_code_that_came_too_late_brings_a_new_link(home: House) -> None:
    from fixtures.terminal import Terminal, link_in

    with Terminal(home, "login", "withings", "--paste") as terminal:
        first = link_in(terminal.wait_for("Address or code: "))
        late = redirect_to(home, first)
        home.admin.advance_clock(CODE_SECONDS + 1)
        terminal.type(late)
        said = terminal.wait_for("Address or code: ")
        assert "Here is a new link." in said
        second = link_in(said[said.index("Here is a new link.") :])
        assert state_of(second) != state_of(first)
        terminal.type(redirect_to(home, second))
        terminal.end(expect=0)
    assert is_connected(home)


def test_a_script_pipes_the_address_and_hears_when_it_is_wrong(home: House) -> None:
    def paste(text: str, expect: int) -> str:
        return home.run("login", "withings", "--paste", input=f"{text}\n", expect=expect).err

    code = home.admin.code("anna", home.callback_url)
    foreign = f"{home.callback_url}?code={code}&state=a-guess"
    assert "belongs to another sign-in" in paste(foreign, 2)
    assert "no code in this address" in paste(home.callback_url, 2)
    assert "not the address that follows it" in paste(f"{home.sandbox.url}{CONSENT}?state=x", 2)
    nothing = home.run("login", "withings", "--paste", expect=2).err
    assert "--code" in nothing
    assert home.requests(path="/v2/oauth2") == [], "the code was not spent on any of these"
    paste(code, 0)
    assert is_connected(home)


def test_a_script_with_an_old_code_is_told_how_to_get_a_new_one(home: House) -> None:
    code = home.admin.code("anna", home.callback_url)
    home.admin.advance_clock(CODE_SECONDS + 1)
    told = home.run("login", "withings", "--code", code, expect=3).err
    assert "30 seconds" in told
    assert "weighbridge login withings" in told
    home.log_in("anna")
    used = home.admin.code("anna", home.callback_url)
    home.run("login", "withings", "--code", used, expect=0)
    home.run("login", "withings", "--code", used, expect=3)
    assert is_connected(home)


def test_nobody_who_has_no_application_is_left_alone(home: House) -> None:
    path = home.home / "weighbridge.toml"
    kept = [line for line in path.read_text("utf-8").splitlines() if "client_" not in line]
    path.write_text("\n".join(kept), "utf-8")
    told = home.run("login", "withings", expect=2).err
    assert "https://developer.withings.com/dashboard/" in told
    assert "WITHINGS_CLIENT_ID" in told
    tokens = home.withings.tokens
    env = {
        "WITHINGS_CLIENT_ID": tokens.client_id,
        "WITHINGS_CLIENT_SECRET": tokens.client_secret,
    }
    code = home.admin.code("anna", home.callback_url)
    home.run("login", "withings", "--code", code, env=env, expect=0)
