"""The Withings stand-in gives out codes and tokens by the rules of the real cloud."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from fixtures.sandbox import CLIENT_ID, CLIENT_SECRET, NOW, REDIRECT, Life, consent, recorded


def test_the_consent_page_offers_every_profile_and_following_a_link_brings_a_code(
    life: Life,
) -> None:
    page = life.client.get("/oauth2_user/authorize2", params=consent())
    assert "text/html" in page.headers["content-type"]
    assert ">anna</a>" in page.text
    link = page.text.split('href="')[2].split('"')[0].replace("&amp;", "&")
    assert "profile=ben" in link

    answer = life.client.get(f"/oauth2_user/authorize2{link}")

    assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    assert target.port == 8123
    fields = dict(parse_qsl(target.query))
    assert fields["state"] == "s p&ce"
    assert life.exchange(fields["code"])["body"]["userid"] == "102"
    assert life.exchange(fields["code"])["status"] == 503


def test_a_profile_in_the_query_is_chosen_without_a_page(life: Life) -> None:
    redirect = "http://127.0.0.1:9/back?x=1"
    query = consent(profile="anna", redirect_uri=redirect)
    answer = life.client.get("/oauth2_user/authorize2", params=query)
    location = answer.headers["location"]
    assert location.startswith(redirect + "&code=")
    body = life.exchange(parse_qs(urlsplit(location).query)["code"][0], redirect_uri=redirect)
    assert body["body"]["scope"] == "user.info,user.metrics"


def test_a_refusal_comes_back_as_access_denied(life: Life) -> None:
    page = life.client.get("/oauth2_user/authorize2", params=consent())
    link = page.text.split('href="')[3].split('"')[0].replace("&amp;", "&")
    answer = life.client.get(f"/oauth2_user/authorize2{link}")
    fields = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert fields == {"error": "access_denied", "state": "s p&ce"}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"response_type": "token"}, "response_type"),
        ({"client_id": "somebody"}, "client_id"),
        ({"scope": "user.info user.metrics"}, "comma-separated"),
        ({"state": ""}, "state"),
        ({"redirect_uri": "http://example.com/"}, "redirect_uri"),
        ({"redirect_uri": "http://[::1"}, "redirect_uri"),
    ],
)
def test_a_wrong_consent_link_is_explained(
    life: Life, change: dict[str, str], complaint: str
) -> None:
    answer = life.client.get("/oauth2_user/authorize2", params=consent(profile="anna", **change))
    assert answer.status_code == 400
    assert complaint in answer.text


# Tokens


def test_the_first_exchange_has_the_recorded_shape_and_a_userid_of_text(life: Life) -> None:
    answer = life.exchange(life.admin.code("anna", REDIRECT))
    assert answer["body"]["userid"] == "101"
    expected = recorded("token-exchange-ok-userid-string")
    assert expected["body"].keys() <= answer["body"].keys()
    assert answer["body"]["expires_in"] == expected["body"]["expires_in"] == 10_800


def test_a_refresh_has_the_recorded_shape_and_a_userid_of_digits(life: Life) -> None:
    answer = life.renew(life.log_in()["refresh_token"])
    assert answer["body"]["userid"] == 101
    expected = recorded("token-refresh-ok-userid-int")
    assert expected["body"].keys() == answer["body"].keys()


def test_a_code_lives_thirty_seconds(life: Life) -> None:
    code, late = life.admin.code("anna", REDIRECT), life.admin.code("anna", REDIRECT)
    life.admin.advance_clock(29)
    assert life.exchange(code)["status"] == 0
    life.admin.advance_clock(1)
    assert life.exchange(late) == {
        "status": 503,
        "body": {},
        "error": "Invalid Params: invalid code",
    }


@pytest.mark.parametrize(
    "change",
    [{"redirect_uri": "http://localhost:1/"}, {"client_id": "x"}, {"client_secret": "x"}],
)
def test_an_exchange_must_come_from_the_application_that_asked(
    life: Life, change: dict[str, str]
) -> None:
    answer = life.exchange(life.admin.code("anna", REDIRECT), **change)
    assert (answer["status"], answer["error"]) == (
        503,
        f"Invalid Params: invalid {next(iter(change))}",
    )


def test_an_access_token_lives_three_hours(life: Life) -> None:
    token = life.token()
    life.admin.advance_clock(10_799)
    assert life.measures(token)["status"] == 0
    life.admin.advance_clock(1)
    answer = life.measures(token)
    assert answer["status"] == 401
    assert answer == recorded("error-401-invalid-access-token")


def test_the_old_refresh_token_works_until_the_new_access_token_is_used(life: Life) -> None:
    old = life.log_in()["refresh_token"]
    first = life.renew(old)["body"]
    life.admin.advance_clock(11)
    second = life.renew(old)["body"]  # the first answer was lost, say
    assert second["refresh_token"] not in {old, first["refresh_token"]}

    assert life.measures(second["access_token"])["status"] == 0

    life.admin.advance_clock(11)
    answer = life.renew(old)
    assert answer["error"] == "Invalid Params: invalid refresh_token"
    assert answer == {"status": 503, "body": {}, "error": "Invalid Params: invalid refresh_token"}
    assert life.renew(second["refresh_token"])["status"] == 0


def test_the_old_refresh_token_works_for_eight_hours_at_most(life: Life) -> None:
    tokens = [life.log_in()["refresh_token"] for _ in range(2)]
    for token in tokens:
        life.renew(token)
    life.admin.advance_clock(8 * 3600 - 1)
    assert life.renew(tokens[0])["status"] == 0
    life.admin.advance_clock(1)
    assert life.renew(tokens[1])["status"] == 503


def test_the_same_refresh_twice_within_ten_seconds_is_told_to_wait(life: Life) -> None:
    token = life.log_in()["refresh_token"]
    assert life.renew(token)["status"] == 0
    life.admin.advance_clock(4)
    answer = life.renew(token)
    expected = {"wait_seconds": 6}
    text = "Same arguments in less than 10 seconds"
    assert answer == {"status": 601, "body": expected, "error": text}
    life.admin.advance_clock(6)
    assert life.renew(token)["status"] == 0


def test_revoking_needs_a_signature_that_is_used_once_and_ends_everything(life: Life) -> None:
    tokens = life.log_in()

    def signed(**fields: str) -> dict[str, str]:
        text = ",".join(fields[name] for name in sorted(fields))
        key = CLIENT_SECRET.encode()
        return fields | {"signature": hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}

    asked = signed(action="getnonce", client_id=CLIENT_ID, timestamp=str(NOW))
    nonce = life.ask("/v2/signature", **asked)["body"]["nonce"]
    revoke = signed(action="revoke", client_id=CLIENT_ID, nonce=nonce) | {"userid": "101"}
    assert life.ask("/v2/oauth2", **(revoke | {"signature": "0"}))["status"] == 342
    assert life.ask("/v2/oauth2", **revoke)["status"] == 503  # a nonce works once

    nonce = life.ask("/v2/signature", **asked)["body"]["nonce"]
    revoke = signed(action="revoke", client_id=CLIENT_ID, nonce=nonce) | {"userid": "101"}
    assert life.ask("/v2/oauth2", **revoke) == {"status": 0, "body": {}}
    assert life.measures(tokens["access_token"])["status"] == 401
    assert life.renew(tokens["refresh_token"])["status"] == 503


def test_tokens_of_one_person_expire_or_die_on_demand_and_nobody_elses(life: Life) -> None:
    anna, ben = life.log_in("anna"), life.log_in("ben")
    life.admin.expire_tokens("anna")
    assert life.measures(anna["access_token"])["status"] == 401
    assert life.measures(ben["access_token"])["status"] == 0
    assert life.renew(anna["refresh_token"])["status"] == 0
    life.admin.expire_tokens("ben", refresh=True)
    assert life.renew(ben["refresh_token"])["status"] == 503
    life.admin.revoke_tokens("anna")
    life.admin.advance_clock(11)
    assert life.renew(anna["refresh_token"])["status"] == 503
