"""The history and the diary as pages: what they show, to whom, and what odd addresses get."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fixtures.accessible_page import check_page
from fixtures.groups import group
from fixtures.history import DAY, GOAL, fill
from fixtures.person_links import enter, make_link
from fixtures.waiting import PATIENCE
from fixtures.web_server import Answer, Site, Visitor, read_html, site, words_of
from weighbridge.core.measures import MeasureGroup, Measurement
from weighbridge.i18n import LANGUAGES
from weighbridge.runtime.poll_policy import refresh_daily
from weighbridge.storage.accounts import keep_weight_goal
from weighbridge.sync.stored_readings import goals
from weighbridge.testing.builders import NOON as LONG_AFTER
from weighbridge.testing.builders import measurement

BENS_SECRET = "88.888"
DATA = ("data.json", "data.csv", "chart.svg")


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Anna has a history; Ben has one reading."""
    with site(tmp_path_factory.mktemp("history")) as made:
        made.now = float(LONG_AFTER)
        with made.parts().open() as services:
            fill(services.database, "anna", annas_groups())
            fill(services.database, "ben", [group({1: BENS_SECRET}, group_id=900)])
        yield made


@pytest.fixture(scope="module")
def signed_in(family: Site) -> Visitor:
    return family.admin()


@pytest.fixture
def admin(signed_in: Visitor, family: Site) -> Visitor:
    """The admin's browser, which remembers nothing of the test before."""
    visitor = family.visitor()
    visitor.cookies = dict(signed_in.cookies)
    return visitor


@pytest.fixture(scope="module")
def anna(family: Site) -> Visitor:
    """She came by her own link."""
    return enter(family, make_link(family.admin()))


def annas_groups() -> Iterator[MeasureGroup]:
    """Weight and fat on a hundred days, blood pressure on ten, and what is rare."""
    for day in range(100):
        at = LONG_AFTER - day * DAY - 3600
        values = {1: f"72.{day:02}0", 6: "21.5"}
        yield group(values, group_id=1000 + day, taken_at=at)
    for day in range(10):
        at = LONG_AFTER - day * DAY - (3600 if day % 2 else 12 * 3600)
        yield group(
            {9: "80", 10: f"{120 + day}", 11: "61"}, group_id=2000 + day, taken_at=at, device="cuff"
        )
    arms = [measurement(174, "1.25", 2), measurement(174, "1.35", 3)]
    yield group([*arms, measurement(999, "-12.5")], group_id=3000, taken_at=LONG_AFTER - DAY)
    yield group({4: "1.70"}, group_id=3001, taken_at=LONG_AFTER - 2000 * DAY, device=None)
    yield group({1: "70"}, group_id=3002, taken_at=LONG_AFTER - 50 * DAY, category=GOAL)
    yield group({1: "10000000000"}, group_id=3003, taken_at=LONG_AFTER - 20 * DAY, device="odd")
    yield group({1: "99.9"}, group_id=3004, taken_at=LONG_AFTER - 10 * DAY, attribution=1)


def of_json(visitor: Visitor, **query: str) -> dict[str, Any]:
    answer = visitor.get(f"/history/anna/data.json?{urlencode(query)}")
    assert answer.status == 200, answer.text
    content: dict[str, Any] = json.loads(answer.text)
    return content


def of_csv(visitor: Visitor, **query: str) -> list[dict[str, str]]:
    answer = visitor.get(f"/history/anna/data.csv?{urlencode(query)}")
    assert answer.status == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


# --- The page ---------------------------------------------------------------------------------


def test_the_page_shows_the_weight_of_ninety_days(admin: Visitor) -> None:
    answer = admin.get("/history/anna")
    assert answer.status == 200
    words = words_of(answer)
    assert "Weight of anna" in words
    assert "a reading counts half" not in words
    assert (
        "exponentially weighted mean of all readings so far; one counts half after 7 days" in words
    )
    assert "Goal: 70 kg" in words
    assert "90 readings in this range." in words
    root = read_html(answer.text)
    (drawn,) = root.iter("{http://www.w3.org/2000/svg}svg")
    assert drawn.attrib["role"] == "img"
    chosen = [one.text for one in root.iter("option") if "selected" in one.attrib]
    assert chosen == ["Weight", "kilograms (kg)"]


