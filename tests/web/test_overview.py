"""The overview: what a card says, to whom, in which words; and that looking changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from fixtures.accessible_page import check_page
from fixtures.cli import House
from fixtures.groups import group
from fixtures.history import DAY, fill
from fixtures.ledger import add
from fixtures.person_links import enter, make_link
from fixtures.web_server import Answer, Site, Visitor, read_html, site, words_of
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, RetryLater
from weighbridge.i18n import LANGUAGES, texts
from weighbridge.sources.withings.notification import Notification
from weighbridge.storage.archive import account_archive
from weighbridge.storage.database import Database
from weighbridge.storage.ledger import Ledger
from weighbridge.storage.logins import WITHINGS
from weighbridge.storage.notification_store import store_notifications
from weighbridge.storage.points import Points
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.storage.subscription_store import SubscriptionStore
from weighbridge.testing.builders import NOON as NOW
from weighbridge.testing.builders import UNTHINKABLE, measurement
from weighbridge.web.preferences import UnitChoice
from weighbridge.web.views.overview import Calendar
from weighbridge.web.views.person_card import NewestReading, NewestReadings
from weighbridge.web.wording import ValueFormat

PUBLIC = "scale.example.org"
ODD_NAME = """Jörg "J" <b>O'Neil</b>/2"""
BENS = "88.888"
FILE = 'path = "anna.jsonl"\nname = "diary"\nsince = 2000-01-01'
TROUBLE = "This login belongs to ben."
HOUR = 3600


@contextmanager
def household(home: Path, *, server: str = "") -> Iterator[Site]:
    """Anna with two targets, Ben and somebody with an odd name without."""
    house = House(home)
    try:
        house.person("anna")
        house.target("anna", "garmin")
        house.target("anna", "file", FILE)
        house.person("ben")
        house._people[ODD_NAME.replace('"', '\\"')] = []
        house._options[ODD_NAME.replace('"', '\\"')] = ""
        with Site(house, server) as made:
            yield made
    finally:
        house.close()


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with household(tmp_path_factory.mktemp("overview"), server=f'url = "https://{PUBLIC}"') as made:
        with SqliteDatabase(made.settings.home) as database:
            fill(database, "anna", annas_groups())
            fill(database, "ben", [group({1: BENS}, group_id=900)])
            log_in(database, "anna")
        yield made


@pytest.fixture
def database(family: Site) -> Iterator[Database]:
    with SqliteDatabase(family.settings.home) as database:
        yield database


@pytest.fixture(scope="module")
def admin(family: Site) -> Visitor:
    return family.admin()


@pytest.fixture(scope="module")
def anna(family: Site, admin: Visitor) -> Visitor:
    return enter(family, make_link(admin))


def annas_groups() -> Iterator[Any]:
    """A weight each day, the last one a kilogram up, and a blood pressure an hour before it."""
    for day in range(100):
        at = NOW - HOUR - day * DAY
        yield group({1: "70.4" if day else "71.4", 6: "22.3"}, group_id=day + 1, taken_at=at)
    for day, systolic in enumerate((128, 125)):
        values = {10: systolic, 9: 82, 11: 64}
        yield group(values, group_id=500 + day, taken_at=NOW - 2 * HOUR - day * DAY)


def log_in(database: Database, person: str) -> None:
    database.run(
        "store_credential", person=person, service=WITHINGS, account="1", secret="x", now=NOW
    )


def route(database: Database, target: str) -> Ledger:
    """A target of anna that has been planned; nothing is open there and there is no trouble."""
    ledger = Ledger(database, "anna", target, NOW)
    with database.transaction():
        ledger.keep_fingerprint("x")
        database._connection.execute("DELETE FROM delivery WHERE route = ?", [ledger.route])
        ledger.note_success(NOW)
        ledger.note_attempt(NOW)
    return ledger


def card(visitor: Visitor, person: str = "anna", **headers: str) -> str:
    """The words of a card, which must be correct HTML."""
    answer = visitor.get(f"/card/{quote(person, safe='')}", **headers)
    assert answer.status == 200
    whole = f"<!doctype html><html><head><title>x</title></head><body>{answer.text}</body></html>"
    (body,) = read_html(whole).iter("body")
    return " ".join("".join(body.itertext()).split())


# --- What a card says -----------------------------------------------------------------------------


def test_a_card_says_what_was_measured_last_and_how_it_changed(anna: Visitor) -> None:
    told = card(anna)
    assert "Weight 71.40 kg Today, 09:53 Fat ratio 22.3 %" in told
    assert "+1.00 kg since 8 October 2025 Blood pressure" in told
    assert "Blood pressure 128/82 mmHg Today, 08:53 Pulse 64 bpm" in told
    assert "+3/0 mmHg since" in told


