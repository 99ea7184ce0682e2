"""The sandbox's Garmin, proven by the real ``garminconnect`` library over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from garminconnect import (
    Garmin,
    GarminConnectAuthenticationError,
    GarminConnectConnectionError,
    GarminConnectTooManyRequestsError,
)
from garminconnect.client import sso
from garminconnect.fit import FitEncoderWeight

from weighbridge.sandbox.admin import Admin
from weighbridge.sandbox.clock import Clock
from weighbridge.sandbox.garmin import GarminCloud
from weighbridge.sandbox.garmin_tokens import PATH as TOKEN_PATH
from weighbridge.sandbox.http import Sandbox

ANNA = ("anna@example.test", "anna-walks-home")
BEN = ("ben@example.test", "ben-rides-uphill")
EMBED = "https://sso.garmin.com/sso/embed"
MORNING = int(datetime(2026, 3, 1, 7, 15, tzinfo=UTC).timestamp())
UPLOAD = "/upload-service/upload"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    for flow in ("MOBILE", "WIDGET", "LOGIN"):  # the library waits as a person would
        monkeypatch.setattr(sso, f"{flow}_DELAY_MIN_S", 0.0)
        monkeypatch.setattr(sso, f"{flow}_DELAY_MAX_S", 0.0)
    monkeypatch.delenv("GARMINTOKENS", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    clock = Clock()
    with Sandbox([GarminCloud(clock=clock)], clock=clock) as running:
        yield running


@pytest.fixture
def admin(sandbox: Sandbox) -> Admin:
    return Admin(sandbox.url)


@pytest.fixture
def library(sandbox: Sandbox) -> Iterator[Callable[..., Garmin]]:
    """Makes library objects that talk to the sandbox, and closes them."""
    made: list[Garmin] = []

    def make(who: tuple[str, str] = ANNA, **options: Any) -> Garmin:
        garmin = Garmin(*who, retry_attempts=0, **options)
        garmin.client._sso = garmin.client._connectapi = garmin.client._connect = sandbox.url
        garmin.client._di_token_url = sandbox.url + TOKEN_PATH
        made.append(garmin)
        return garmin

    yield make
    for garmin in made:
        garmin.client.cs.close()
        garmin.client._api_session.close()


@pytest.fixture
def anna(library: Callable[..., Garmin]) -> Garmin:
    garmin = library(ANNA)
    garmin.login()
    return garmin


def ask_for_code(code: str) -> Callable[[], str]:
    return lambda: code


def fit(*weigh_ins: tuple[int, float]) -> bytes:
    """A weight file as the library would write it: Unix seconds and kilograms."""
    encoder = FitEncoderWeight()
    encoder.write_file_info(time_created=datetime.fromtimestamp(weigh_ins[-1][0], UTC))
    for taken_at, kilograms in weigh_ins:
        encoder.write_weight_scale(taken_at, kilograms)
    encoder.finish()
    return bytes(encoder.getvalue())


def send(garmin: Garmin, content: bytes, name: str = "weight.fit") -> Any:
    """Upload bytes with the library; returns its response object, of failures too."""
    try:
        return garmin.client.request("POST", "connectapi", UPLOAD, files={"file": (name, content)})
    except GarminConnectConnectionError as problem:
        return problem.response


def first_failure(response: Any) -> dict[str, Any]:
    failure: dict[str, Any] = response.json()["detailedImportResult"]["failures"][0]
    return failure


def weigh_ins_of(garmin: Garmin, start: str = "2026-01-01", end: str = "2026-12-31") -> list[Any]:
    days = garmin.get_weigh_ins(start, end)["dailyWeightSummaries"]
    return [metric for day in days for metric in day["allWeightMetrics"]]


# Sign-in


def test_the_library_signs_in_without_a_code(library: Callable[..., Garmin]) -> None:
    garmin = library(ANNA)
    garmin.login()
    assert garmin.display_name == "anna.sandbox"
    assert garmin.unit_system == "metric"
    assert garmin.get_user_timezone() == "Europe/Paris"


def test_the_library_signs_in_with_a_code(library: Callable[..., Garmin]) -> None:
    garmin = library(BEN, prompt_mfa=ask_for_code("123456"))
    garmin.login()
    assert garmin.display_name == "ben.sandbox"


def test_a_wrong_code_keeps_the_state_for_another_try(library: Callable[..., Garmin]) -> None:
    answer, state = library(BEN, return_on_mfa=True).login()
    assert answer == "needs_mfa"
    elsewhere = library(BEN)
    with pytest.raises(GarminConnectAuthenticationError):
        elsewhere.resume_login(state, "000000")
    elsewhere.resume_login(state, "123456")
    assert elsewhere.display_name == "ben.sandbox"


def test_a_wrong_password_ends_the_sign_in_at_once(
    library: Callable[..., Garmin], admin: Admin
) -> None:
    with pytest.raises(GarminConnectAuthenticationError, match="Invalid Username or Password"):
        library((ANNA[0], "wrong")).login()
    assert admin.counts()["POST /mobile/api/login"] == 1
    assert "POST /sso/signin" not in admin.counts()


@pytest.mark.parametrize("closed", [["mobile"], ["mobile", "widget"]])
@pytest.mark.parametrize("who", [ANNA, BEN])
def test_the_library_falls_back_when_flows_are_closed(
    library: Callable[..., Garmin], admin: Admin, closed: list[str], who: tuple[str, str]
) -> None:
    admin.tell("garmin", "sign_in", answer=429, flows=closed)
    garmin = library(who, prompt_mfa=ask_for_code("123456"))
    garmin.login()
    assert garmin.client.di_token.count(".") == 2
    used = "POST /portal/api/login" if "widget" in closed else "POST /sso/signin"
    assert used in admin.counts()


def test_a_wrong_code_on_the_widget_page_can_be_corrected(
    library: Callable[..., Garmin], admin: Admin
) -> None:
    admin.tell("garmin", "sign_in", answer=427, flows=["mobile"])
    garmin = library(BEN, return_on_mfa=True)
    _, state = garmin.login()
    with pytest.raises(GarminConnectAuthenticationError):
        garmin.resume_login(state, "000000")
    garmin.resume_login(state, "123456")
    assert admin.counts()["POST /sso/verifyMFA/mfaCode"] == 1


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
    library: Callable[..., Garmin], admin: Admin, answer: object, raised: type[Exception]
) -> None:
    admin.tell("garmin", "sign_in", answer=answer)
    with pytest.raises(raised):
        library(ANNA).login()
    admin.tell("garmin", "sign_in", answer=None)
    library(ANNA).login()


def test_credentials_without_the_sign_in_page_are_taken_for_a_robot(sandbox: Sandbox) -> None:
    answer = requests.post(
        f"{sandbox.url}/mobile/api/login?clientId=GCM_IOS_DARK",
        json={"username": ANNA[0], "password": ANNA[1]},
        timeout=5,
    )
    assert answer.status_code == 429


def ticket_from_browser(url: str, who: tuple[str, str], service: str = EMBED) -> str:
    """What a person does: open the page, fill it in, read the ticket from the last address."""
    with requests.Session() as browser:
        page = browser.get(f"{url}/sso/signin", params={"service": service}, timeout=5)
        csrf = re.search(r'name="_csrf" value="([^"]+)"', page.text)
        assert csrf
        form = {"username": who[0], "password": who[1], "embed": "true", "_csrf": csrf[1]}
        page = browser.post(page.url, data=form, timeout=5)
        next_page = re.search(r'url=(/sso/embed\?ticket=[^"]+)"', page.text)
        assert next_page
        last = browser.get(url + next_page[1], timeout=5)
    ticket = last.url.partition("ticket=")[2]
    assert ticket in last.text
    return ticket


def test_a_ticket_from_a_browser_is_exchanged_once(
    library: Callable[..., Garmin], sandbox: Sandbox
) -> None:
    client = library().client
    ticket = ticket_from_browser(sandbox.url, ANNA)
    client._exchange_service_ticket(ticket, service_url=EMBED)
    assert client.connectapi("/userprofile-service/socialProfile")["userName"] == ANNA[0]
    with pytest.raises(GarminConnectAuthenticationError):
        client._exchange_service_ticket(ticket, service_url=EMBED)


def test_a_ticket_is_for_its_own_service_and_for_seconds(
    library: Callable[..., Garmin], sandbox: Sandbox, admin: Admin
) -> None:
    client = library().client
    with pytest.raises(GarminConnectAuthenticationError):
        client._exchange_service_ticket(ticket_from_browser(sandbox.url, ANNA))
    ticket = ticket_from_browser(sandbox.url, ANNA)
    admin.advance_clock(60)
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


def test_a_short_token_is_refreshed_before_each_call(
    library: Callable[..., Garmin], admin: Admin
) -> None:
    admin.tell("garmin", "token_life", seconds=300)
    garmin = library(ANNA)
    garmin.login()
    before = admin.counts()[f"POST {TOKEN_PATH}"]
    garmin.get_weigh_ins("2026-03-01", "2026-03-01")
    assert admin.counts()[f"POST {TOKEN_PATH}"] == before + 1


def test_an_upload_survives_an_expired_access_token(anna: Garmin, admin: Admin) -> None:
    assert admin.tell("garmin", "expire", account=ANNA[0]) == {"expired": 1}
    assert send(anna, fit((MORNING, 65.75))).status_code == 202
    assert [row["rows"] for row in admin.tell("garmin", "uploads")] == [1]


def test_a_revoked_login_needs_a_person(anna: Garmin, admin: Admin) -> None:
    admin.tell("garmin", "revoke")
    with pytest.raises(GarminConnectAuthenticationError, match="400"):
        anna.client._refresh_di_token()
    assert anna.get_full_name() == "Anna Example"
    admin.tell("garmin", "expire")
    with pytest.raises(GarminConnectAuthenticationError):
        anna.get_weigh_ins("2026-03-01", "2026-03-01")


def test_calls_without_the_application_or_with_a_foreign_token_are_refused(
    anna: Garmin, sandbox: Sandbox
) -> None:
    url = f"{sandbox.url}/userprofile-service/socialProfile"
    headers = anna.client.get_api_headers()
    statuses = []
    for changes in (
        {},
        {"User-Agent": "python"},
        {"X-Garmin-User-Agent": ""},
        {"Authorization": "Bearer foreign"},
        {"Authorization": ""},
    ):
        answer = requests.get(url, headers={**headers, **changes}, timeout=5)
        statuses.append(answer.status_code)
    assert statuses == [200, 403, 403, 401, 401]


# Weight


def test_the_library_reads_back_its_own_body_composition(anna: Garmin) -> None:
    answer = anna.add_body_composition(
        "2026-03-01T08:15:00",
        weight=65.75,
        percent_fat=18.25,
        percent_hydration=55.5,
        bone_mass=3.54,
        muscle_mass=50.0,
        metabolic_age=24,
        visceral_fat_rating=5,
        bmi=22.8,
    )
    assert answer["detailedImportResult"]["failures"] == []
    [metric] = weigh_ins_of(anna)
    assert metric.pop("samplePk") > MORNING * 1000
    assert metric == {
        "date": (MORNING + 3600) * 1000,
        "timestampGMT": MORNING * 1000,
        "calendarDate": "2026-03-01",
        "weight": 65750.0,
        "bmi": 22.799999237060547,
        "bodyFat": 18.25,
        "bodyWater": 55.5,
        "boneMass": 3539,
        "muscleMass": 50000,
        "physiqueRating": None,
        "visceralFat": 5.0,
        "metabolicAge": 757366224000,
        "sourceType": "INDEX_SCALE",
        "weightDelta": None,
    }


def test_each_upload_adds_rows_and_nothing_is_merged(anna: Garmin) -> None:
    assert send(anna, fit((MORNING, 65.75))).status_code == 202
    assert send(anna, fit((MORNING, 65.75), (MORNING + 60, 65.5))).status_code == 202
    metrics = weigh_ins_of(anna)
    assert sorted(metric["weight"] for metric in metrics) == [65500.0, 65750.0, 65750.0]
    assert len({metric["samplePk"] for metric in metrics}) == 3


def test_identical_bytes_are_a_duplicate_until_their_rows_are_deleted(anna: Garmin) -> None:
    content = fit((MORNING, 65.75))
    first = send(anna, content)
    again = send(anna, content)
    assert again.status_code == 409
    failure = first_failure(again)
    assert failure["messages"][0] == {"code": 202, "content": "Duplicate Activity."}
    assert failure["internalId"] == first.json()["detailedImportResult"]["uploadId"]
    [metric] = weigh_ins_of(anna)
    anna.delete_weigh_in(metric["samplePk"], metric["calendarDate"])
    assert weigh_ins_of(anna) == []
    assert send(anna, content).status_code == 202


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "weight.fit"),
        (b"<html></html>", "weight.fit"),
        (fit((MORNING, 65.75))[:-1] + b"?", "weight.fit"),
        (fit((MORNING, 65.75)), "weight.txt"),
    ],
    ids=["zero bytes", "not FIT", "broken CRC", "wrong extension"],
)
def test_what_is_not_a_fit_file_is_unsupported(anna: Garmin, content: bytes, name: str) -> None:
    answer = send(anna, content, name)
    assert answer.status_code == 415
    message = first_failure(answer)["messages"][0]
    assert message == {"code": 415, "content": "The file is of a type we do not support."}
    assert weigh_ins_of(anna) == []


def test_a_weigh_in_is_deleted_by_version_and_day(anna: Garmin) -> None:
    send(anna, fit((MORNING, 65.75), (MORNING + 60, 65.5)))
    newest, oldest = weigh_ins_of(anna)
    with pytest.raises(GarminConnectConnectionError, match="404"):
        anna.delete_weigh_in(oldest["samplePk"], "2026-03-02")
    anna.delete_weigh_in(oldest["samplePk"], "2026-03-01")
    assert [metric["samplePk"] for metric in weigh_ins_of(anna)] == [newest["samplePk"]]


def test_a_weight_typed_in_by_hand_is_kept_with_its_own_local_time(anna: Garmin) -> None:
    anna.add_weigh_in(70, "kg", "2026-03-01T23:30:00-05:00")
    [metric] = anna.get_daily_weigh_ins("2026-03-01")["dateWeightList"]
    assert metric["weight"] == 70000.0
    assert metric["sourceType"] == "MANUAL"
    assert metric["timestampGMT"] - metric["date"] == 5 * 3600 * 1000
    anna.add_weigh_in(100, "lbs", "2026-03-01T08:00:00+01:00")
    assert weigh_ins_of(anna)[-1]["weight"] == pytest.approx(45359.237)


def test_an_uploaded_weigh_in_falls_on_the_local_day_of_the_account(
    library: Callable[..., Garmin], admin: Admin
) -> None:
    who = {"email": "kim@example.test", "password": "kim", "display_name": "kim"}
    admin.tell("garmin", "accounts", create={**who, "timezone": "America/New_York"})
    kim = library(("kim@example.test", "kim"))
    kim.login()
    send(kim, fit((int(datetime(2026, 3, 1, 3, tzinfo=UTC).timestamp()), 65.75)))
    assert [metric["calendarDate"] for metric in weigh_ins_of(kim)] == ["2026-02-28"]


def test_ranges_know_their_neighbours_and_their_average(anna: Garmin, admin: Admin) -> None:
    day = 86400
    rows = [{"taken_at": MORNING + n * day, "weight_kg": 60 + n} for n in range(4)]
    admin.tell("garmin", "put_weigh_ins", account=ANNA[0], weigh_ins=rows)
    answer = anna.get_weigh_ins("2026-03-02", "2026-03-03")
    assert [one["summaryDate"] for one in answer["dailyWeightSummaries"]] == [
        "2026-03-03",
        "2026-03-02",
    ]
    assert answer["totalAverage"]["weight"] == 61500.0
    assert answer["previousDateWeight"]["weight"] == 60000.0
    assert answer["nextDateWeight"]["weight"] == 63000.0
    assert answer["dailyWeightSummaries"][0]["latestWeight"]["weightDelta"] == 1000.0
    empty = anna.get_weigh_ins("2025-01-01", "2025-01-02")
    assert empty["dailyWeightSummaries"] == []
    assert empty["previousDateWeight"]["samplePk"] is None


def test_date_range_shows_one_entry_a_day(anna: Garmin) -> None:
    send(anna, fit((MORNING, 65.75), (MORNING + 60, 65.5)))
    answer = anna.get_body_composition("2026-03-01", "2026-03-01")
    assert [metric["weight"] for metric in answer["dateWeightList"]] == [65500.0]


def test_accounts_do_not_see_each_other(anna: Garmin, library: Callable[..., Garmin]) -> None:
    ben = library(BEN, prompt_mfa=ask_for_code("123456"))
    ben.login()
    content = fit((MORNING, 65.75))
    assert send(anna, content).status_code == 202
    assert weigh_ins_of(ben) == []
    assert send(ben, content).status_code == 202
    [metric] = weigh_ins_of(anna)
    with pytest.raises(GarminConnectConnectionError, match="404"):
        ben.delete_weigh_in(metric["samplePk"], "2026-03-01")


# What can be ordered


def test_an_accepted_upload_can_show_up_after_some_reads_and_seconds(
    anna: Garmin, admin: Admin
) -> None:
    admin.tell("garmin", "visibility", reads=2, seconds=30)
    send(anna, fit((MORNING, 65.75)))
    assert [row["visible"] for row in admin.tell("garmin", "weigh_ins")] == [False]
    assert [len(weigh_ins_of(anna)) for _ in range(3)] == [0, 0, 0]
    admin.advance_clock(30)
    assert len(weigh_ins_of(anna)) == 1


@pytest.mark.parametrize("status", [200, 201, 202])
def test_the_status_of_an_accepted_upload_can_be_ordered(
    anna: Garmin, admin: Admin, status: int
) -> None:
    admin.tell("garmin", "upload_answer", status=status)
    answer = send(anna, fit((MORNING, 65.75)))
    assert answer.status_code == status
    assert ("location" in answer.headers) == (status == 202)
    assert len(weigh_ins_of(anna)) == 1


def test_a_failure_can_hide_inside_a_success(anna: Garmin, admin: Admin) -> None:
    admin.tell("garmin", "upload_answer", status=201, failure="Not today.", times=1)
    answer = send(anna, fit((MORNING, 65.75)))
    assert answer.status_code == 201
    assert first_failure(answer)["messages"][0]["content"] == "Not today."
    assert weigh_ins_of(anna) == []
    assert send(anna, fit((MORNING, 65.75))).status_code == 201
    assert len(weigh_ins_of(anna)) == 1


@pytest.mark.parametrize("status", [400, 415])
def test_a_poisoned_row_sinks_its_whole_file(anna: Garmin, admin: Admin, status: int) -> None:
    admin.tell("garmin", "poison", timestamps=[MORNING + 60], status=status)
    assert send(anna, fit((MORNING, 65.75), (MORNING + 60, 65.5))).status_code == status
    assert weigh_ins_of(anna) == []
    assert send(anna, fit((MORNING, 65.75))).status_code == 202


def test_an_upload_whose_answer_is_lost_was_still_carried_out(anna: Garmin, admin: Admin) -> None:
    admin.fault("drop", path=UPLOAD, after_work=True)
    with pytest.raises(requests.ConnectionError):
        send(anna, fit((MORNING, 65.75)))
    assert len(weigh_ins_of(anna)) == 1
    assert send(anna, fit((MORNING, 65.75))).status_code == 409


def test_prefilled_weigh_ins_are_kept_exactly(anna: Garmin, admin: Admin) -> None:
    row = {"taken_at": MORNING, "weight_kg": "65.753", "bmi": "22.8", "basal_kcal": "1500"}
    admin.tell("garmin", "put_weigh_ins", account=ANNA[0], weigh_ins=[row])
    [stored] = admin.tell("garmin", "weigh_ins")
    assert stored.items() >= {**row, "account": ANNA[0], "day": "2026-03-01"}.items()
    assert weigh_ins_of(anna)[0]["weight"] == 65753.0


def test_mistaken_orders_are_refused_with_a_sentence(admin: Admin) -> None:
    from weighbridge.sandbox.admin import AdminError

    for action, content in (
        ("nonsense", {}),
        ("expire", {"account": "nobody@example.test"}),
        ("sign_in", {"answer": 500}),
        ("sign_in", {"answer": 429, "flows": ["door"]}),
        ("poison", {"timestamp": [1]}),
        ("put_weigh_ins", {"account": ANNA[0], "weigh_ins": [{"taken_at": 1}]}),
        ("put_weigh_ins", {"account": ANNA[0], "weigh_ins": [{"taken_at": 1, "weight_kg": "x"}]}),
        ("accounts", {"create": {"email": ANNA[0], "password": "x", "display_name": "x"}}),
    ):
        with pytest.raises(AdminError):
            admin.tell("garmin", action, **content)


def test_reset_forgets_everything(anna: Garmin, admin: Admin) -> None:
    send(anna, fit((MORNING, 65.75)))
    admin.tell("garmin", "reset")
    assert admin.tell("garmin", "weigh_ins") == []
    assert admin.tell("garmin", "uploads") == []
    with pytest.raises(GarminConnectAuthenticationError):
        anna.get_weigh_ins("2026-03-01", "2026-03-01")


def test_no_secret_is_listed_or_logged(
    library: Callable[..., Garmin],
    sandbox: Sandbox,
    admin: Admin,
    capfd: pytest.CaptureFixture[str],
) -> None:
    ben = library(BEN, prompt_mfa=ask_for_code("123456"))
    ben.login()
    ben.client._refresh_di_token()
    ticket = ticket_from_browser(sandbox.url, ANNA)
    kept = [admin.requests(), admin.tell("garmin", "accounts"), admin.tell("garmin", "uploads")]
    text = repr(kept) + "".join(capfd.readouterr())
    tokens = [ben.client.di_token, ben.client.di_refresh_token, ticket]
    for secret in (BEN[1], ANNA[1], "123456", *tokens):
        assert secret not in text


# Blood pressure


def pressures_of(garmin: Garmin, day: str = "2026-03-01") -> list[dict[str, Any]]:
    days = garmin.get_blood_pressure(day)["measurementSummaries"]
    return [measurement for one in days for measurement in one["measurements"]]


def test_blood_pressure_is_set_read_and_deleted(anna: Garmin, admin: Admin) -> None:
    answer = anna.set_blood_pressure(128, 79, 61, "2026-03-01T08:15:00+01:00", "after breakfast")
    [read] = pressures_of(anna)
    assert read == answer
    assert (read["systolic"], read["diastolic"], read["pulse"]) == (128, 79, 61)
    assert read["measurementTimestampLocal"] == "2026-03-01T08:15:00.0"
    assert read["measurementTimestampGMT"] == "2026-03-01T07:15:00.0"
    assert [row["taken_at"] for row in admin.tell("garmin", "pressures")] == [MORNING]
    with pytest.raises(GarminConnectConnectionError, match="404"):
        anna.delete_blood_pressure(str(read["version"]), "2026-03-02")
    assert anna.delete_blood_pressure(str(read["version"]), "2026-03-01") == {}
    assert pressures_of(anna) == []


def test_the_same_blood_pressure_twice_is_two_rows(anna: Garmin) -> None:
    for _ in range(2):
        anna.set_blood_pressure(128, 79, None, "2026-03-01T08:15:00+01:00")
    assert [row["pulse"] for row in pressures_of(anna)] == [None, None]
    [day] = anna.client.connectapi(
        "/bloodpressure-service/bloodpressure/range/2026-03-01/2026-03-01"
    )["measurementSummaries"]
    assert day["numOfMeasurements"] == 2
    assert day["measurements"] == []


def test_only_the_note_of_a_blood_pressure_can_be_changed(anna: Garmin) -> None:
    row = anna.set_blood_pressure(128, 79, 61, "2026-03-01T08:15:00+01:00")
    anna.update_blood_pressure({**row, "systolic": 200}, notes="sitting")
    [read] = pressures_of(anna)
    assert (read["systolic"], read["notes"]) == (128, "sitting")


@pytest.mark.parametrize("changes", [{"systolic": 300}, {"diastolic": None}, {"pulse": 61.5}])
def test_an_impossible_blood_pressure_is_refused(anna: Garmin, changes: dict[str, Any]) -> None:
    stamps = {
        "measurementTimestampLocal": "2026-03-01T08:15:00.000",
        "measurementTimestampGMT": "2026-03-01T07:15:00.000",
    }
    wanted = {"systolic": 128, "diastolic": 79, "pulse": 61, **stamps, **changes}
    with pytest.raises(GarminConnectConnectionError, match="400"):
        anna.client.post("connectapi", "/bloodpressure-service/bloodpressure", json=wanted)
    assert pressures_of(anna) == []
