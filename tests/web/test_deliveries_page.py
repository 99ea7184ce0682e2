"""The pages about deliveries: what they show, to whom, and what a decision changes."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from fixtures.accessible_page import check_page
from fixtures.deliveries import (
    CUFF,
    DOUBTFUL,
    NOW,
    OF_BEN,
    PLAIN,
    TWICE,
    Deliveries,
    deliveries,
    forms_of,
    press,
    press_and_see,
    rows_of,
)
from fixtures.groups import group
from fixtures.history import DAY, fill
from fixtures.person_links import enter, make_link
from fixtures.places import Letterbox, Notebook
from fixtures.waiting import wait_until
from fixtures.web_server import Visitor, read_html, words_of
from weighbridge.core.delivery_state import State
from weighbridge.core.reason import reason
from weighbridge.i18n import LANGUAGES
from weighbridge.storage.logins import TakenAccount
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.storage.statements import statement
from weighbridge.sync.planner import GONE
from weighbridge.sync.services import Services
from weighbridge.testing.builders import NOON
from weighbridge.web.app_context import AppContext
from weighbridge.web.process import Server

VALUES = ("72.4", "72,4", "71.77", "71.66", "88.888", "118")


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deliveries]:
    """For tests that decide nothing."""
    with deliveries(tmp_path_factory.mktemp("quiet")) as made:
        yield made


@pytest.fixture(scope="module")
def admin(quiet: Deliveries) -> Visitor:
    return quiet.admin()


@pytest.fixture(scope="module")
def anna(quiet: Deliveries) -> Visitor:
    """She came by her own link."""
    return enter(quiet, make_link(quiet.admin()))


@pytest.fixture
def home(quiet: Deliveries) -> Iterator[Deliveries]:
    """For tests that change something: it is as before afterwards."""
    quiet.woken.clear()
    yield quiet
    quiet.restore()


# --- The list -------------------------------------------------------------------------------------


def test_the_list_says_what_went_where_newest_first(quiet: Deliveries, admin: Visitor) -> None:
    page = admin.get("/deliveries")
    check_page(read_html(page.text))
    found = rows_of(page)
    assert [row.address for row in found] == sorted(
        (row.address for row in found), key=lambda path: path.rpartition("/")[2], reverse=True
    )
    assert len(found) == 5
    newest = found[0]
    assert newest.address == quiet.address(PLAIN)
    assert newest.where == ["garmin waiting for a login", "table accepted"]
    assert newest.text.startswith("9 October 2025, 10:53 anna Weight 72.40 kg ")
    told = " ".join(row.text for row in found)
    assert "Blood pressure 118/76 mmHg" in told
    assert "ben Weight 88.89 kg" in told
    assert 'aria-current="page">Deliveries' in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("person=ben", ["box accepted"]),
        (
            "target=garmin",
            ["garmin waiting for a login"] * 2 + ["garmin waiting for a decision"] * 2,
        ),
        ("state=held&target=table", ["table waiting for a decision"] * 2),
        ("state=arrived&person=anna", ["table accepted"] * 2),
        ("state=delivered&person=anna&target=table", ["table accepted"] * 2),
        ("state=blocked&target=table", []),
        ("person=ben&target=garmin", []),
        ("state=skipped", []),
        ("state=superseded", []),
        ("target=fresh", []),
        ("person=&target=&state=", None),
    ],
)
def test_the_list_can_be_narrowed(admin: Visitor, query: str, found: list[str] | None) -> None:
    page = admin.get(f"/deliveries?{query}")
    listed = [line for row in rows_of(page) for line in row.where]
    assert listed == found if found is not None else len(listed) == 9
    assert ("There is no such delivery." in page.text) == (found == [])
    check_page(read_html(page.text))


@pytest.mark.parametrize(
    "query",
    [
        *("person=carl", "target=nowhere", "state=lost", "state=HELD", "person=%00", "state=%FF"),
        *(
            "before=x",
            "before=1.2.3",
            "before=1.x.99999999999999999999.0",
            "before=...",
            "before=1",
        ),
        "before=nan.x.1.1",
    ],
)
def test_odd_addresses_are_told(admin: Visitor, query: str) -> None:
    page = admin.get(f"/deliveries?{query}")
    assert page.status == 404
    assert "There is no such list" in words_of(page)
    check_page(read_html(page.text))


def test_a_place_beyond_both_ends_is_no_mistake(admin: Visitor) -> None:
    assert len(rows_of(admin.get(f"/deliveries?before={2**62}.x.0.0"))) == 5
    assert rows_of(admin.get(f"/deliveries?before=-{2**62}.x.0.0")) == []


def test_what_waits_for_somebody_stands_first_and_leads_to_it(admin: Visitor) -> None:
    page = admin.get("/deliveries")
    told = words_of(page)
    assert "4 deliveries wait for a decision: whose are the readings?" in told
    assert "2 deliveries wait for a login." in told
    assert 'href="/deliveries?state=held"' in page.text
    assert len(rows_of(admin.get("/deliveries?state=held"))) == 2


def test_what_cannot_be_true_spoils_no_page(home: Deliveries) -> None:
    with home.parts().open() as services:
        huge = group({1: "9999999999", 999: "3"}, group_id=8, taken_at=NOON - 9)
        fill(services.database, "anna", [huge])
        services.database.run("touch_everything", account=1)
    home.deliver("anna")
    home.change(CUFF, State.DELIVERED, taken_at=10**15)
    admin = home.admin()
    found = rows_of(admin.get("/deliveries?target=table"))
    assert len(found) == 5
    assert [row.address for row in found].index("") == 0, "an instant in no calendar"
    pages = [admin.get(row.address) for row in found[1:]]
    assert {page.status for page in pages} == {200}
    assert "Weight9999999999" in " ".join(words_of(page) for page in pages)


# --- Paging ---------------------------------------------------------------------------------------


def pages(visitor: Visitor, path: str) -> Iterator[list[str]]:
    """Reading and target of each line, a page at a time, until there is no older one."""
    while path:
        text = visitor.get(path).text
        found = []
        for row in text.split('<div class="what">')[1:]:
            (address,) = re.findall(r'class="why" href="([^"?]*)', row)
            found += [f"{address} {target}" for target in re.findall(r'"target">([^<]*)', row)]
        yield found
        older = re.findall(r'rel="next" href="([^"]*)"', text)
        path = unescape(older[0]) if older else ""


def test_a_thousand_deliveries_are_turned_over_once_each(home: Deliveries) -> None:
    with home.parts().open() as services:
        routes = [row["id"] for row in services.database.all("routes")]
        rows = [
            (route, f"20250101T000000Z-{number % 2}{number // 4}", number // 4)
            for number in range(340)
            for route in routes
            if (number + route) % 4
        ]
        with services.database.transaction():
            services.database._connection.executemany(
                "INSERT INTO delivery"
                " (route, kind, reading_id, taken_at, ordinal, revision, state, planned_at) VALUES"
                " (?, 'body', ?, ?, (SELECT count(*) FROM delivery), '', 'delivered', 0)",
                rows,
            )
    ((number,),) = home.house.database("SELECT count(*) FROM delivery WHERE state = 'delivered'")
    assert number > 1000
    admin = home.admin()
    turned = pages(admin, "/deliveries?state=arrived")
    seen = next(turned)
    home.change(DOUBTFUL, State.DELIVERED)  # comes in at the top meanwhile
    for page in turned:
        assert 0 < len(page) <= 50
        seen += page
    assert len(seen) == number
    named = dict(home.house.database("SELECT id, target FROM route"))
    expected = Counter(f"{reading_id} {named[route]}" for route, reading_id, _ in rows)
    assert Counter(one.rpartition("/")[2] for one in seen[-len(rows) :]) == expected
    assert "To the newest ones" in admin.get("/deliveries?before=1000.x.0.0").text


def test_a_page_costs_the_same_with_a_million_deliveries(tmp_path: Path) -> None:
    columns = ("route", "state", "taken_at", "reading_id", "ordinal", "most")
    by = {
        "deliveries_before": "sqlite_autoindex_delivery_1 (route=? AND (taken_at,",
        "arrived_before": "sqlite_autoindex_delivery_1 (route=? AND (taken_at,",
        "open_before": "delivery_open (route=? AND state=? AND taken_at<?)",
        "set_aside_before": "delivery_set_aside (route=? AND state=? AND taken_at<?)",
    }
    with SqliteDatabase(tmp_path) as database:
        for name, index in by.items():
            rows = database._connection.execute(
                f"EXPLAIN QUERY PLAN {statement(name)}", dict.fromkeys(columns, 0)
            )
            plan = "\n".join(row["detail"] for row in rows)
            assert index in plan, name
            assert "SCAN" not in plan, name
            # Only readings of the same instant are sorted.
            assert "FOR ORDER BY" not in plan, name


# --- One reading ----------------------------------------------------------------------------------


def test_a_reading_tells_what_was_measured_and_where_it_comes_from(
    quiet: Deliveries, admin: Visitor
) -> None:
    page = admin.get(quiet.address(PLAIN))
    check_page(read_html(page.text))
    told = words_of(page)
    assert "Reading of anna, 9 October 2025, 10:53" in told
    assert "Device: Body Smart. Weight72.40 kg Fat ratio21.3 %" in told
    assert "Group 1: Weight, Fat ratio Stored at Withings: 9 October 2025, 10:53." in told
    assert "Measured by a device, certainly this person." in told
    assert f"this reading is called {quiet.reading(PLAIN)}." in told
    assert "fresh not due It is older than the day on which fresh was connected." in told
    assert f"weighbridge why {quiet.reading(PLAIN)} names the command." in told


def test_a_doubtful_reading_asks_whose_it_is(quiet: Deliveries, admin: Visitor) -> None:
    page = admin.get(quiet.address(DOUBTFUL))
    check_page(read_html(page.text))
    told = words_of(page)
    assert "Whose is it? The scale was not sure who stood on it." in told
    assert "It is not certain who was measured." in told
    assert "but it may have been another person." in told
    (form,) = forms_of(page)
    assert form["buttons"] == {
        "accept": "Yes, it belongs to anna",
        "skip": "No, do not send it",
    }


@pytest.mark.parametrize(
    ("state", "columns", "words", "buttons"),
    [
        (State.PLANNED, {}, "waiting to be sent since", {"skip"}),
        (
            State.PLANNED,
            {"not_before": NOW + 7200.0},
            "Next try: 11 October 2025, 12:53.",
            {"skip"},
        ),
        (State.SENDING, {"claimed_at": NOW}, "being sent since 11 October", set()),
        (State.DELIVERED, {}, "accepted since 11 October", {"retry"}),
        (State.DELIVERED, {"look_until": NOW + DAY}, "until it shows up there", {"retry"}),
        (State.CONFIRMED, {"answer": "Seen at the target."}, "Seen at the target.", {"retry"}),
        (State.REJECTED, {"answer": "Too <heavy>."}, "Too <heavy>.", {"retry", "skip", "accept"}),
        (
            State.UNKNOWN,
            {},
            "looked at before anything is sent again: 11 October 2025, 10:58.",
            {"retry", "skip", "accept"},
        ),
        (
            State.BLOCKED,
            {"answer": "Log in."},
            "after a new login. Log in again",
            {"retry", "skip"},
        ),
        (State.SUPERSEDED, {"answer": GONE}, "it was deleted at Withings", set()),
        (State.SKIPPED, {}, "unless the reading changes", {"retry"}),
        (State.HELD, {}, "Nothing happens until a person decides.", {"accept", "skip"}),
    ],
)
def test_each_state_is_explained_with_the_decisions_that_it_allows(
    home: Deliveries, state: State, columns: dict[str, Any], words: str, buttons: set[str]
) -> None:
    home.change(PLAIN, State.SENDING, "garmin")
    home.change(PLAIN, state, **columns)
    page = home.admin().get(home.address(PLAIN))
    check_page(read_html(page.text))
    assert words in words_of(page)
    assert {one for form in forms_of(page) for one in form["buttons"]} == buttons


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Letterbox, "This target cannot be read. Look there yourself, then decide."),
        (Notebook, "It is sent again by itself. That does no harm there."),
    ],
)
def test_what_may_have_arrived_is_told_by_what_the_target_can(
    home: Deliveries, monkeypatch: pytest.MonkeyPatch, place: type[Letterbox], words: str
) -> None:
    home.change(PLAIN, State.UNKNOWN)
    made = place(lambda: home.now)
    monkeypatch.setattr(Services, "target", lambda services, person, target: made)
    assert words in words_of(home.admin().get(home.address(PLAIN)))


def test_trouble_and_pauses_put_the_next_try_off(home: Deliveries) -> None:
    home.change(PLAIN, State.PLANNED)
    with home.parts().open() as services:
        services.database._connection.execute(
            "UPDATE route SET pause_until = ?, attempted_at = ? WHERE target = 'table'",
            [NOW + 10_800.0, NOW],
        )
    told = words_of(home.admin().get(home.address(PLAIN)))
    assert "Next try: 11 October 2025, 13:53." in told


def test_a_target_that_is_not_configured_any_more_is_named(home: Deliveries) -> None:
    with home.parts().open() as services:
        services.database._connection.execute(
            "UPDATE route SET target = 'attic' WHERE target = 'table'"
        )
    admin = home.admin()
    assert rows_of(admin.get("/deliveries?target=attic"))
    page = admin.get(f"/deliveries/anna/{rows_of(admin.get('/deliveries'))[0].address[-23:]}")
    assert "attic accepted" in words_of(page)
    assert "not configured any more" in words_of(page)
    admin.get("/deliveries?state=held&target=attic")
    assert (
        "what=skip_held&amp;target=attic" in admin.get("/deliveries?state=held&target=attic").text
    )
    back = admin.get("/deliveries/all?what=skip_held&target=attic")
    assert back.place == "/deliveries?target=attic", "nothing can be decided there"


@pytest.mark.parametrize(
    "path", ["anna/x", "anna/20251009T085320Z-000000", "carl/20251009T085320Z-000000", "/", "anna/"]
)
def test_what_is_not_there_is_not_found(admin: Visitor, path: str) -> None:
    assert admin.get(f"/deliveries/{path}").status == 404


def test_the_way_back_leads_to_the_list_one_came_from(quiet: Deliveries, admin: Visitor) -> None:
    query = "person=anna&target=table&state=held"
    listed = admin.get(f"/deliveries?{query}")
    page = admin.get(rows_of(listed)[0].address)
    assert f"/deliveries?{query}" in unescape(page.text)
    odd = admin.get(f"{quiet.address(PLAIN)}?state=lost")
    assert odd.status == 200


# --- Decisions ------------------------------------------------------------------------------------


def test_an_accepted_reading_is_delivered_to_every_target(home: Deliveries) -> None:
    admin = home.admin()
    assert home.reading(DOUBTFUL) not in home.lines()
    told = press_and_see(admin, f"{home.address(DOUBTFUL)}?state=held", "accept")
    assert "2 deliveries were accepted." in words_of(told)
    assert "/deliveries?state=held" in told.text
    assert home.states(DOUBTFUL) == {"garmin": "planned", "table": "planned"}
    assert home.woken == ["anna"]
    home.deliver("anna")
    assert home.reading(DOUBTFUL) in home.lines()
    assert home.states(DOUBTFUL)["table"] == "delivered"
    assert home.states(TWICE)["table"] == "held", "the other one still waits"
    assert "were accepted" not in words_of(admin.get(home.address(DOUBTFUL))), "told once"


def test_the_server_delivers_by_itself_what_was_accepted(tmp_path: Path) -> None:
    class Living(Deliveries):
        """Pages of a server whose threads are at work."""

        def parts(self) -> AppContext:
            return server.context if server else super().parts()

    server: Server | None = None
    with deliveries(tmp_path, Living) as site:
        server = Server(site.settings)
        try:
            server.start()
            with Living(site.house) as living:
                told = press_and_see(living.admin(), living.address(DOUBTFUL), "accept")
                assert "2 deliveries were accepted." in words_of(told)
                wait_until(lambda: living.states(DOUBTFUL)["table"] == "delivered")
                assert living.reading(DOUBTFUL) in living.lines()
        finally:
            server.stop()
            server = None


def test_what_is_not_mine_is_not_sent(home: Deliveries) -> None:
    told = press_and_see(home.admin(), home.address(DOUBTFUL), "skip")
    assert "2 deliveries are left out." in words_of(told)
    assert "left out since 11 October 2025, 10:53 A person decided not to send it." in words_of(
        told
    )
    home.deliver("anna")
    assert home.states(DOUBTFUL) == {"garmin": "skipped", "table": "skipped"}
    assert home.reading(DOUBTFUL) not in home.lines()


def test_a_retry_sends_what_was_refused(home: Deliveries) -> None:
    home.change(PLAIN, State.REJECTED, answer="It was full.")
    table = 0
    told = press_and_see(home.admin(), home.address(PLAIN), "retry", table)
    assert "1 delivery is sent again." in words_of(told)
    assert "It is sent in a moment." in words_of(told)
    assert home.states(PLAIN) == {"garmin": "blocked", "table": "planned"}
    home.deliver("anna")
    assert home.states(PLAIN)["table"] == "delivered"
    assert home.lines().count(home.reading(PLAIN)) == 1


def test_what_is_there_already_is_not_asked_about_again(home: Deliveries) -> None:
    home.change(PLAIN, State.REJECTED)
    told = press_and_see(home.admin(), home.address(PLAIN), "accept")
    assert "A person accepted it." in words_of(told)
    assert home.states(PLAIN)["table"] == "delivered"


def test_a_doubled_click_decides_once(home: Deliveries) -> None:
    admin = home.admin()
    page = admin.get(home.address(DOUBTFUL))
    for _ in range(2):
        place = press(admin, page, "accept").place
    told = words_of(admin.get(place))
    assert "2 deliveries were accepted. Nothing was changed: this had been decided already" in told
    assert home.woken == ["anna"]


@pytest.mark.parametrize("meanwhile", [State.SENDING, State.DELIVERED, State.SKIPPED])
def test_what_changed_meanwhile_is_left_alone(home: Deliveries, meanwhile: State) -> None:
    home.change(PLAIN, State.REJECTED)
    admin = home.admin()
    page = admin.get(home.address(PLAIN))
    home.change(PLAIN, meanwhile)
    answer = press(admin, page, "retry")
    assert home.states(PLAIN)["table"] == meanwhile
    assert "Nothing was changed" in words_of(admin.get(answer.place))
    assert home.woken == []


def test_a_newer_revision_is_not_meant_by_an_old_page(home: Deliveries) -> None:
    home.change(PLAIN, State.REJECTED)
    admin = home.admin()
    page = admin.get(home.address(PLAIN))
    with home.parts().open() as services:
        changed = group({1: "72.5"}, group_id=1, updated_at=NOON + 99)
        fill(services.database, "anna", [changed])
        services.database.run("touch_everything", account=1)
    home.deliver("anna")
    (count,) = home.house.database(
        "SELECT count(*) FROM delivery WHERE ordinal = 1 AND taken_at = ?", PLAIN.taken_at
    )[0]
    assert count == 2, "at two targets"
    home.change(PLAIN, State.REJECTED)
    press(admin, page, "accept")
    assert home.states(PLAIN)["table"] == "rejected"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"decision": "retry"},
        {"decision": "explode", "states": "1.rejected"},
        {"decision": "retry", "states": "x y.z 1.rejected. 99999999999999999999.held"},
        {"decision": "accept", "states": "1.delivered 2.delivered 3.delivered 4.delivered"},
    ],
)
def test_odd_forms_change_nothing(home: Deliveries, form: dict[str, str]) -> None:
    before = home.house.database("SELECT * FROM delivery")
    admin = home.admin()
    csrf = admin.csrf()
    answer = admin.post(home.address(PLAIN), csrf=csrf, **form)
    assert answer.status == 303
    assert "Nothing was changed" in words_of(admin.get(answer.place))
    assert home.house.database("SELECT * FROM delivery") == before


def test_a_form_without_its_word_changes_nothing(home: Deliveries) -> None:
    admin, other = home.admin(), home.admin()
    (form,) = forms_of(admin.get(home.address(DOUBTFUL)))
    fields = {"states": form["fields"]["states"], "decision": "accept"}
    for csrf in ({}, {"csrf": "x"}, {"csrf": other.csrf()}):
        assert admin.post(home.address(DOUBTFUL), **fields, **csrf).status == 403
    assert home.visitor().post(home.address(DOUBTFUL), **fields).status == 403
    ask = admin.get("/deliveries/all?what=accept_held")
    mark = forms_of(ask)[0]["fields"]["mark"]
    assert admin.post("/deliveries/all?what=accept_held", mark=mark, csrf="x").status == 403
    assert set(home.states(DOUBTFUL).values()) == {"held"}


# --- All of them ----------------------------------------------------------------------------------


def test_all_that_was_refused_is_sent_again_after_a_question(home: Deliveries) -> None:
    for one in (PLAIN, CUFF):
        home.change(one, State.REJECTED)
    admin = home.admin()
    listed = admin.get("/deliveries?state=rejected&target=table")
    assert "Send all of these again" in listed.text
    ask = admin.get("/deliveries/all?what=retry_rejected&target=table&state=rejected")
    check_page(read_html(ask.text))
    assert "Send 2 refused deliveries again? anna, table: 2" in words_of(ask)
    assert home.states(PLAIN)["table"] == "rejected", "nothing is done before the answer"
    answer = press(admin, ask)
    assert answer.place == "/deliveries?target=table&state=rejected"
    assert "2 deliveries are sent again." in words_of(admin.get(answer.place))
    assert home.woken == ["anna"]
    home.deliver("anna")
    assert home.states(CUFF)["table"] == home.states(PLAIN)["table"] == "delivered"
    again = press(admin, ask)
    assert "Nothing was changed" in words_of(admin.get(again.place))


def test_all_that_is_held_is_accepted_at_every_target(home: Deliveries) -> None:
    admin = home.admin()
    ask = admin.get("/deliveries/all?what=accept_held&target=table")
    told = words_of(ask)
    assert "Accept 4 deliveries of doubtful owner?" in told
    assert "anna, garmin: 2 anna, table: 2" in told
    press(admin, ask)
    home.deliver("anna")
    assert {home.reading(DOUBTFUL), home.reading(TWICE)} <= set(home.lines())


def test_others_than_those_that_were_shown_are_shown_first(home: Deliveries) -> None:
    for one in (PLAIN, CUFF):
        home.change(one, State.REJECTED)
    admin = home.admin()
    ask = admin.get("/deliveries/all?what=skip_rejected")
    home.change(CUFF, State.DELIVERED)
    answer = press(admin, ask)
    anew = admin.get(answer.place)
    assert "Leave 1 refused delivery out?" in words_of(anew)
    assert "other deliveries are meant now than before" in words_of(anew)
    assert home.states(PLAIN)["table"] == "rejected"
    press(admin, anew)
    assert home.states(PLAIN)["table"] == "skipped"


@pytest.mark.parametrize("what", ["", "retry", "explode", "accept_rejected", "retry_held"])
def test_only_what_makes_sense_can_be_decided_about_all(admin: Visitor, what: str) -> None:
    assert admin.get(f"/deliveries/all?what={what}").status == 404
    assert admin.post(f"/deliveries/all?what={what}", csrf=admin.csrf()).status == 404


def test_a_question_about_nothing_is_not_asked(admin: Visitor) -> None:
    asked = admin.get("/deliveries/all?what=retry_rejected&person=ben")
    assert asked.place == "/deliveries?person=ben"


# --- Who sees what --------------------------------------------------------------------------------


def test_a_person_sees_what_is_her_own_and_no_name_of_others(
    quiet: Deliveries, anna: Visitor
) -> None:
    page = anna.get("/deliveries")
    assert len(rows_of(page)) == 4
    assert "ben" not in words_of(page)
    assert "box" not in page.text
    assert 'name="person"' not in page.text
    one = anna.get(quiet.address(PLAIN))
    check_page(read_html(one.text))
    assert "Log in again" in words_of(one)


def test_nobody_can_tell_whether_others_are_there(quiet: Deliveries, anna: Visitor) -> None:
    bens = quiet.reading(OF_BEN, "ben")
    csrf = anna.get(quiet.address(PLAIN)).field("csrf")
    for theirs, nowhere in (
        ("/deliveries?person=ben", "/deliveries?person=carl"),
        ("/deliveries?target=box", "/deliveries?target=fox"),
        (f"/deliveries/ben/{bens}", f"/deliveries/carl/{bens}"),
        (f"/deliveries/anna/{bens}", f"/deliveries/anna/{bens[:-1]}x"),
        ("/deliveries/all?what=accept_held&person=ben", "/deliveries/all?what=x"),
    ):
        answers = [anna.get(path) for path in (theirs, nowhere)]
        assert [one.status for one in answers] == [404, 404]
        assert words_of(answers[0]) == words_of(answers[1])
    for person in ("ben", "carl"):
        form = {"csrf": csrf, "decision": "retry", "states": "1.delivered"}
        assert anna.post(f"/deliveries/{person}/{bens}", **form).status == 404
    assert quiet.states(OF_BEN, "ben") == {"box": "delivered"}


def test_a_person_decides_about_her_own_readings_alone(home: Deliveries) -> None:
    mine = group({1: "87.1"}, group_id=12, taken_at=NOON - 5 * DAY, attribution=1)
    with home.parts().open() as services:
        fill(services.database, "ben", [mine])
        services.database.run("touch_everything", account=2)
    home.deliver("ben")
    anna = enter(home, make_link(home.admin()))
    bens = home.house.database("SELECT id FROM delivery WHERE taken_at = ?", mine.taken_at)[0][0]
    csrf = anna.get(home.address(DOUBTFUL)).field("csrf")
    form = {"csrf": csrf, "decision": "accept", "states": f"{bens}.held"}
    anna.post(home.address(DOUBTFUL), **form)
    assert home.states(mine, "ben") == {"box": "held"}
    ask = anna.get("/deliveries/all?what=accept_held")
    assert "Accept 4 deliveries" in words_of(ask)
    press(anna, ask)
    assert set(home.states(DOUBTFUL).values()) == {"planned"}
    assert home.states(mine, "ben") == {"box": "held"}
    assert home.woken == ["anna"]


def test_an_answer_that_names_others_is_for_the_admin_alone(home: Deliveries) -> None:
    taken = TakenAccount("Garmin", "Ben").reason
    outer = reason("target.log_in", cause=taken)
    for why in (taken, outer):
        home.change(PLAIN, State.REJECTED, answer=why)
        assert "Ben" in home.admin().get(home.address(PLAIN)).text
        anna = enter(home, make_link(home.admin()))
        assert "Ben" not in anna.get(home.address(PLAIN)).text
    home.change(PLAIN, State.REJECTED, answer="The bench is full.")
    assert "The bench is full." in words_of(anna.get(home.address(PLAIN)))


def test_strangers_are_asked_in(quiet: Deliveries) -> None:
    stranger = quiet.visitor()
    for path in ("/deliveries", "/deliveries/all?what=accept_held", quiet.address(PLAIN)):
        assert stranger.get(path).place.startswith("/sign-in?next=%2Fdeliveries")


def test_no_value_is_in_an_address_or_in_the_log(
    home: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin = home.admin()
    page = admin.get(home.address(DOUBTFUL))
    told = press_and_see(admin, home.address(DOUBTFUL), "accept")
    addresses = [
        value
        for answer in (page, told, admin.get("/deliveries"))
        for one in read_html(answer.text).iter()
        for name, value in one.attrib.items()
        if name in ("href", "action", "src")
    ]
    assert "deliveries_decided" in caplog.text
    for value in VALUES:
        assert value not in " ".join(addresses)
        assert value not in caplog.text
    assert home.reading(DOUBTFUL) not in caplog.text


# --- For everyone ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_speaks_every_language(quiet: Deliveries, admin: Visitor, language: str) -> None:
    paths = ["/deliveries", "/deliveries?state=skipped", "/deliveries?person=carl"]
    paths += ["/deliveries/all?what=accept_held", quiet.address(PLAIN), quiet.address(DOUBTFUL)]
    english = [words_of(admin.get(path)) for path in paths]
    for path, words in zip(paths, english, strict=True):
        answer = admin.get(path, **{"Accept-Language": language})
        assert f'<html lang="{language}">' in answer.text
        assert (words_of(answer) == words) == (language == "en")


def test_nothing_needs_a_script(quiet: Deliveries, admin: Visitor) -> None:
    for path in ("/deliveries", quiet.address(DOUBTFUL), "/deliveries/all?what=skip_held"):
        page = admin.get(path)
        (script,) = read_html(page.text).iter("script")
        assert "/static/site." in script.attrib["src"], "it writes dates and nothing else"
        assert "style=" not in page.text


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    from fixtures.cli import House

    house = House(tmp_path)
    try:
        house.person("a/b c")
        house.target("a/b c", "file", 'name = "x/y"\npath = "x.json"\nsince = 2000-01-01')
        with Deliveries(house) as made:
            made.now = NOW
            with made.parts().open() as services:
                fill(services.database, "a/b c", [DOUBTFUL])
            made.deliver("a/b c")
            admin = made.admin()
            (row,) = rows_of(admin.get(f"/deliveries?target={quote('x/y')}"))
            told = press_and_see(admin, row.address, "accept")
            assert "1 delivery was accepted." in words_of(told)
    finally:
        house.close()
