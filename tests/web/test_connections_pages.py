"""Signing in at targets on the pages, disconnecting, and asking about notifications."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator

import pytest

from fixtures.accessible_page import check_page
from fixtures.connections_page import (
    ANNA,
    BEN,
    BENS_CODE,
    LOGIN,
    RIDER,
    Street,
    send,
    sign_in,
    street,
    task_threads,
)
from fixtures.waiting import PATIENCE, wait_until
from fixtures.web_server import Answer, Visitor, read_html, words_of
from weighbridge.core.errors import LoginNeeded
from weighbridge.i18n import LANGUAGES
from weighbridge.storage.ledger import Ledger
from weighbridge.web.views import task_page

JOURNAL = "/connect/anna/my%252Fjournal"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture
def family(whole: Street) -> Street:
    """Nobody is connected or signed in, nothing is wrong with the clouds."""
    whole.tidy()
    return whole


# --- Garmin with a password -----------------------------------------------------------------------


def test_a_password_signs_in_and_only_the_session_is_stored(
    family: Street, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin = family.site.admin()
    form = admin.get("/connect/anna/garmin")
    assert form.field("username") == ANNA[0]
    assert "The password goes to Garmin this one time and is neither stored" in words_of(form)
    done = sign_in(admin, "anna", ANNA)
    assert done.status == 200
    assert "anna is signed in at Garmin Garmin calls this account: Anna Example." in words_of(done)
    assert family.accounts() == {("anna", "garmin"): "garmin:81000001"}
    assert family.site.woken == ["anna"]
    assert "Garmin Signed in. The session was last renewed: 9 O" in words_of(admin.get("/connect"))
    assert ANNA[1] not in caplog.text + done.text
    assert ANNA[0] not in caplog.text
    rows = family.house.database("SELECT secret, previous FROM credential")
    assert ANNA[1] not in str([tuple(row) for row in rows])


def test_loading_the_last_page_again_signs_nobody_in_again(family: Street) -> None:
    admin = family.site.admin()
    sign_in(admin, "anna", ANNA)
    assert admin.get("/connect/anna/garmin/progress").status == 200
    assert family.asked(LOGIN) == 1
    assert family.site.woken == ["anna"]


def test_what_waited_for_the_login_is_owed_again(family: Street) -> None:
    with family.site.parts().open() as services:
        ledger = Ledger(services.database, "anna", "garmin", family.site.now)
        ledger.note_trouble(LoginNeeded("The Garmin login has ended."), family.site.now)
        services.database.run(
            "add_delivery",
            **{
                "route": ledger.route,
                "kind": "body",
                "reading_id": "r",
                "taken_at": 1,
                "ordinal": 0,
            },
            **{"revision": "x", "state": "blocked", "settles_at": 0, "now": 1, "answer": None},
        )
    sign_in(family.site.admin(), "anna", ANNA)
    assert family.house.database("SELECT state FROM delivery") == [("planned",)]
    assert family.house.database("SELECT trouble FROM route") == [(None,)]


def test_a_wrong_password_says_what_to_do_and_keeps_the_name(family: Street) -> None:
    admin = family.site.admin()
    answer = sign_in(admin, "anna", ("other@example.test", "a-wrong-password"))
    assert answer.status == 403
    assert "does not accept this user name and password" in words_of(answer)
    assert answer.field("username") == "other@example.test"
    assert "a-wrong-password" not in answer.text
    assert family.asked(LOGIN) == 1
    assert family.accounts() == {}
    assert sign_in(admin, "anna", ANNA).status == 200


@pytest.mark.parametrize("who", [("", "x"), ("x", ""), ("  ", "x")])
def test_without_name_or_password_nothing_is_sent(family: Street, who: tuple[str, str]) -> None:
    answer = sign_in(family.site.admin(), "anna", who)
    assert answer.status == 400
    assert "Enter user name and password." in words_of(answer)
    assert family.asked(LOGIN) == 0


def test_without_a_network_it_says_when_to_come_again(family: Street) -> None:
    family.house.admin.fault("drop", cloud="garmin", times=-1)
    answer = sign_in(family.site.admin(), "anna", ANNA)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert "try again in some minutes" in words_of(answer)
    assert family.house.database("SELECT * FROM service_pause") == []


# --- The second factor ----------------------------------------------------------------------------


def test_a_code_is_asked_for_on_a_page_of_its_own(family: Street) -> None:
    admin = family.site.admin()
    asked = sign_in(admin, "ben", BEN)
    assert asked.status == 200
    assert "Garmin asks for a code" in words_of(asked)
    assert admin.get("/connect/ben/garmin/progress").text.count('name="answer"') == 1
    done = send(admin, "/connect/ben/garmin/answer", answer=f" {BENS_CODE} ")
    assert "Ben Example" in words_of(done)
    assert family.asked(LOGIN) == 1
    assert family.accounts() == {("ben", "garmin"): "garmin:81000002"}


def test_a_wrong_code_may_be_corrected(family: Street) -> None:
    admin = family.site.admin()
    sign_in(admin, "ben", BEN)
    again = send(admin, "/connect/ben/garmin/answer", answer="000000")
    assert again.status == 403
    assert "did not accept this code" in words_of(again)
    assert send(admin, "/connect/ben/garmin/answer", answer=BENS_CODE).status == 200


def test_three_wrong_codes_end_the_sign_in(family: Street) -> None:
    admin = family.site.admin()
    sign_in(admin, "ben", BEN)
    for code in ("1", "2", "3"):
        answer = send(admin, "/connect/ben/garmin/answer", answer=code)
    assert answer.status == 403
    assert "Garmin then makes a new code" in words_of(answer)
    assert 'name="password"' in answer.text
    assert family.accounts() == {}


def test_the_password_is_forgotten_while_the_code_is_awaited(family: Street) -> None:
    before = set(task_threads())
    sign_in(family.site.admin(), "ben", BEN)
    (thread,) = set(task_threads()) - before
    frame = sys._current_frames()[thread.ident or 0]
    names = set()
    for found, _ in traceback.walk_stack(frame):
        names.add(found.f_code.co_name)
        assert BEN[1] not in [one for one in found.f_locals.values() if isinstance(one, str)]
    assert {"ask", "_give_code", "sign_in"} <= names


def test_a_sign_in_that_nobody_finishes_ends_by_itself(
    family: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, asked = family.site.admin(), ""
    before = set(task_threads())
    for life in (0.3, 1.0, 4.0):  # a busy computer may need longer to the question than that
        monkeypatch.setattr(task_page, "LIFE", life)
        asked = asked or words_of(sign_in(admin, "ben", BEN))
        asked = asked if "asks for a code" in asked else ""
    assert asked
    wait_until(lambda: not set(task_threads()) - before)
    late = admin.get("/connect/ben/garmin/progress")
    assert late.status == 410
    assert "not under way any more" in words_of(late)
    assert send(admin, "/connect/ben/garmin/answer", answer=BENS_CODE).status == 410
    assert family.accounts() == {}


def test_whoever_begins_anew_gives_up_what_waits(family: Street) -> None:
    admin = family.site.admin()
    before = set(task_threads())
    sign_in(admin, "ben", BEN)
    assert sign_in(admin, "ben", BEN).status == 200
    wait_until(lambda: len(set(task_threads()) - before) <= 1)
    assert send(admin, "/connect/ben/garmin/answer", answer=BENS_CODE).status == 200
    assert family.asked(LOGIN) == 2


def test_a_form_that_is_sent_twice_sends_one_password(
    family: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_page, "WAIT_SECONDS", 0.05)
    admin, other = family.site.admin(), family.site.admin()
    csrf, others = admin.csrf(), other.csrf()
    form = {"username": ANNA[0], "password": ANNA[1]}
    family.house.admin.fault("hold", path=LOGIN)
    for _ in range(2):
        assert admin.post("/connect/anna/garmin", csrf=csrf, **form).status == 303
    working = admin.get("/connect/anna/garmin/progress")
    assert working.headers["Refresh"] == "1"
    assert "That can take a minute" in words_of(working)
    check_page(read_html(working.text))
    busy = other.post("/connect/anna/garmin", csrf=others, **form)
    assert busy.status == 503
    assert "under way already" in words_of(busy)
    family.house.admin.wait_for_hold(seconds=PATIENCE)
    family.house.admin.release()
    wait_until(lambda: "Refresh" not in admin.get("/connect/anna/garmin/progress").headers)
    assert admin.get("/connect/anna/garmin/progress").status == 200
    assert family.asked(LOGIN) == 1


# --- Blocked, and the way with a browser ----------------------------------------------------------


def test_a_block_is_respected_and_the_browser_is_the_way(family: Street) -> None:
    admin = family.site.admin()
    family.house.garmin.gate.close(429)
    blocked = sign_in(admin, "anna", ANNA)
    assert blocked.status == 429
    assert "Garmin blocks sign-ins just now" in words_of(blocked)
    assert "Until 9 October 2025, 10:53 UTC no password is sent" in words_of(blocked)
    assert 'name="password"' not in blocked.text
    tried = family.asked(LOGIN)
    assert sign_in(admin, "anna", ANNA).status == 429
    assert admin.get("/connect/anna/garmin").status == 200
    assert family.asked(LOGIN) == tried
    assert "No sign-in is tried before" in words_of(admin.get("/connect"))
    family.house.garmin.gate.close(None)
    question = send(admin, "/connect/anna/garmin/browser")
    done = send(admin, "/connect/anna/garmin/answer", answer=family.ticket(link_in(question)))
    assert "Anna Example" in words_of(done)
    assert family.house.database("SELECT * FROM service_pause") == []
    assert family.accounts() == {("anna", "garmin"): "garmin:81000001"}


def test_when_the_block_has_passed_the_form_is_back(family: Street) -> None:
    admin = family.site.admin()
    family.house.garmin.gate.close("captcha")
    assert sign_in(admin, "anna", ANNA).status == 429
    family.house.garmin.gate.close(None)
    family.site.now += 2 * 3600 + 1
    page = admin.get("/connect/anna/garmin/progress")
    assert 'name="password"' in page.text
    assert "blocks sign-ins" not in words_of(page)


def link_in(question: Answer) -> str:
    assert "ticket=ST-…" in words_of(question)
    return next(
        str(one.attrib["href"])
        for one in read_html(question.text).iter("a")
        if one.attrib.get("target") == "_blank"
    )


def test_a_ticket_counts_once_and_must_be_one(family: Street) -> None:
    admin = family.site.admin()
    ticket = family.ticket(link_in(send(admin, "/connect/anna/garmin/browser")))
    assert send(admin, "/connect/anna/garmin/answer", answer=ticket).status == 200
    for wrong in (ticket, "https://sso.example.org/no-ticket"):
        send(admin, "/connect/anna/garmin/browser")
        answer = send(admin, "/connect/anna/garmin/answer", answer=wrong)
        assert answer.status == 403
        assert "does not take what you brought" in words_of(answer)


# --- TrainerRoad, and kinds of others -------------------------------------------------------------


def test_trainerroad_takes_a_password(family: Street) -> None:
    admin = family.site.admin()
    wrong = sign_in(admin, "anna", (RIDER[0], "wrong"), "trainerroad")
    assert wrong.status == 403
    done = sign_in(admin, "anna", RIDER, "trainerroad")
    assert "TrainerRoad calls this account: anna-rides." in words_of(done)
    assert family.accounts() == {("anna", "trainerroad"): "trainerroad:51000001"}


def test_trainerroad_takes_a_cookie(family: Street) -> None:
    admin = family.site.admin()
    question = send(admin, "/connect/anna/trainerroad/browser")
    assert "SharedTrainerRoadAuth" in words_of(question)
    wrong = send(admin, "/connect/anna/trainerroad/answer", answer="not-a-session")
    assert wrong.status == 403
    send(admin, "/connect/anna/trainerroad/browser")
    cookie = family.house.admin.tell("trainerroad", "cookie", account=RIDER[0])
    done = send(admin, "/connect/anna/trainerroad/answer", answer=cookie["value"])
    assert "anna-rides" in words_of(done)
    assert cookie["value"] not in done.text


def test_another_kind_gets_the_same_pages(family: Street) -> None:
    admin = family.site.admin()
    assert f'href="{JOURNAL}"' in admin.get("/connect").text
    form = {"username": "anna", "password": "same code"}
    assert "journal (my/journal) asks for a code" in words_of(send(admin, JOURNAL, **form))
    done = send(admin, f"{JOURNAL}/answer", answer="1")
    assert "Journal of Anna" in words_of(done)
    assert family.accounts() == {("anna", "my/journal"): "journal:journal-1"}
    assert "no sign-in with a browser here" in words_of(send(admin, f"{JOURNAL}/browser"))


def test_what_another_kind_does_wrong_is_told_without_its_secrets(
    family: Street, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin, anna = family.site.admin(), family.member("anna")
    locked = sign_in(admin, "anna", ("anna", "no"), "my%252Fjournal")
    assert locked.status == 403
    assert "The journal is locked." in words_of(locked)
    for visitor in (admin, anna):
        broken = sign_in(visitor, "anna", ("anna", "my-secret-word"), "my%252Fjournal")
        assert broken.status == 500
        assert "Something went wrong here" in words_of(broken)
        assert "my-secret-word" not in broken.text + caplog.text
        assert ("RuntimeError" in broken.text) == (visitor is admin)
    assert "task_failed" in caplog.text


# --- Who may, and who may not ---------------------------------------------------------------------


def test_the_account_of_somebody_else_is_refused(family: Street) -> None:
    admin, ben = family.site.admin(), family.member("ben")
    sign_in(admin, "anna", ANNA)
    told = sign_in(admin, "ben", ANNA)
    assert told.status == 409
    assert "already belongs to anna" in words_of(told)
    own = sign_in(ben, "ben", ANNA)
    assert own.status == 409
    assert "belongs to another person" in words_of(own)
    assert "anna" not in words_of(own)
    assert list(family.accounts()) == [("anna", "garmin")]


def test_somebody_with_a_link_connects_himself_and_sees_nobody_else(family: Street) -> None:
    ben = family.member("ben")
    page = ben.get("/connect")
    assert page.status == 200
    assert "anna" not in page.text
    assert 'aria-current="page">Connect' in page.text
    link = ben.connect("ben")
    assert link.startswith(family.house.sandbox.url)
    sign_in(ben, "ben", BEN)
    assert send(ben, "/connect/ben/garmin/answer", answer=BENS_CODE).status == 200
    assert send(ben, "/disconnect/ben/garmin").status == 200
    assert family.accounts() == {}


def test_others_and_what_does_not_exist_look_the_same(family: Street) -> None:
    ben, csrf = family.member("ben"), ""
    csrf = ben.csrf()
    paths = ("/connect/{}/garmin", "/connect/{}/garmin/progress")
    for path in (*paths, "/disconnect/{}", "/disconnect/{}/garmin", "/subscriptions/{}"):
        answers = [ben.get(path.format(name)) for name in ("anna", "carl")]
        assert {one.status for one in answers} == {404}
        assert answers[0].text.replace("anna", "carl") == answers[1].text
    for path in ("/connect/{}/garmin", "/connect/{}/garmin/browser", "/connect/{}/garmin/answer"):
        for name in ("anna", "carl"):
            form = {"username": "x", "password": "y", "answer": "z", "csrf": csrf}
            assert ben.post(path.format(name), **form).status == 404
    for path in ("/disconnect/anna", "/disconnect/anna/garmin", "/subscriptions/anna"):
        assert ben.post(path, csrf=csrf).status == 404
    for name in ("anna", "carl"):
        assert ben.post("/connect/withings", person=name, csrf=csrf).status == 404
    assert family.asked(LOGIN) == 0


@pytest.mark.parametrize("path", ["/connect/anna/file", "/connect/anna/polar", "/connect/x/y"])
def test_where_nobody_signs_in_there_is_no_page(family: Street, path: str) -> None:
    admin = family.site.admin()
    assert admin.get(path).status == 404
    assert admin.get(path.replace("/connect", "/disconnect")).status == 404


def test_a_sign_in_belongs_to_the_session_that_began_it(family: Street) -> None:
    one, other = family.site.admin(), family.site.admin()
    sign_in(one, "ben", BEN)
    assert other.get("/connect/ben/garmin/progress").status == 410
    assert send(other, "/connect/ben/garmin/answer", answer=BENS_CODE).status == 410
    assert family.accounts() == {}
    assert send(one, "/connect/ben/garmin/answer", answer=BENS_CODE).status == 200


def test_a_form_from_elsewhere_changes_nothing(family: Street) -> None:
    admin, stranger = family.site.admin(), family.site.visitor()
    family.connect("anna")
    sign_in(admin, "anna", ANNA)
    before, sent = family.accounts(), family.asked(LOGIN)
    form = {"username": ANNA[0], "password": ANNA[1], "answer": "x", "csrf": "x"}
    base = "/connect/anna/garmin"
    for path in (
        base,
        f"{base}/browser",
        f"{base}/answer",
        "/disconnect/anna",
        "/disconnect/anna/garmin",
        "/subscriptions/anna",
    ):
        for visitor in (admin, stranger):
            assert visitor.post(path, **form).status == 403
    assert (family.accounts(), family.asked(LOGIN)) == (before, sent)
    assert stranger.get(base).place.startswith("/sign-in")


# --- Pages for everybody --------------------------------------------------------------------------


def every_page(family: Street, admin: Visitor) -> Iterator[Answer]:
    family.connect("anna")
    family.subscribe(1)
    yield admin.get("/connect")
    yield admin.get("/connect/anna/garmin")
    yield sign_in(admin, "anna", (ANNA[0], "wrong"))
    yield sign_in(admin, "ben", BEN)
    yield send(admin, "/connect/ben/garmin/answer", answer="0")
    yield send(admin, "/connect/ben/garmin/answer", answer=BENS_CODE)
    yield send(admin, "/connect/anna/garmin/browser")
    yield send(admin, "/connect/anna/trainerroad/browser")
    yield send(admin, JOURNAL + "/browser")
    yield send(admin, "/subscriptions/anna")
    yield admin.get("/disconnect/anna")
    yield admin.get("/disconnect/ben/garmin")
    yield send(admin, "/disconnect/anna")
    yield send(admin, "/disconnect/ben/garmin")
    yield admin.get("/disconnect/ben/garmin")


def test_every_page_can_be_used_with_a_keyboard_and_heard(family: Street) -> None:
    for answer in every_page(family, family.site.admin()):
        check_page(read_html(answer.text))
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_the_pages_speak_every_language(family: Street, language: str) -> None:
    admin = family.site.visitor(Accept_Language=language)
    admin.sign_in(family.site.token)
    for path in ("/connect", "/connect/anna/garmin", "/disconnect/anna/garmin"):
        page = read_html(admin.get(path).text)
        assert page.attrib["lang"] == language
        assert "Sign " not in "".join(page.find("body/main").itertext())
