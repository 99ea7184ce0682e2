"""A link of their own: it opens what is about one person, until it is revoked."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fixtures.accessible_page import check_page
from fixtures.person_links import enter, make_link, revoke, shown
from fixtures.web_server import Answer, Site, ask, read_html, site, words_of
from weighbridge.core.secret import Secret
from weighbridge.storage.person_links import LONGEST, PersonLinks
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.web import sessions
from weighbridge.web.auth import Auth
from weighbridge.web.render import FOR_ADMIN, NAVIGATION, Pages
from weighbridge.web.sessions import Authenticator, Sessions


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Site]:
    """Anna and Ben."""
    with site(tmp_path) as made:
        yield made


# --- The way of a link ----------------------------------------------------------------------------


def test_a_link_begins_a_session_of_its_person(family: Site) -> None:
    admin = family.admin()
    assert words_of(admin.get("/household")).count("There is no link for") == 2
    anna = enter(family, make_link(admin))
    refused = anna.get("/household")
    assert refused.status == 403
    assert "Only for the admin" in words_of(refused)
    told = words_of(admin.get("/household"))
    assert "A link made on 9 October 2025. Last used: 9 October 2025, 08:53 UTC." in told
    assert "There is no link for ben." in told


def test_a_link_is_shown_once_and_a_reload_makes_no_other(family: Site) -> None:
    admin, other = family.admin(), family.admin()
    csrf = admin.get("/household").field("csrf")
    admin.post("/household/link", person="anna", csrf=csrf)
    assert 'id="address"' not in other.get("/household").text
    first = admin.get("/household")
    assert shown(first).startswith(f"http://localhost:{family.port}/p/")
    assert "works on this computer only" in words_of(first)
    again = admin.get("/household")
    assert "/p/" not in again.text
    assert again.text.count("Not used yet.") == 1


def test_a_link_can_be_used_by_several_devices_and_again(family: Site) -> None:
    path = make_link(family.admin())
    one, other = enter(family, path), enter(family, path)
    assert one.cookies != other.cookies
    before = dict(one.cookies)
    assert one.get(path).status == 303
    assert one.cookies != before
    one.cookies = before
    assert one.get("/connect").status == 303


def test_a_revoked_link_ends_what_it_began_and_nothing_else(family: Site) -> None:
    admin = family.admin()
    first = make_link(admin)
    family.now += 60
    second = make_link(admin)
    ben = enter(family, make_link(admin, "ben"))
    anna, tablet = enter(family, first), enter(family, second)
    assert revoke(admin).place == "/household"
    assert anna.get("/connect").place.startswith("/sign-in")
    lost = family.visitor().get(first)
    assert lost.status == 404
    assert "does not work" in words_of(lost)
    assert "Set-Cookie" not in lost.headers
    for visitor in (tablet, ben):
        assert visitor.get("/household").status == 403
    assert admin.get("/household").text.count('name="link"') == 2


def test_an_admin_who_tries_a_link_stays_admin(family: Site) -> None:
    admin = family.admin()
    path = make_link(admin)
    tried = admin.get(path)
    assert tried.status == 200
    assert "It works. You are signed in as admin" in words_of(tried)
    assert admin.get("/household").status == 200


def test_somebody_with_a_link_can_sign_in_as_admin_and_out(family: Site) -> None:
    anna = enter(family, make_link(family.admin()))
    page = anna.get("/sign-in?next=/connect")
    assert page.status == 200
    csrf = page.field("csrf")
    assert anna.sign_in(family.token).status == 303
    assert anna.get("/connect").status == 200
    assert anna.post("/sign-out", csrf=csrf).status == 403
    assert anna.post("/sign-out", csrf=anna.csrf()).place == "/sign-in"
    assert anna.cookies == {}


def test_the_link_has_the_address_that_others_can_use(tmp_path: Path) -> None:
    lines = 'url = "https://home.example.org/scale"\nproxies = ["127.0.0.1"]'
    with site(tmp_path, server=lines) as made:
        admin = made.visitor("home.example.org", X_Forwarded_Proto="https")
        admin.sign_in(made.token)
        csrf = admin.get("/household").field("csrf")
        assert admin.post("/household/link", person="ben", csrf=csrf).place == "/scale/household"
        page = admin.get("/household")
        assert shown(page).startswith("https://home.example.org/scale/p/")
        assert "this computer only" not in words_of(page)
        ben = made.visitor("home.example.org", X_Forwarded_Proto="https")
        came = ben.get(urlsplit(shown(page)).path)
        assert came.place == "/scale/"
        assert "; Secure" in came.headers["Set-Cookie"]
        assert list(ben.cookies) == ["__Host-weighbridge-session"]


# --- What goes wrong ------------------------------------------------------------------------------


def test_a_form_without_its_word_makes_and_revokes_nothing(family: Site) -> None:
    admin = family.admin()
    path = make_link(admin)
    key = admin.get("/household").field("link")
    anna = enter(family, path)
    csrf = anna.get("/sign-in").field("csrf")
    for visitor, word in ((admin, "x"), (anna, csrf), (family.visitor(), csrf)):
        for form in ({"person": "anna"}, {"link": key}):
            place = "link" if "person" in form else "revoke"
            assert visitor.post(f"/household/{place}", csrf=word, **form).status == 403
    assert admin.get("/household").text.count('name="link"') == 1


def test_nobody_gets_a_link_who_does_not_live_here(family: Site) -> None:
    admin = family.admin()
    csrf = admin.csrf()
    for form in ({"person": "carl"}, {}, {"person": ""}):
        assert admin.post("/household/link", csrf=csrf, **form).status == 404
    assert family.house.database("SELECT count(*) FROM person_link")[0][0] == 0


def test_the_link_of_somebody_who_left_opens_nothing(family: Site) -> None:
    with family.parts().open() as services:
        token = PersonLinks(services.database).make("carl", family.now)
    assert family.visitor().get(f"/p/{token}").status == 404


@pytest.mark.parametrize("token", ["x", "%00", "x" * 5000, "%FF", "..", "é".encode().hex()])
def test_what_is_no_link_opens_nothing(family: Site, token: str) -> None:
    answer = family.visitor().get(f"/p/{token}")
    assert answer.status == 404
    assert "Set-Cookie" not in answer.headers


def test_guessing_links_is_slowed(family: Site) -> None:
    path = make_link(family.admin())
    visitor = family.visitor()
    for number in range(sessions.FREE):
        assert visitor.get(f"/p/guess-{number}").status == 404
    assert visitor.get(path).status == 429
    assert family.visitor().sign_in(family.token).status == 303, "the admin is not slowed by it"
    family.now += 1
    assert visitor.get(path).status == 303


def test_a_link_is_in_no_log_and_in_no_database(
    family: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin = family.admin()
    path = make_link(admin)
    token = path.rpartition("/")[2]
    came = family.visitor().get(path)
    revoke(admin)
    assert len(token) == 43
    assert "person_came_in" in caplog.text
    assert token not in caplog.text
    assert token not in came.text + str(came.headers)
    rows = family.house.database("SELECT * FROM person_link")
    assert token not in str([tuple(row) for row in rows])


def test_the_address_of_a_link_is_not_passed_on(family: Site) -> None:
    admin = family.admin()
    path = make_link(admin)
    for answer in (admin.get(path), family.visitor().get("/p/wrong")):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert path not in answer.text


def test_the_pages_can_be_used_with_a_keyboard_and_heard(family: Site) -> None:
    admin = family.admin()
    csrf = admin.get("/household").field("csrf")
    admin.post("/household/link", person="anna", csrf=csrf)
    page = admin.get("/household")
    anna = enter(family, urlsplit(shown(page)).path)
    wrong = family.visitor().get("/p/wrong")
    for answer in (page, admin.get("/household"), anna.get("/household"), wrong):
        check_page(read_html(answer.text))


def test_everybody_sees_the_pages_that_are_for_them(family: Site) -> None:
    admin = family.admin()
    anna = enter(family, make_link(admin))

    def pages_of(answer: Answer) -> list[str]:
        (navigation,) = read_html(answer.text).iter("nav")
        return [link.attrib["href"] for link in navigation.iter("a")]

    assert pages_of(admin.get("/household")) == [*NAVIGATION.values()]
    own = [path for key, path in NAVIGATION.items() if key not in FOR_ADMIN]
    assert pages_of(anna.get("/nowhere")) == own
    assert "<nav" not in family.visitor().get("/nowhere").text
    assert 'aria-current="page">Household' in admin.get("/household").text


# --- The auth -------------------------------------------------------------------------------------


def auth_of(family: Site) -> tuple[Starlette, Authenticator]:
    """Pages of persons as an owner of pages writes them, on the same people."""
    pages = Pages(family.settings)
    authenticator = Authenticator(Secret.of_value(family.token), lambda: family.now)
    auth = Auth(authenticator, pages)

    def of(request: Request) -> Response:
        person = request.path_params["person"]
        if not auth.may_see(request, person):
            return pages.not_found(request)
        return PlainTextResponse(",".join(auth.visible(request)))

    return Starlette(
        routes=[
            Route("/of/{person}", auth.require_person(of)),
            Route("/figures", auth.require_token(lambda request: PlainTextResponse("figures"))),
        ]
    ), authenticator


def asked(app: Starlette, path: str, word: str) -> tuple[int, str]:
    """Ask as a program, without a network in between."""
    import asyncio
    from typing import Any

    parts: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        parts.append(message)

    cookie = f"weighbridge-session={word}".encode()
    scope = {
        **{"type": "http", "method": "GET", "scheme": "http", "path": path},
        **{"query_string": b"", "client": ("192.0.2.7", 1), "headers": [(b"cookie", cookie)]},
    }
    asyncio.run(app(scope, receive, send))
    return parts[0]["status"], b"".join(p.get("body", b"") for p in parts).decode()


def test_a_person_sees_nobody_else_and_cannot_tell_whether_there_is_anybody(family: Site) -> None:
    app, authenticator = auth_of(family)
    admin, anna = (
        authenticator.sign_in(family.token, "here"),
        authenticator.sessions.start("anna", "link"),
    )
    assert asked(app, "/of/anna", admin) == (200, "anna,ben")
    assert asked(app, "/of/ben", admin) == (200, "anna,ben")
    assert asked(app, "/of/anna", anna) == (200, "anna")
    nobody = asked(app, "/of/carl", anna)
    assert nobody[0] == 404
    assert asked(app, "/of/ben", anna) == asked(app, "/of/carl", admin) == nobody
    assert asked(app, "/of/anna", "nobody")[0] == 303


def test_figures_of_the_house_are_not_for_a_person(family: Site) -> None:
    app, authenticator = auth_of(family)
    assert asked(app, "/figures", authenticator.sign_in(family.token, "here")) == (200, "figures")
    assert asked(app, "/figures", authenticator.sessions.start("anna", "link"))[0] == 401


# --- Sessions and links as they are kept ----------------------------------------------------------


def test_one_link_cannot_use_up_all_sessions() -> None:
    known = Sessions(lambda: 0.0)
    admin = known.start()
    words = [known.start("anna", "her link") for _ in range(sessions.MOST_SESSIONS * 2)]
    alive = [word for word in words if known.find(word)]
    assert alive == words[-sessions.MOST_OF_A_LINK :]
    assert known.find(admin)
    other = known.start("ben", "his link")
    known.end_by_link("her link")
    assert not any(map(known.find, words))
    assert known.find(other)
    assert known.find(admin)


def test_the_admin_has_no_link_that_could_be_revoked() -> None:
    known = Sessions(lambda: 0.0)
    words = [known.start() for _ in range(sessions.MOST_OF_A_LINK + 1)]
    assert all(map(known.find, words))


def test_links_are_remembered_by_their_hash_until_they_are_revoked(tmp_path: Path) -> None:
    with SqliteDatabase(tmp_path) as database:
        links = PersonLinks(database)
        token, other = links.make("anna", 10.0), links.make("anna", 20.0)
        found = links.find(token)
        assert found is not None
        assert (found.person, found.made_at, found.used_at) == ("anna", 10.0, None)
        assert token not in repr(found)
        links.note_use(found.key, 30.0)
        assert [link.used_at for link in links.of("anna")] == [30.0, None]
        assert links.of("ben") == []
        for now in (40.0, 50.0):
            links.revoke(found.key, now)
        assert links.find(token) is None
        assert links.find(other) is not None
        assert links.find(found.key) is None
        assert links.find("x" * (LONGEST + 1)) is None
        rows = database.all("person_links_of", person="anna")
        assert len(rows) == 1


def test_a_token_is_no_number_that_somebody_could_count_up(tmp_path: Path) -> None:
    with SqliteDatabase(tmp_path) as database:
        links = PersonLinks(database)
        tokens = {links.make("anna", 0.0) for _ in range(20)}
    assert len(tokens) == 20
    assert all(re.fullmatch(r"[\w-]{43}", token) for token in tokens)


def test_the_host_must_be_ours_before_it_becomes_part_of_a_link(family: Site) -> None:
    assert ask(family.port, "GET", "/household", headers={"Host": "evil.test"}).status == 421
