"""Connecting people in the browser: real pages, the real consent page of the sandbox."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from fixtures.web_server import Site, connected, site, words_of
from weighbridge.core.reason import plain
from weighbridge.web.views import connect

BEHIND_A_PROXY = 'url = "https://home.example.org/weighbridge"\nproxies = ["127.0.0.1"]'
PUBLIC = "home.example.org"


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


# --- The whole way --------------------------------------------------------------------------------


def test_a_button_leads_to_withings_and_back(family: Site) -> None:
    admin = family.admin()
    assert words_of(admin.get("/connect")).count("Not connected yet.") == 2
    link = admin.connect("anna")
    query = parse_qs(urlsplit(link).query)
    assert query["redirect_uri"] == [f"http://localhost:{family.port}/connect/withings"]
    answer = admin.follow(family.agree(link))
    assert answer.status == 200
    assert "anna is connected" in words_of(answer)
    assert family.connected() == {"anna": family.userid("anna")}
    assert family.woken == ["anna"]
    told = words_of(admin.get("/connect"))
    assert (
        f"Connected to the Withings profile {family.userid('anna')} since 9 October 2025." in told
    )
    assert "ben Withings Not connected yet." in told


def test_what_was_connected_in_the_browser_is_good_for_the_command_line(family: Site) -> None:
    connected(family.admin(), family, "anna")
    with family.parts().open() as services:
        tokens = services.tokens("anna").load()
        assert tokens is not None
        assert tokens.userid == family.userid("anna")
        assert [page.groups for page in services.source("anna").pages()] == [[]]


def test_a_link_that_names_a_person_does_the_same(family: Site) -> None:
    visitor = family.visitor()
    asked_in = visitor.get("/connect/withings?person=anna")
    assert (asked_in.status, asked_in.place.partition("?")[0]) == (303, "/sign-in")
    wanted = visitor.get(asked_in.place).field("next")
    let_in = visitor.sign_in(family.token, wanted)
    assert let_in.place == "/connect/withings?person=anna"
    link = visitor.get(let_in.place).place
    assert visitor.follow(family.agree(link)).status == 200
    assert family.connected() == {"anna": family.userid("anna")}


def test_loading_the_last_page_again_changes_nothing(family: Site) -> None:
    admin = family.admin()
    back = family.agree(admin.connect("anna"))
    assert "keeps anna up to date" in words_of(admin.follow(back))
    again = admin.follow(back)
    assert again.status == 200
    assert "already done" in words_of(again)
    assert family.woken == ["anna"]
    assert len(family.house.requests("/v2/oauth2")) == 1


def test_a_browser_that_asks_twice_at_once_uses_the_code_once(family: Site) -> None:
    admin = family.admin()
    back = family.agree(admin.connect("anna"))
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(admin.follow(back).status)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [200, 200, 200]
    assert len(family.house.requests("/v2/oauth2")) == 1


def test_connecting_again_renews_the_login(family: Site) -> None:
    admin = family.admin()
    connected(admin, family, "anna")
    why = plain("The login is too old.").to_json()
    family.house.database("UPDATE credential SET login_needed = ?", why)
    assert "A new login is needed. The login is too old." in words_of(admin.get("/connect"))
    connected(admin, family, "anna")
    assert "A new login is needed" not in words_of(admin.get("/connect"))


# --- A stranger in between ------------------------------------------------------------------------


def test_browsers_cannot_finish_for_each_other(family: Site) -> None:
    one, other = family.admin(), family.admin()
    back = family.agree(one.connect("anna"))
    others_back = family.agree(other.connect("ben"), "ben")
    for visitor, address in ((other, back), (one, others_back), (family.visitor(), back)):
        refused = visitor.follow(address)
        assert refused.status == 400
        assert "did not begin here" in words_of(refused)
    assert family.connected() == {}
    assert family.house.requests("/v2/oauth2") == []
    assert one.follow(back).status == other.follow(others_back).status == 200
    assert set(family.connected()) == {"anna", "ben"}


@pytest.mark.parametrize("query", ["?code=abcdef123", "?code=abcdef123&state=x", "?state=x&code="])
def test_a_code_without_its_state_connects_nobody(quiet: Site, query: str) -> None:
    answer = quiet.admin().get(f"/connect/withings{query}")
    assert answer.status == 400
    assert "did not begin here" in words_of(answer)


def test_a_state_lives_ten_minutes(family: Site) -> None:
    admin = family.admin()
    back = family.agree(admin.connect("anna"))
    family.now += 10 * 60 + 1
    assert admin.follow(back).status == 400


def test_only_so_many_are_under_way() -> None:
    known = connect.Consents(lambda: 0.0)
    first, *others = [known.begin("anna", "s", "a") for _ in range(connect.MOST + 1)]
    assert known.find(first, "s") is None
    assert all(known.find(state, "s") for state in others)


def test_signing_out_ends_what_is_under_way(family: Site) -> None:
    admin = family.admin()
    back = family.agree(admin.connect("anna"))
    assert admin.post("/sign-out", csrf=admin.csrf()).place == "/sign-in"
    assert admin.cookies == {}
    assert admin.follow(back).status == 400
    assert admin.get("/connect").status == 303


# --- What can go wrong ----------------------------------------------------------------------------


def test_a_refused_consent_says_that_nothing_was_changed(family: Site) -> None:
    admin = family.admin()
    back = family.refuse(admin.connect("anna"))
    answer = admin.follow(back)
    assert answer.status == 403
    assert "Nothing was changed" in words_of(answer)
    assert "Begin again for anna" in words_of(answer)
    assert family.connected() == {}
    without_state = admin.get("/connect/withings?error=access_denied")
    assert without_state.status == 403
    assert "may not share" in words_of(without_state)


def test_a_code_that_comes_too_late_offers_a_new_link(family: Site) -> None:
    admin = family.admin()
    back = family.agree(admin.connect("anna"))
    family.house.clock.offset = 31
    answer = admin.follow(back)
    assert answer.status == 410
    assert "took too long" in words_of(answer)
    assert 'href="/connect/withings?person=anna"' in answer.text
    link = admin.get("/connect/withings?person=anna").place
    assert admin.follow(family.agree(link)).status == 200


def test_the_profile_of_somebody_else_is_refused(family: Site) -> None:
    admin = family.admin()
    connected(admin, family, "ben")
    taken = connected(admin, family, "anna", "ben")
    assert taken.status == 409
    assert "already belongs to ben" in words_of(taken)
    connected(admin, family, "anna")
    other = connected(admin, family, "anna", "ben")
    assert other.status == 409
    assert "anna is bound to another Withings profile" in words_of(other)
    assert family.connected() == {name: family.userid(name) for name in ("anna", "ben")}


def test_when_withings_is_down_loading_the_page_again_helps(family: Site) -> None:
    admin = family.admin()
    back = family.agree(admin.connect("anna"))
    family.house.admin.fault("http", path="/v2/oauth2", status=502)
    answer = admin.follow(back)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert "Load this page again" in words_of(answer)
    assert admin.follow(back).status == 200


def test_an_application_that_withings_refuses_says_what_to_check(family: Site) -> None:
    admin = family.admin()
    back = family.agree(admin.connect("anna"))
    family.house.withings.tokens.client_secret = "another"
    answer = admin.follow(back)
    assert answer.status == 409
    assert "Check client id, client secret and callback URL" in words_of(answer)


def test_somebody_unknown_is_told_whom_to_choose(quiet: Site) -> None:
    admin = quiet.admin()
    for answer in (
        admin.get("/connect/withings?person=carl"),
        admin.post("/connect/withings", person="carl", csrf=admin.csrf()),
    ):
        assert answer.status == 404
        assert "[[person]] in weighbridge.toml" in words_of(answer)


def test_without_an_application_the_page_tells_how_to_get_one(tmp_path: Path) -> None:
    with site(tmp_path, application=False) as bare:
        admin = bare.admin()
        told = words_of(admin.get("/connect"))
        assert "an application of your own at Withings" in told
        assert f"http://localhost:{bare.port}/connect/withings" in told
        assert admin.get("/connect/withings?person=anna").status == 409


# --- Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "whole path"])
def test_it_works_behind_a_proxy_with_a_prefix(tmp_path: Path, strips: bool) -> None:
    with site(tmp_path, server=BEHIND_A_PROXY) as made:
        before = "" if strips else "/weighbridge"
        admin = made.visitor(PUBLIC, X_Forwarded_Proto="https")
        admin.prefix = before
        asked_in = admin.get(f"{before}/connect")
        assert asked_in.place == "/weighbridge/sign-in?next=%2Fconnect"
        page = admin.get(f"{before}/sign-in")
        assert 'action="/weighbridge/sign-in"' in page.text
        assert 'href="/weighbridge/static/style.' in page.text
        let_in = admin.sign_in(made.token, "/connect")
        assert let_in.place == "/weighbridge/connect"
        assert list(admin.cookies) == ["__Host-weighbridge-session"]
        assert "; Secure" in let_in.headers["Set-Cookie"]
        assert "another address" not in words_of(admin.get(f"{before}/connect"))
        link = admin.connect("anna")
        address = f"https://{PUBLIC}/weighbridge/connect/withings"
        assert parse_qs(urlsplit(link).query)["redirect_uri"] == [address]
        back = made.agree(link)
        assert back.startswith(address)
        parts = urlsplit(back)
        path = parts.path.removeprefix("/weighbridge") if strips else parts.path
        assert admin.get(f"{path}?{parts.query}").status == 200
        assert made.connected() == {"anna": made.userid("anna")}


@pytest.mark.parametrize("path", ["/callback", "/", ""])
def test_a_callback_that_is_registered_already_is_served(tmp_path: Path, path: str) -> None:
    with site(tmp_path, callback=f"http://localhost:PORT{path}") as made:
        admin = made.admin()
        address = f"http://localhost:{made.port}{path}"
        assert address in words_of(admin.get("/connect"))
        link = admin.connect("anna")
        assert parse_qs(urlsplit(link).query)["redirect_uri"] == [address]
        assert made.visitor().get(path or "/", method="HEAD").status == 200
        back = made.agree(link)
        assert "anna is connected" in words_of(admin.get(f"{path or '/'}?{urlsplit(back).query}"))
        assert admin.get("/").status == 200


def test_whoever_comes_by_another_name_is_told_where_to_begin(quiet: Site) -> None:
    other = quiet.admin(f"127.0.0.1:{quiet.port}")
    told = words_of(other.get("/connect"))
    assert f"Begin there: http://localhost:{quiet.port}/connect" in told
    assert "Begin there" not in words_of(quiet.admin().get("/connect"))