def test_the_menu_offers_everything_that_we_hold(admin: Visitor) -> None:
    root = read_html(admin.get("/history/anna").text)
    (menu,) = (one for one in root.iter("select") if one.attrib["id"] == "measure")
    assert [one.text for one in menu] == [
        *("Weight", "Body mass index", "Fat ratio", "Systolic blood pressure"),
        *("Diastolic blood pressure", "Pulse", "Height", "Measure type 999"),
        *("Fat mass: right arm", "Fat mass: left arm"),
    ]


def test_every_choice_can_be_reached_without_a_script(admin: Visitor) -> None:
    root = read_html(admin.get("/history/anna?measure=weight&compare=pulse").text)
    check_page(root)
    links = [a.attrib["href"] for a in root.iter("a") if "range=" in a.attrib["href"]]
    ranges = [link for link in links if "data." not in link and ".svg" not in link]
    assert len(ranges) == 8
    for link in ranges:
        assert "compare=pulse" in link
        assert admin.get(link).status == 200


def test_two_measures_stand_on_one_chart(admin: Visitor) -> None:
    answer = admin.get("/history/anna?measure=weight&compare=systolic&range=30d")
    assert "anna: Weight, Systolic blood pressure" in words_of(answer)
    assert 'class="trend one"' in answer.text
    assert 'class="trend two"' in answer.text


def test_a_measure_is_not_compared_with_itself(admin: Visitor) -> None:
    assert "Weight of anna" in words_of(admin.get("/history/anna?measure=weight&compare=weight"))


def test_a_range_without_readings_says_so(admin: Visitor) -> None:
    words = words_of(admin.get("/history/anna?measure=height&range=week"))
    assert "There is no reading in this range. Show everything" in words
    assert "1.70 m" in words_of(admin.get("/history/anna?measure=height&range=all"))


def test_history_alone_leads_to_somebody(admin: Visitor, anna: Visitor) -> None:
    assert admin.get("/history").place == "/history/anna"
    assert anna.get("/history").place == "/history/anna"


