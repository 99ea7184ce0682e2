"""The sandbox's Garmin lets the real ``garminconnect`` library sign in, over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests
from garminconnect import (
    Garmin,
    GarminConnectAuthenticationError,
    GarminConnectConnectionError,
    GarminConnectTooManyRequestsError,
)

from fixtures.garmin_library import ANNA, BEN, BENS_CODE, MORNING, ask_for_code, fit, send
from fixtures.waiting import PATIENCE
from weighbridge_sandbox.admin import Admin
from weighbridge_sandbox.garmin.tokens import PATH as TOKEN_PATH
from weighbridge_sandbox.http import Sandbox

pytest_plugins = ["fixtures.garmin_sessions"]

EMBED = "https://sso.garmin.com/sso/embed"


def test_the_library_signs_in_without_a_code(garmin_library: Callable[..., Garmin]) -> None:
    garmin = garmin_library(ANNA)
    garmin.login()
    assert garmin.display_name == "anna.sandbox"
    assert garmin.unit_system == "metric"
    assert garmin.get_user_timezone() == "Europe/Paris"


def test_the_library_signs_in_with_a_code(garmin_library: Callable[..., Garmin]) -> None:
    garmin = garmin_library(BEN, prompt_mfa=ask_for_code(BENS_CODE))
    garmin.login()
    assert garmin.display_name == "ben.sandbox"


def test_a_wrong_code_keeps_the_state_for_another_try(
    garmin_library: Callable[..., Garmin],
) -> None:
    answer, state = garmin_library(BEN, return_on_mfa=True).login()
    assert answer == "needs_mfa"
    elsewhere = garmin_library(BEN)
    with pytest.raises(GarminConnectAuthenticationError):
        elsewhere.resume_login(state, "000000")
    elsewhere.resume_login(state, BENS_CODE)
    assert elsewhere.display_name == "ben.sandbox"
    with pytest.raises(GarminConnectAuthenticationError):
        garmin_library(BEN).resume_login(state, BENS_CODE)


def test_a_wrong_password_ends_the_sign_in_at_once(
    garmin_library: Callable[..., Garmin], garmin_admin: Admin
) -> None:
    with pytest.raises(GarminConnectAuthenticationError, match="Invalid Username or Password"):
        garmin_library((ANNA[0], "wrong")).login()
    assert garmin_admin.counts()["POST /mobile/api/login"] == 1
    assert "POST /sso/signin" not in garmin_admin.counts()


@pytest.mark.parametrize("closed", [["mobile"], ["mobile", "widget"]])
@pytest.mark.parametrize("who", [ANNA, BEN])
def test_the_library_falls_back_when_flows_are_closed(
    garmin_library: Callable[..., Garmin],
    garmin_admin: Admin,
    closed: list[str],
    who: tuple[str, str],
) -> None:
    garmin_admin.tell("garmin", "sign_in", answer=429, flows=closed)
    garmin = garmin_library(who, prompt_mfa=ask_for_code(BENS_CODE))
    garmin.login()
    assert garmin.client.di_token.count(".") == 2
    used = "POST /portal/api/login" if "widget" in closed else "POST /sso/signin"
    assert used in garmin_admin.counts()


def test_a_wrong_code_on_the_widget_page_can_be_corrected(
    garmin_library: Callable[..., Garmin], garmin_admin: Admin
) -> None:
    garmin_admin.tell("garmin", "sign_in", answer=427, flows=["mobile"])
    garmin = garmin_library(BEN, return_on_mfa=True)
    _, state = garmin.login()
    with pytest.raises(GarminConnectAuthenticationError):
        garmin.resume_login(state, "000000")
    garmin.resume_login(state, BENS_CODE)
    assert garmin_admin.counts()["POST /sso/verifyMFA/mfaCode"] == 1
    with pytest.raises(GarminConnectAuthenticationError):
        garmin_library(BEN).resume_login(state, BENS_CODE)


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (429, GarminConnectTooManyRequestsError),
        (427, GarminConnectTooManyRequestsError),
        (403, GarminConnectConnectionError),
        ("captcha", GarminConnectConnectionError),
    ],
)
def test_all_flows_can_be_closed(
    garmin_library: Callable[..., Garmin],
    garmin_admin: Admin,
    answer: object,
    raised: type[Exception],
) -> None:
    garmin_admin.tell("garmin", "sign_in", answer=answer)
    with pytest.raises(raised):
        garmin_library(ANNA).login()
    garmin_admin.tell("garmin", "sign_in", answer=None)
    garmin_library(ANNA).login()


def test_credentials_without_the_sign_in_page_are_taken_for_a_robot(
    garmin_sandbox: Sandbox,
) -> None:
    answer = requests.post(
        f"{garmin_sandbox.url}/mobile/api/login?clientId=GCM_IOS_DARK",
        json={"username": ANNA[0], "password": ANNA[1]},
        timeout=PATIENCE,
    )
    assert answer.status_code == 429


def send_form(
    browser: requests.Session, url: str, who: tuple[str, str], service: str = EMBED
) -> requests.Response:
    """Open the sign-in page, fill it in, and return the page that follows."""
    page = browser.get(f"{url}/sso/signin", params={"service": service}, timeout=PATIENCE)
    form = {"username": who[0], "password": who[1], "embed": "true", "_csrf": csrf_of(page)}
    return browser.post(page.url, data=form, timeout=PATIENCE)


def csrf_of(page: requests.Response) -> str:
    found = re.search(r'name="_csrf" value="([^"]+)"', page.text)
    assert found
    return found[1]


def ticket_from_browser(url: str, who: tuple[str, str]) -> str:
    """What a person does: sign in, follow the page, read the ticket from the last address."""
    with requests.Session() as browser:
        page = send_form(browser, url, who)
        next_page = re.search(r'url=(/sso/embed\?ticket=[^"]+)"', page.text)
        assert next_page
        last = browser.get(url + next_page[1], timeout=PATIENCE)
    ticket = last.url.partition("ticket=")[2]
    assert ticket in last.text
    return ticket


def test_a_code_that_nobody_asked_for_does_not_count_on_the_page(garmin_sandbox: Sandbox) -> None:
    mfa = f"{garmin_sandbox.url}/sso/verifyMFA"
    with requests.Session() as browser:
        page = send_form(browser, garmin_sandbox.url, BEN)
        form = {"mfa-code": BENS_CODE, "embed": "true", "_csrf": csrf_of(page)}
        early = browser.post(f"{mfa}/loginEnterMfaCode", data=form, timeout=PATIENCE)
        assert browser.post(f"{mfa}/mfaCode", json={"mfaMethod": "email"}, timeout=PATIENCE).ok
        late = browser.post(f"{mfa}/loginEnterMfaCode", data=form, timeout=PATIENCE)
    assert "<title>Success</title>" not in early.text
    assert "<title>Success</title>" in late.text


def test_a_page_without_its_form_token_is_refused(garmin_sandbox: Sandbox) -> None:
    form = {"username": ANNA[0], "password": ANNA[1], "_csrf": "guessed"}
    answer = requests.post(f"{garmin_sandbox.url}/sso/signin", data=form, timeout=PATIENCE)
    assert answer.status_code == 403


def test_a_ticket_from_a_browser_is_exchanged_once(
    garmin_library: Callable[..., Garmin], garmin_sandbox: Sandbox
) -> None:
    client = garmin_library().client
    ticket = ticket_from_browser(garmin_sandbox.url, ANNA)
    client._exchange_service_ticket(ticket, service_url=EMBED)
    assert client.connectapi("/userprofile-service/socialProfile")["userName"] == ANNA[0]
    with pytest.raises(GarminConnectAuthenticationError):
        client._exchange_service_ticket(ticket, service_url=EMBED)


def test_a_ticket_is_for_its_own_service_and_for_seconds(
    garmin_library: Callable[..., Garmin], garmin_sandbox: Sandbox, garmin_admin: Admin
) -> None:
    client = garmin_library().client
    with pytest.raises(GarminConnectAuthenticationError):
        client._exchange_service_ticket(ticket_from_browser(garmin_sandbox.url, ANNA))
    ticket = ticket_from_browser(garmin_sandbox.url, ANNA)
    garmin_admin.advance_clock(60)
    with pytest.raises(GarminConnectAuthenticationError):
        client._exchange_service_ticket(ticket, service_url=EMBED)


# Tokens


def test_a_refresh_rotates_and_the_old_token_is_dead(anna: Garmin) -> None:
    old_refresh, old_access = anna.client.di_refresh_token, anna.client.di_token
    anna.client._refresh_di_token()
    assert anna.client.di_refresh_token != old_refresh
    assert anna.client.di_token != old_access
    anna.client.di_refresh_token = old_refresh
    with pytest.raises(GarminConnectAuthenticationError, match="400"):
        anna.client._refresh_di_token()


def test_a_refresh_token_belongs_to_its_client(anna: Garmin) -> None:
    anna.client.di_client_id = "GARMIN_CONNECT_MOBILE_IOS_DI"
    with pytest.raises(GarminConnectAuthenticationError, match="400"):
        anna.client._refresh_di_token()


def test_access_tokens_live_for_hours_and_refresh_tokens_for_a_month(
    anna: Garmin, garmin_admin: Admin
) -> None:
    profile = f"{anna.client._connectapi}/userprofile-service/socialProfile"

    def status() -> int:
        return requests.get(
            profile, headers=anna.client.get_api_headers(), timeout=PATIENCE
        ).status_code

    garmin_admin.advance_clock(19 * 3600)
    assert status() == 200
    garmin_admin.advance_clock(2 * 3600)
    assert status() == 401
    anna.client._refresh_di_token()
    assert status() == 200
    garmin_admin.advance_clock(31 * 86400)
    with pytest.raises(GarminConnectAuthenticationError, match="400"):
        anna.client._refresh_di_token()


def test_expiry_can_be_ordered_for_one_account(
    anna: Garmin, garmin_library: Callable[..., Garmin], garmin_admin: Admin
) -> None:
    ben = garmin_library(BEN, prompt_mfa=ask_for_code(BENS_CODE))
    ben.login()
    garmin_admin.tell("garmin", "expire", account=ANNA[0])
    garmin_admin.tell("garmin", "revoke", account=ANNA[0])
    assert ben.client.connectapi("/userprofile-service/socialProfile")["userName"] == BEN[0]
    ben.client._refresh_di_token()
    with pytest.raises(GarminConnectAuthenticationError):
        anna.get_weigh_ins("2026-03-01", "2026-03-01")


def test_a_short_token_is_refreshed_before_each_call(
    garmin_library: Callable[..., Garmin], garmin_admin: Admin
) -> None:
    garmin_admin.tell("garmin", "token_life", seconds=300)
    garmin = garmin_library(ANNA)
    garmin.login()
    before = garmin_admin.counts()[f"POST {TOKEN_PATH}"]
    garmin.get_weigh_ins("2026-03-01", "2026-03-01")
    assert garmin_admin.counts()[f"POST {TOKEN_PATH}"] == before + 1


def test_an_upload_survives_an_expired_access_token(anna: Garmin, garmin_admin: Admin) -> None:
    assert garmin_admin.tell("garmin", "expire", account=ANNA[0]) == {"expired": 1}
    assert send(anna, fit((MORNING, 65.75))).status_code == 202
    assert [row["rows"] for row in garmin_admin.tell("garmin", "uploads")] == [1]


def test_a_revoked_login_needs_a_person(anna: Garmin, garmin_admin: Admin) -> None:
    garmin_admin.tell("garmin", "revoke")
    with pytest.raises(GarminConnectAuthenticationError, match="400"):
        anna.client._refresh_di_token()
    assert anna.get_full_name() == "Anna Example"
    garmin_admin.tell("garmin", "expire")
    with pytest.raises(GarminConnectAuthenticationError):
        anna.get_weigh_ins("2026-03-01", "2026-03-01")


def test_calls_without_the_application_or_with_a_foreign_token_are_refused(
    anna: Garmin, garmin_sandbox: Sandbox
) -> None:
    url = f"{garmin_sandbox.url}/userprofile-service/socialProfile"
    headers = anna.client.get_api_headers()
    statuses = []
    for changes in (
        {},
        {"User-Agent": "python"},
        {"X-Garmin-User-Agent": ""},
        {"Authorization": "Bearer foreign"},
        {"Authorization": ""},
    ):
        answer = requests.get(url, headers={**headers, **changes}, timeout=PATIENCE)
        statuses.append(answer.status_code)
    assert statuses == [200, 403, 403, 401, 401]


def test_no_secret_is_listed_or_logged(
    garmin_library: Callable[..., Garmin],
    garmin_sandbox: Sandbox,
    garmin_admin: Admin,
    capfd: pytest.CaptureFixture[str],
) -> None:
    ben = garmin_library(BEN, prompt_mfa=ask_for_code(BENS_CODE))
    ben.login()
    ben.client._refresh_di_token()
    ticket = ticket_from_browser(garmin_sandbox.url, ANNA)
    kept = [
        garmin_admin.requests(),
        garmin_admin.tell("garmin", "accounts"),
        garmin_admin.tell("garmin", "uploads"),
    ]
    text = repr(kept) + "".join(capfd.readouterr())
    tokens = [ben.client.di_token, ben.client.di_refresh_token, ticket]
    for secret in (BEN[1], ANNA[1], BENS_CODE, *tokens):
        assert secret not in text
