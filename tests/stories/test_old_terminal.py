"""``withings-sync`` with a person before it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fixtures.house import ACCOUNTS, House, days_ago, weight
from fixtures.old_home import PROGRAM, OldHome
from fixtures.old_user import add, kilograms, user_for_weeks

pytestmark = pytest.mark.story


@pytest.fixture
def home(house: House, tmp_path: Path) -> OldHome:
    return user_for_weeks(house, tmp_path)


at_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="terminals are other there")


def terminal(home: OldHome, *arguments: str, **more: str) -> Any:
    from fixtures.terminal import Terminal

    return Terminal(home.house, *arguments, env=home.environment(more), program=(PROGRAM,))


@at_a_terminal
@pytest.mark.parametrize("bare", [True, False], ids=["token", "address"])
def test_the_token_prompt_takes_a_code_or_the_whole_address(home: OldHome, bare: bool) -> None:
    from fixtures.terminal import link_in

    home.know_garmin()
    with terminal(home) as session:
        link = link_in(session.wait_for("Token : "))
        code = home.house.admin.code("anna", home.house.callback_url)
        state = link.partition("state=")[2]
        session.type(code if bare else f"{home.house.callback_url}?code={code}&state={state}")
        session.end(expect=0)
    add(home, weight(4, int(time.time()) - 60, "70.8"))
    home.sync()
    assert kilograms(home) == ["70.8"]


@at_a_terminal
def test_a_token_with_a_typo_is_asked_for_again(home: OldHome) -> None:
    with terminal(home) as session:
        session.wait_for("Token : ")
        session.type("no token")
        session.wait_for("Token : ")
        session.type(home.house.admin.code("anna", home.house.callback_url))
        session.end(expect=0)


@at_a_terminal
@pytest.mark.parametrize("by_browser", [True, False], ids=["browser", "keyboard"])
def test_where_the_callback_leads_here_the_browser_brings_the_code(
    home: OldHome, by_browser: bool
) -> None:
    import socket

    from fixtures.login_browser import Browser
    from fixtures.terminal import link_in

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home.register(f"http://localhost:{port}/callback")
    with terminal(home) as session:
        link = link_in(session.wait_for("Token : "))
        if by_browser:
            assert "Thank you" in Browser().choose(link, "anna")
        else:
            session.type(home.house.admin.code("anna", home.house.callback_url))
        session.end(expect=0)
    home.know_garmin()
    home.sync("-f", "2020-01-01")
    assert len(kilograms(home)) == 4


@at_a_terminal
def test_a_second_factor_is_asked_for_at_a_terminal(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(7))
    home.know_garmin("ben")
    home.sync(expect=3)
    with terminal(home) as session:
        session.wait_for("Code of the second factor: ")
        session.type(str(ACCOUNTS["ben"][2]))
        session.end(expect=0)
    assert len(home.house.weigh_ins("ben")) == 1


@at_a_terminal
def test_no_upload_shows_a_table_at_a_terminal(home: OldHome) -> None:
    home.connect("anna")
    with terminal(home, "--no-upload", "-f", "2020-01-01") as session:
        shown = session.end(expect=0).out
    assert "Weight 70.32 kg" in shown
    assert ".FIT" not in shown