def test_every_page_can_be_used_with_a_keyboard_and_heard(admin: Visitor) -> None:
    paths = ("/history/anna", "/history/anna?measure=999", "/diary/anna", "/diary/anna?from=x")
    for path in paths:
        check_page(read_html(admin.get(path).text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_speak_every_language(admin: Visitor, language: str) -> None:
    for path in ("/history/anna?compare=pulse&range=all", "/diary/anna", "/history/anna?range=x"):
        answer = admin.get(path, **{"Accept-Language": language})
        root = read_html(answer.text)
        assert root.attrib["lang"] == language
        words = words_of(answer)
        assert "history." not in words
        assert "measures." not in words
        assert ("Weight" in words) <= (language == "en")


# --- Units ------------------------------------------------------------------------------------


def test_a_unit_is_remembered_until_another_is_chosen(admin: Visitor) -> None:
    answer = admin.get("/history/anna?units=st")
    assert "HttpOnly" in (answer.headers["Set-Cookie"] or "")
    assert "11 st" in words_of(answer).replace("\N{NO-BREAK SPACE}", " ")
    again = admin.get("/history/anna")
    assert again.headers["Set-Cookie"] is None
    assert "11 st" in words_of(again).replace("\N{NO-BREAK SPACE}", " ")
    admin.get("/history/anna?measure=height&units=ft&range=all")
    assert set(admin.cookies["units"].split(".")) == {"ft", "st"}
    admin.get("/history/anna?units=kg")
    assert set(admin.cookies["units"].split(".")) == {"ft", "kg"}
    assert of_json(admin)["lines"][0]["sign"] == "kg"


def test_a_strange_cookie_is_ignored(admin: Visitor) -> None:
    admin.cookies["units"] = "parsec.lb.<script>"
    assert of_json(admin)["lines"][0]["sign"] == "lb"


# --- Its content ------------------------------------------------------------------------------


def test_columns_hold_values_and_trend_of_each_line(admin: Visitor) -> None:
    content = of_json(admin, compare="systolic", range="30d")
    weight, systolic = content["lines"]
    assert (weight["digits"], weight["half_life_days"], weight["goal"]) == (2, 7, 70)
    assert (systolic["sign"], systolic["half_life_days"], systolic["goal"]) == ("mmHg", 14, None)
    times, *columns = content["columns"]
    assert len(columns) == 4
    assert times == sorted(set(times))
    assert {len(column) for column in columns} == {len(times)}
    by_time = dict(zip(times, columns[0], strict=True))
    assert by_time[LONG_AFTER - 3600] == 72.0
    assert sum(value is not None for value in columns[2]) == 10
    assert content["zone"] == "Europe/Paris"


def test_what_is_odd_or_somebody_elses_is_not_drawn(admin: Visitor) -> None:
    values = of_json(admin, range="all")["columns"][1]
    assert len(values) == 100, "neither a broken value nor a doubtful one"
    assert max(values) < 73


def test_the_line_does_not_depend_on_the_range(admin: Visitor) -> None:
    short, long = of_json(admin, range="week"), of_json(admin, range="all")
    for at, value in zip(short["columns"][0], short["columns"][2], strict=True):
        assert value == pytest.approx(long["columns"][2][long["columns"][0].index(at)], abs=1e-3)


def test_the_body_mass_index_is_computed(admin: Visitor) -> None:
    content = of_json(admin, measure="bmi")
    assert content["columns"][1][-1] == 24.9  # 72 kg at 1.70 m
    assert content["lines"][0]["goal"] == pytest.approx(24.22, abs=0.01)


def test_a_part_of_the_body_has_a_history(admin: Visitor) -> None:
    assert of_json(admin, measure="segment_fat_mass.3")["columns"][1] == [1.35]


def test_a_table_holds_exact_values(admin: Visitor) -> None:
    rows = of_csv(admin, compare="fat_ratio", range="week", units="lb")
    assert list(rows[0]) == [
        *("taken_at", "local_time", "weight_kg", "weight_kg_trend"),
        *("fat_ratio_percent", "fat_ratio_percent_trend"),
    ]
    last = rows[-1]
    assert (last["weight_kg"], last["fat_ratio_percent"]) == ("72.000", "21.5")
    assert last["taken_at"].endswith("Z")
    assert last["local_time"].endswith("+02:00")
    assert len(rows) == 7
    everything = of_csv(admin, range="all")
    assert "10000000000" in [row["weight_kg"] for row in everything], "kept, though it is not drawn"


@pytest.mark.parametrize("measure", ["weight", "type_999", "bmi", "segment_fat_mass.2"])
def test_no_cell_of_a_table_can_become_a_formula(admin: Visitor, measure: str) -> None:
    answer = admin.get(f"/history/anna/data.csv?measure={measure}&range=all")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in (answer.headers["Content-Disposition"] or "")
    for row in csv.reader(io.StringIO(answer.text)):
        for cell in row:
            assert cell[:1] not in ("=", "+", "@", "\t", "\r")
            assert cell[:1] != "-" or float(cell) < 0


def test_the_picture_can_stand_alone(admin: Visitor) -> None:
    answer = admin.get("/history/anna/chart.svg?range=all")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert ElementTree.fromstring(answer.text).tag.endswith("svg")
    assert " style=" not in answer.text


def test_content_is_compressed_but_pages_are_not(family: Site, admin: Visitor) -> None:
    """A page holds the word of its session: its compressed length would tell of it."""
    cookie = "; ".join(f"{name}={value}" for name, value in admin.cookies.items())
    kept = {}
    for path in ("/history/anna", *(f"/history/anna/{name}" for name in DATA)):
        connection = HTTPConnection("127.0.0.1", family.port, timeout=PATIENCE)
        headers = {"Host": admin.host, "Cookie": cookie, "Accept-Encoding": "br, gzip"}
        connection.request("GET", f"{path}?range=all", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        kept[path] = answer.headers["Content-Encoding"]
        if kept[path]:
            assert len(gzip.decompress(body)) > 2 * len(body)
            assert answer.headers["Vary"] == "Accept-Encoding"
        connection.close()
    assert kept.pop("/history/anna") is None
    assert set(kept.values()) == {"gzip"}
    refused = admin.get("/history/anna/data.csv?range=all", **{"Accept-Encoding": "gzip;q=0"})
    assert refused.headers["Content-Encoding"] is None


# --- Goals ------------------------------------------------------------------------------------


def test_the_goal_that_withings_tells_counts_more_than_an_old_one(family: Site) -> None:
    with family.parts().open() as services:
        archive = services.archive("anna")
        assert archive is not None
        assert str(goals(archive)[1]) == "70"
        with services.database.rehearsal():
            keep_weight_goal(archive.database, archive.account, Measurement(1, 68500, -3), 1.0)
            assert str(goals(archive)[1]) == "68.500"
            keep_weight_goal(archive.database, archive.account, None, 2.0)
            assert str(goals(archive)[1]) == "70"


def test_without_a_login_the_goal_stays_as_it_was(family: Site) -> None:
    with family.parts().open() as services:
        refresh_daily(services, "anna")
        archive = services.archive("anna")
        assert archive is not None
        assert str(goals(archive)[1]) == "70"


# --- The diary --------------------------------------------------------------------------------


def test_the_diary_is_complete_without_a_script(admin: Visitor) -> None:
    answer = admin.get("/diary/anna")
    tables = list(read_html(answer.text).iter("table"))
    assert len(tables) == 3
    readings = rows_of(answer, 2)
    assert len(readings) == 10
    assert readings[0] == ["8 October 2025", "22:53", "120", "80", "61"]
    assert rows_of(answer, 0) == [
        ["Morning", "125/80", "61", "5"],
        ["Evening", "124/80", "61", "5"],
        ["Whole day", "125/80", "61", "10"],
    ]
    assert rows_of(answer, 1)[0] == ["6 October 2025", "Morning", "122/80", "61", "2"]
    assert "Days and times in the time zone Europe/Paris." in words_of(answer)


def rows_of(answer: Answer, table: int) -> list[list[str]]:
    """The words of each cell below the head of a table."""
    tables = list(read_html(answer.text).iter("table"))
    rows = [row for body in tables[table].iter("tbody") for row in body.iter("tr")]
    return [["".join(cell.itertext()).strip() for cell in row] for row in rows]


def test_the_diary_of_some_days(admin: Visitor) -> None:
    answer = admin.get("/diary/anna?from=2025-10-08&to=2025-10-08")
    assert "From 8 October 2025 to 8 October 2025" in words_of(answer)
    assert rows_of(answer, 0)[-1] == ["Whole day", "121/80", "61", "2"]
    nothing = admin.get("/diary/anna?from=2001-01-01&to=2001-02-01")
    assert "No blood-pressure readings in this period." in words_of(nothing)


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "to=2026-02-30",
        "from=2026-02-02&to=2026-02-01",
        "to=0001-01-02",
        "from=%00",
    ],
)
def test_odd_days_get_a_clear_page(admin: Visitor, query: str) -> None:
    answer = admin.get(f"/diary/anna?{query}")
    assert answer.status == 404
    assert "Choose two days, the earlier one first." in words_of(answer)


# --- Whose it is ------------------------------------------------------------------------------


def everything_of(person: str) -> Iterator[str]:
    name = quote(person, safe="")
    yield f"/history/{name}"
    yield f"/diary/{name}"
    yield from (f"/history/{name}/{one}?range=all" for one in DATA)


def test_a_link_never_shows_the_history_of_somebody_else(anna: Visitor) -> None:
    for path in everything_of("anna"):
        assert anna.get(path).status == 200
    for bens, nobodys in zip(everything_of("ben"), everything_of("nobody"), strict=True):
        refused, unknown = anna.get(bens), anna.get(nobodys)
        assert (refused.status, unknown.status) == (404, 404)
        assert _without_address(refused, "ben") == _without_address(unknown, "nobody")
        assert BENS_SECRET not in refused.text
    page = anna.get("/history/anna").text
    assert "ben" not in page.replace("between", "")


def _without_address(answer: Answer, name: str) -> str:
    """The page without what it repeats of its own address."""
    return answer.text.replace(f"/{name}", "")


def test_a_stranger_is_asked_to_sign_in(family: Site) -> None:
    for path in everything_of("anna"):
        answer = family.visitor().get(path)
        assert answer.status == 303
        assert answer.place.startswith("/sign-in")


def test_the_address_and_the_log_hold_no_value(
    admin: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page = admin.get("/history/anna?range=all")
    addresses = [one.attrib["href"] for one in read_html(page.text).iter("a")]
    assert "72.00" in page.text
    assert not [address for address in addresses if "72" in address]
    assert "72.0" not in caplog.text


# --- Odd addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("measure=shoe_size", "There is no such measure here."),
        ("compare=shoe_size", "The measure to compare with does not exist here."),
        ("range=fortnight", "There is no such range."),
        ("units=stone_age", "There is no such unit."),
        ("measure=vo2_max", "There is no such measure here."),
    ],
)
def test_an_odd_value_gets_a_clear_page(admin: Visitor, query: str, words: str) -> None:
    answer = admin.get(f"/history/anna?{query}")
    assert answer.status == 404
    assert words in words_of(answer)
    program = admin.get(f"/history/anna/data.json?{query}", Accept="application/json")
    assert program.status == 404
    assert program.text.startswith(words)


