"""A person is connected in a browser at the running server, and her readings flow."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest

from fixtures.house import LONG_AGO, House, days_ago, weight
from fixtures.login_browser import Browser, choice
from fixtures.serving import Serving
from fixtures.waiting import wait_until

pytestmark = pytest.mark.story


@pytest.mark.parametrize("serving", ["brisk"], indirect=True)
def test_anna_connects_in_her_browser_and_her_readings_flow(house: House, serving: Serving) -> None:
    house.callback_url = f"{serving.url}/connect/withings"
    house.person("anna", [weight(1, days_ago(1), "82.0")])
    house.target("anna", "file", f'path = "anna.csv"\nformat = "csv"\nsettle = 0\n{LONG_AGO}')
    serving.move_in()
    serving.start()
    browser = Browser()

    _, page = browser.get(f"{serving.url}/connect")
    assert "Admin token" in page
    form = {"token": "a guess at the token", "next": "/connect"}
    assert "This is not the admin token" in browser.get(f"{serving.url}/sign-in", form)[1]
    form["token"] = (house.home / "admin-token").read_text().strip()
    _, page = browser.get(f"{serving.url}/sign-in", form)
    assert "Not connected yet" in page

    word = re.findall(r'name="csrf" value="([^"]+)"', page)[0]
    begin = f"{serving.url}/connect/withings"
    assert "not accepted" in browser.get(begin, {"person": "anna"})[1]
    consent, page = browser.get(begin, {"csrf": word, "person": "anna"})
    assert consent.startswith(house.sandbox.url)
    back, page = browser.get(urljoin(consent, choice(page, "anna")))
    assert "anna is connected" in page
    assert "This was already done" in browser.get(back)[1]

    wait_until((house.home / "anna.csv").exists)
    serving.wait_for_subscriptions("anna")
    serving.weigh_in("anna", "81.1")
    wait_until(lambda: len(house.file_lines("anna.csv")) == 3)
    assert "code=" not in serving.log
    assert "state=" not in serving.log
    assert len(house.requests(path="/v2/oauth2")) == 1