def test_the_chart_shows_ninety_days_and_is_drawn_by_the_server(anna: Visitor) -> None:
    text = anna.get("/card/anna").text
    assert 'role="img"' in text
    assert text.count('class="points one"') == text.count('class="trend one"') == 1
    assert 90 <= text.count("h.1") <= 91
    assert "Weight, 90 days" in text
    assert 'href="/history/anna"' in text


def test_the_page_says_when_it_was_made_and_where_news_come_from(
    family: Site, admin: Visitor
) -> None:
    family.live.tell("ben")
    answer = admin.get("/")
    assert "This is how it was on 9 October 2025, 10:53." in words_of(answer)
    mark = family.live.mark(["anna", "ben"])
    assert f'data-events="/events?after={mark}"' in answer.text
    assert 'data-card="/card/anna"' in answer.text
    assert 'aria-live="polite"' in answer.text


def test_the_page_holds_no_style_and_no_script_of_its_own(admin: Visitor) -> None:
    root = read_html(admin.get("/").text)
    check_page(root)
    assert all(script.attrib["src"].startswith("/static/") for script in root.iter("script"))
    assert not [one for one in root.iter() if "style" in one.attrib or one.tag == "style"]
    assert not [name for one in root.iter() for name in one.attrib if name.startswith("on")]


def test_a_card_in_the_page_is_the_card_alone(admin: Visitor) -> None:
    assert admin.get("/card/anna").text.strip() in admin.get("/").text


def test_somebody_without_an_account_is_asked_to_connect(admin: Visitor) -> None:
    told = card(admin, ODD_NAME)
    assert "No reading yet." in told
    assert "Withings Not connected yet. Connect No target is configured." in told
    assert "Notifications" not in told


# --- Targets --------------------------------------------------------------------------------------


def test_a_target_that_has_everything_is_up_to_date(database: Database, anna: Visitor) -> None:
    route(database, "diary")
    assert "diary Up to date." in card(anna)


def test_what_waits_is_counted_with_the_time_of_the_next_try(
    family: Site, database: Database, anna: Visitor
) -> None:
    ledger = route(database, "diary")
    for number in range(3):
        add(ledger, NOW + number, settles_at=NOW + 11_500)
    assert "diary 3 waiting, next try 14:05." in card(anna)
    with database.transaction():
        ledger.note_trouble(RetryLater("It is closed."), NOW - 100)
        ledger.pause(NOW + 2 * DAY)
    assert "diary 3 waiting, next try 11 October 2025, 10:53." in card(anna)


def test_a_login_that_is_needed_leads_to_the_page_that_cures_it(
    database: Database, admin: Visitor, anna: Visitor
) -> None:
    ledger = route(database, "garmin")
    with database.transaction():
        ledger.note_trouble(LoginNeeded(TROUBLE), NOW - 100)
    told = card(admin)
    assert f"garmin A new login is needed. {TROUBLE} Log in again" in told
    assert '<a class="button" href="/connect">Log in again</a>' in admin.get("/card/anna").text
    told = card(anna)
    assert "garmin A new login is needed. Log in again" in told
    assert "ben" not in told, "what was said may name others"
    assert '<a class="button" href="/connect">Log in again</a>' in anna.get("/card/anna").text


def test_a_reading_that_waits_for_a_decision_is_counted_once_for_all_targets(
    database: Database, anna: Visitor
) -> None:
    for target in ("garmin", "diary"):
        add(route(database, target), NOW, state=State.HELD)
    add(route(database, "diary"), NOW + 1, state=State.HELD)
    add(Ledger(database, "anna", "diary", NOW), NOW, state=State.HELD)
    add(Ledger(database, "anna", "of yore", NOW), NOW + 5, state=State.HELD)
    assert "2 readings wait for a decision: whose are they? Decide" in card(anna)
    assert 'href="/deliveries?person=anna&amp;state=held"' in anna.get("/card/anna").text
    route(database, "garmin")
    route(database, "diary")


def test_what_was_refused_leads_to_the_deliveries(database: Database, anna: Visitor) -> None:
    add(route(database, "diary"), NOW, state=State.REJECTED)
    assert "diary 1 refused (permanently). Look at it" in card(anna)
    place = 'href="/deliveries?person=anna&amp;target=diary&amp;state=rejected"'
    assert place in anna.get("/card/anna").text
    route(database, "diary")


