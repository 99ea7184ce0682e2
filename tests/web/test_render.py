"""The pages as browsers and strangers see them: signing in, forms, headers, markup."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from fixtures.accessible_page import check_page
from fixtures.web_server import Answer, Site, ask, connected, read_html, site, state_of, words_of
from weighbridge.web import auth, sessions


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Site]:
    """Anna and Ben; nobody is connected yet."""
    with site(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """For tests that change nothing."""
    with site(tmp_path_factory.mktemp("quiet")) as made:
        yield made


# --- Signing in -----------------------------------------------------------------------------------


def test_every_page_wants_a_sign_in(quiet: Site) -> None:
    stranger = quiet.visitor()
    assert stranger.get("/").place == "/sign-in?next=%2F"
    for path in ("/connect", "/connect/withings?person=anna"):
        assert stranger.get(path).place.startswith("/sign-in?next=%2Fconnect")
    refused = stranger.post("/connect/withings", person="anna", csrf="x")
    assert refused.status == 403
    assert "You are signed out" in words_of(refused)


def test_signing_in_is_slowed_after_wrong_tokens(family: Site) -> None:
    visitor = family.visitor()
    for number in range(sessions.FREE):
        refused = visitor.sign_in(f"wrong {number}")
        assert refused.status == 403
        assert "This is not the admin token" in words_of(refused)
    slowed = visitor.sign_in(family.token)
    assert (slowed.status, slowed.headers["Retry-After"]) == (429, "2")
    assert "Wait 2 seconds" in words_of(slowed)
    assert not visitor.cookies
    family.now += 1
    assert visitor.sign_in(family.token).status == 303


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(quiet: Site) -> None:
    cookie = quiet.visitor().sign_in(quiet.token).headers["Set-Cookie"]
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        *("httponly", "samesite=lax", "path=/", "max-age=604800")
    }


def test_signing_in_ends_the_session_before(quiet: Site) -> None:
    visitor = quiet.admin()
    before = dict(visitor.cookies)
    visitor.sign_in(quiet.token)
    assert visitor.cookies != before
    visitor.cookies = before
    assert visitor.get("/connect").status == 303


def test_whoever_is_signed_in_is_not_asked_again(quiet: Site) -> None:
    assert quiet.admin().get("/sign-in?next=/connect").place == "/connect"


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.test", "https://evil.test/", "/\\evil.test", "/\t/evil.test", "evil", "", "/é"],
)
def test_signing_in_leads_nowhere_else(quiet: Site, elsewhere: str) -> None:
    assert quiet.visitor().sign_in(quiet.token, elsewhere).place == "/"


# --- Forms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/connect/withings", "/sign-out"])
def test_a_form_from_elsewhere_changes_nothing(quiet: Site, path: str) -> None:
    one, other = quiet.admin(), quiet.admin()
    for csrf in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": other.csrf()}):
        refused = one.post(path, person="anna", **csrf)
        assert refused.status == 403
        assert "was not accepted" in words_of(refused)
    assert one.get("/connect").status == 200


def test_only_small_forms_are_read(quiet: Site) -> None:
    admin = quiet.admin()
    assert admin.post("/sign-out", csrf=admin.csrf(), x="x" * auth.LARGEST_FORM).status == 403
    as_json = {"Content-Type": "application/json", "Host": admin.host}
    assert ask(quiet.port, "POST", "/sign-in", b"{}", as_json).status == 403
    not_text = {"Content-Type": "application/x-www-form-urlencoded", "Host": admin.host}
    assert ask(quiet.port, "POST", "/sign-in", b"token=\xff", not_text).status == 403


# --- What Withings and browsers see ---------------------------------------------------------------


def test_withings_finds_us_when_it_probes(quiet: Site) -> None:
    for query in ("", "?code=abcdef1&state=x", "?person=anna"):
        answer = quiet.visitor().get(f"/connect/withings{query}", method="HEAD")
        assert (answer.status, answer.text) == (200, "")
    assert "It works" in words_of(quiet.visitor().get("/connect/withings"))


def test_a_probe_does_not_use_the_code_up(family: Site) -> None:
    admin = family.admin()
    back = family.agree(admin.connect("anna"))
    parts = urlsplit(back)
    assert admin.get(f"{parts.path}?{parts.query}", method="HEAD").status == 200
    assert admin.follow(back).status == 200


def test_no_secret_is_on_a_page_or_in_a_log(family: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    admin = family.admin()
    link = admin.connect("anna")
    back = family.agree(link)
    code = parse_qs(urlsplit(back).query)["code"][0]
    family.house.admin.fault("http", path="/v2/oauth2", status=502)
    texts = [admin.follow(back).text, admin.follow(back).text, admin.follow(back).text]
    late = family.agree(admin.connect("ben"), "ben")
    family.house.clock.offset = 31
    texts += [admin.follow(late).text, admin.follow(late).text, admin.get("/connect").text]
    with family.parts().open() as services:
        pair = services.tokens("anna").load()
    assert pair is not None
    secrets = [
        *(code, state_of(link), state_of(late), pair.access_token, pair.refresh_token),
        *(family.house.withings.tokens.client_secret, family.token, *admin.cookies.values()),
    ]
    assert "connected" in caplog.text
    for secret in secrets:
        assert secret not in caplog.text
        assert not any(secret in text for text in texts)


def test_pages_keep_to_themselves(family: Site) -> None:
    admin = family.admin()
    listing = admin.get("/connect")
    rules = listing.headers["Content-Security-Policy"].split("; ")
    policy = {rule.split()[0]: rule.split()[1:] for rule in rules}
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["form-action"] == ["'self'", family.house.sandbox.url]
    assert policy["script-src"] == policy["connect-src"] == policy["style-src"] == ["'self'"]
    assert listing.headers["Cache-Control"] == "no-store"
    assert listing.headers["Referrer-Policy"] == "same-origin"
    back = connected(admin, family, "anna")
    assert back.headers["Referrer-Policy"] == "no-referrer"
    assert back.headers.get_all("Content-Security-Policy") == [
        listing.headers["Content-Security-Policy"]
    ]
    for text in (listing.text, back.text):
        assert " style=" not in text
        assert "<style" not in text
        for script in read_html(text).iter("script"):
            assert script.attrib["src"].startswith("/static/")
            assert not script.text


def test_the_style_sheet_may_be_kept_for_ever(quiet: Site) -> None:
    stranger = quiet.visitor()
    page = read_html(stranger.get("/sign-in").text)
    sheet, icon = (link.attrib["href"] for link in page.iter("link"))
    (script,) = (script.attrib["src"] for script in page.iter("script"))
    assert stranger.get(script).headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert stranger.get(icon).headers["Content-Type"] == "image/svg+xml"
    answer = stranger.get(sheet)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]
    assert stranger.get("/static/style.css").status == 404
    assert stranger.get("/static/..%2Fpages.py").status == 404


def every_page(pages: Site) -> Iterator[Answer]:
    stranger, admin = pages.visitor(), pages.admin()
    yield stranger.get("/sign-in")
    yield stranger.sign_in("wrong")
    yield stranger.post("/sign-out")
    yield stranger.get("/connect/withings")
    yield admin.get("/connect")
    yield admin.post("/sign-out", csrf="wrong")
    yield admin.get("/connect/withings?person=carl")
    yield admin.get("/connect/withings?code=abcdefg&state=x")


def test_every_page_can_be_used_with_a_keyboard_and_heard(quiet: Site) -> None:
    for answer in every_page(quiet):
        check_page(read_html(answer.text))


def test_names_cannot_smuggle_markup(tmp_path: Path) -> None:
    with site(tmp_path) as made:
        answer = made.admin().get("/connect/withings?person=%3Cscript%3E")
        assert "<script>" not in answer.text
        tried = made.visitor().get("/sign-in?next=/%22%3E%3Cscript%3E")
        assert "<script>" not in tried.text