def test_empty_values_are_as_good_as_none(admin: Visitor) -> None:
    """A form sends them."""
    answer = admin.get("/history/anna?measure=&compare=&range=&units=")
    assert answer.status == 200


def test_before_the_first_reading_there_is_a_page(tmp_path: Path) -> None:
    with site(tmp_path) as made:
        visitor = made.admin()
        answer = visitor.get("/history/anna?measure=weight&range=all")
        assert answer.status == 200
        assert "There is no reading yet." in words_of(answer)
        check_page(read_html(answer.text))
        assert "No blood-pressure readings in this period." in words_of(visitor.get("/diary/anna"))
        for name in DATA:
            assert visitor.get(f"/history/anna/{name}").status == 404


WORDS = st.sampled_from(
    ["weight", "bmi", "type_999", "all", "week", "90d", "lb", "st", "fahrenheit", "", "x" * 3000]
)
NAMES = st.sampled_from(["measure", "compare", "range", "units", "from", "to", "language"])
QUERIES = st.lists(st.tuples(NAMES | st.text(max_size=5), WORDS | st.text(max_size=12)), max_size=6)


@given(QUERIES, st.sampled_from(["/history/anna", "/diary/anna", "/history/anna/data.json"]))
@example([("measure", "weight\x00")], "/history/anna")
@example([("units", "lb"), ("units", "lb"), ("units", "st")] * 6, "/history/anna")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_query_makes_the_server_stumble(
    admin: Visitor, queries: list[tuple[str, str]], path: str
) -> None:
    answer = admin.get(f"{path}?{urlencode(queries, errors='surrogatepass')}")
    assert answer.status in (200, 404)
    assert answer.text


@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=20))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_name_makes_the_server_stumble(admin: Visitor, name: str) -> None:
    if name in ("anna", "ben", ".", ".."):
        return
    for path in everything_of(name):
        assert admin.get(path).status == 404