def test_a_kind_that_is_not_installed_spoils_nothing_else(
    family: Site, admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from weighbridge.targets import garmin

    broken = msgspec.structs.replace(garmin.KIND, requires=("there_is_no_such_package",))
    monkeypatch.setattr(garmin, "KIND", broken)
    told = card(admin)
    assert "garmin Cannot be served." in told
    assert "Weight 71.40 kg" in told


# --- Withings and its notifications ---------------------------------------------------------------


def test_the_last_and_the_next_look_are_said(
    family: Site, database: Database, anna: Visitor
) -> None:
    archive = account_archive(database, "anna")
    assert archive is not None
    with database.transaction():
        archive.note_checked(NOW - 60)
    family.next_asks["anna"] = NOW + HOUR
    assert "Withings Last read: 10:52. Next check: 11:53." in card(anna)
    family.next_asks["anna"] = NOW - 1
    assert "Next check: now." in card(anna)
    with database.transaction():
        archive.note_trouble(RetryLater("Withings does not answer."), NOW - 30)
    assert "Could not be read since 10:52." in card(anna)


def test_the_health_of_the_notifications_is_said(database: Database, anna: Visitor) -> None:
    archive = account_archive(database, "anna")
    assert archive is not None
    assert "Notifications Not subscribed yet. Weighbridge asks Withings every 3 hours." in card(
        anna
    )
    care = SubscriptionStore(database, archive.account)
    with database.transaction():
        care.begin("https://x.test")
        care.note_in_order(NOW, NOW + DAY)
    assert "Notifications Subscribed. No notification in the last 30 days." in card(anna)
    store_notifications(database, [(Notification(archive.userid, 1, NOW, NOW), NOW - 300.0)])
    assert "Subscribed. Last notification: 10:48." in card(anna)
    with database.transaction():
        care.note_trouble(RetryLater("Withings refuses the address."), NOW - 2 * DAY, NOW + 60)
    told = card(anna)
    assert "No notifications since 7 October 2025, 10:53. Weighbridge repairs this" in told
    assert "refuses the address" not in told


def test_without_a_public_address_nobody_can_be_told(tmp_path: Path) -> None:
    with site(tmp_path, server="poll_minutes = 25") as made:
        with SqliteDatabase(made.settings.home) as database:
            fill(database, "anna", [group({1: "70.4"})])
        told = card(made.admin())
        assert "None: there is no public address" in told
        assert "Weighbridge asks Withings every 25 minutes." in told


# --- Who sees what --------------------------------------------------------------------------------


def bare(answer: Answer) -> tuple[int, str, list[tuple[str, str]]]:
    headers = [(name, text) for name, text in answer.headers.items() if name != "date"]
    return answer.status, answer.text, headers


def test_a_person_sees_the_own_card_and_no_trace_of_another(anna: Visitor) -> None:
    page = anna.get("/").text
    assert page.count("data-card=") == 1
    for trace in ("ben", BENS, "O&#39;Neil"):
        assert trace not in page
    assert "71.40" in page


@pytest.mark.parametrize("kind", ["text/html", "*/*"])
def test_a_card_of_another_answers_as_if_there_were_nobody(anna: Visitor, kind: str) -> None:
    other, nobody = (anna.get(f"/card/{name}", Accept=kind) for name in ("ben", "zoe"))
    assert other.status == 404
    assert bare(other)[0] == bare(nobody)[0]
    assert bare(other)[1].replace("ben", "zoe") == bare(nobody)[1]
    assert bare(other)[2] == bare(nobody)[2]
    assert BENS not in other.text


def test_the_admin_sees_everybody(admin: Visitor) -> None:
    page = admin.get("/").text
    assert page.count("data-card=") == 3
    assert "71.40" in page
    assert "88.89" in page


def test_strangers_are_asked_in(family: Site) -> None:
    stranger = family.visitor()
    assert stranger.get("/").place == "/sign-in?next=%2F"
    assert stranger.get("/card/anna").status == 303
    assert stranger.get("/card/anna", Accept="text/plain").status == 401


def test_a_name_can_be_anything(admin: Visitor) -> None:
    page = admin.get("/")
    assert "<b>" not in page.text
    (item,) = [
        one for one in read_html(page.text).iter("li") if one.attrib.get("data-person") == ODD_NAME
    ]
    assert admin.get(item.attrib["data-card"]).status == 200


# --- In the words and units of the visitor --------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_its_own_words(anna: Visitor, language: str) -> None:
    told = card(anna, **{"Accept-Language": language})
    number = "71.40" if language == "en" else "71,40"
    assert number in told
    assert texts(language)("overview.notifications") in told
    assert texts(language)("overview.blood_pressure") in told
    assert "{" not in told


def test_numbers_and_times_can_be_written_anew_by_the_browser(anna: Visitor) -> None:
    text = anna.get("/card/anna").text
    assert '<data value="71.40" data-number="2">71.40</data>\N{NO-BREAK SPACE}kg' in text
    assert '<data value="1.00" data-number="2" data-signed>+1.00</data>' in text
    assert '<time datetime="2025-10-09T07:53:20+00:00" data-when="time">09:53</time>' in text


def test_units_are_those_that_were_chosen_for_the_history(family: Site, admin: Visitor) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in admin.cookies.items())
    american = family.visitor(Cookie=f"{cookie}; units=st")
    told = card(american)
    assert "Weight 11 st 3.4 lb" in told
    assert "+2.2 lb since" in told
    assert admin.get("/?units=cubits").status == 200


# --- Odd readings ---------------------------------------------------------------------------------


def newest(home: Path, *groups: Any, now: float = NOW) -> list[NewestReading]:
    with SqliteDatabase(home) as database:
        archive = fill(database, "anna", groups)
        value_format = ValueFormat(texts("en"), UnitChoice(()))
        return NewestReadings(value_format, Points(archive), now).all()


def test_what_cannot_be_true_is_passed_over(tmp_path: Path) -> None:
    (only,) = newest(
        tmp_path,
        group({1: "71.0"}, group_id=1, taken_at=NOW - 3 * DAY),
        group({1: "70.0"}, group_id=2, taken_at=NOW - 2 * DAY),
        group([measurement(1, "7e30")], group_id=3, taken_at=NOW - 1),
        group({1: "5.0"}, group_id=4, taken_at=NOW + 40 * DAY),
        group({1: "6.0"}, group_id=5, taken_at=UNTHINKABLE),
    )
    assert (only.taken_at, only.value.striptags()) == (NOW - 2 * DAY, "70.00 kg")
    assert only.change is not None
    assert only.change.striptags() == "\N{MINUS SIGN}1.00 kg"


def test_a_first_reading_has_no_change_and_an_equal_one_an_empty_change(tmp_path: Path) -> None:
    one = group({1: "70.004"}, group_id=1, taken_at=NOW - DAY)
    (first,) = newest(tmp_path, one)
    assert (first.change, first.before_at) == (None, None)
    (second,) = newest(tmp_path, one, group({1: "70.001"}, group_id=2))
    assert (second.change, second.before_at) == ("", NOW - DAY)


def test_half_a_blood_pressure_is_none(tmp_path: Path) -> None:
    (only,) = newest(
        tmp_path,
        group({10: 120, 9: 80}, group_id=1, taken_at=NOW - DAY),
        group({10: 140}, group_id=2),
    )
    assert only.value.striptags() == "120/80 mmHg"


def test_what_is_much_older_is_not_shown_beside_the_newest(tmp_path: Path) -> None:
    found = newest(
        tmp_path,
        group({71: "36.6"}, group_id=1, taken_at=NOW - 100 * DAY),
        group({1: "70.0"}, group_id=2, taken_at=NOW - 50 * DAY),
        group({10: 120, 9: 80}, group_id=3),
    )
    assert [one.name for one in found] == ["Blood pressure", "Weight"]


def test_whoever_measures_something_else_sees_that(tmp_path: Path) -> None:
    (only,) = newest(tmp_path, group({73: "33.5"}), group({76: "50"}, group_id=2))
    assert only.name in ("Skin temperature", "Muscle mass")


@pytest.mark.parametrize(
    ("hours", "days"), [(0, 0), (10, 0), (11, 1), (34, 1), (35, 2), (-1, 0), (-14, -1)]
)
def test_days_are_counted_by_the_midnights_of_the_person(hours: int, days: int) -> None:
    """It is 10:53 in Paris."""
    assert Calendar(NOW, "Europe/Paris").days_ago(NOW - hours * HOUR) == days


def test_another_reading_of_the_same_day_is_told_by_its_time() -> None:
    calendar = Calendar(NOW, "Europe/Paris")
    assert calendar.manner_before(NOW - 10 * HOUR, NOW) == "time"
    assert calendar.manner_before(NOW - 11 * HOUR, NOW) == "day"


# --- What it costs --------------------------------------------------------------------------------


def test_looking_changes_nothing_and_asks_nobody(family: Site, database: Database) -> None:
    admin = family.admin()
    version = database.version_of_others()
    asked = len(family.house.admin.requests(path="/measure"))
    routes = len(database.all("routes"))
    assert admin.get("/").status == 200
    assert len(database.all("routes")) == routes
    assert database.version_of_others() == version
    assert len(family.house.admin.requests(path="/measure")) == asked


def test_a_card_stays_small(admin: Visitor) -> None:
    assert len(admin.get("/card/anna").text.encode()) < 6000
