"""Two kinds of another package stand beside our own, and nothing was edited for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from fixtures.cli import World, run_here
from fixtures.example_package import installed_examples
from fixtures.house import LONG_AGO, House, weight
from fixtures.paths import ROOT
from fixtures.setup_page import APPLICATION, Browser, Empty
from fixtures.web_server import Site, read_html, words_of
from weighbridge.config import Settings, load
from weighbridge.core.errors import Refused
from weighbridge.targets import find_kind

DAY = 86_400
KEY = "key-of-anna"


@pytest.fixture(autouse=True)
def examples() -> Iterator[None]:
    with installed_examples():
        yield


def read(home: Path, environ: dict[str, str] | None = None) -> Settings:
    return load(home, environ or {}, secret_folder=home / "nowhere")


# --- Setting up -----------------------------------------------------------------------------------


def test_init_offers_them(tmp_path: Path) -> None:
    told = run_here(tmp_path / "other", "init", "--help", expect=0).out
    assert "--daybook NAME" in told
    assert "Keep a line a day for this athlete at Daybook." in told
    assert "--scaleboard ID" in told
    assert "--daybook-api-key-file FILE" in told
    run = run_here(tmp_path, "init", "--daybook", "anna-rides", expect=0)
    assert "give the api_key for Daybook there, too" in run.err
    text = (tmp_path / "weighbridge.toml").read_text()
    assert '[[person.target]]\nkind = "daybook"\nathlete = "anna-rides"\napi_key = {' in text
    assert '# kind = "scaleboard"' in text


def test_the_help_and_the_check_of_the_configuration_know_them(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_text(
        '[[person]]\nname = "anna"\n[[person.target]]\nkind = "daybok"\n'
    )
    wrong = run_here(tmp_path, "config", "check", expect=2)
    assert 'Did you mean "daybook"?' in wrong.out + wrong.err
    (tmp_path / "weighbridge.toml").write_text(
        '[[person]]\nname = "anna"\n[[person.target]]\nkind = "daybook"\nathlet = "anna"\n'
        'api_key = { file = "key" }\n'
    )
    wrong = run_here(tmp_path, "config", "check", expect=2)
    assert "weighbridge.toml:5" in wrong.out + wrong.err
    assert '"athlete"' in wrong.out + wrong.err


def test_the_environment_gives_one(tmp_path: Path) -> None:
    environ = {
        "WEIGHBRIDGE_DAYBOOK_ATHLETE": "anna-rides",
        "WEIGHBRIDGE_DAYBOOK_API_KEY": KEY,
    }
    settings = read(tmp_path, environ)
    [target] = settings.people[0].targets
    assert (target.kind, target.options.athlete) == ("daybook", "anna-rides")
    assert target.options.api_key.reveal() == KEY
    assert KEY not in repr(settings)
    assert settings.origins["person.me.target.daybook.athlete"] == (
        "environment WEIGHBRIDGE_DAYBOOK_ATHLETE"
    )
    assert read(tmp_path).people[0].targets == ()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    with Empty(home) as server:
        yield server.browser()


def test_the_set_up_in_the_browser_asks_for_them(browser: Browser, tmp_path: Path) -> None:
    browser.go("/setup/withings", **APPLICATION)
    browser.go("/setup/people", name="anna")
    page = browser.get("/setup/targets/1")
    told = words_of(page)
    assert "Name of the athlete" in told
    assert "It stands in the address of your page at Daybook." in told
    assert "Scaleboard client secret" in told
    german = words_of(browser.get("/setup/targets/1", **{"Accept-Language": "de"}))
    assert "Name des Sportlers" in german
    assert "Key of the interface" in german, "what a language lacks is said in English"
    fields = {"daybook-athlete": "anna-rides", "daybook-api_key": KEY}
    browser.go("/setup/targets/1", **fields)
    browser.go("/setup/address")
    browser.go("/setup/review")
    [target] = read(tmp_path / "home").people[0].targets
    assert (target.kind, target.options.athlete) == ("daybook", "anna-rides")
    assert target.options.api_key.reveal() == KEY
    assert (tmp_path / "home" / "daybook-api-key").read_text() == f"{KEY}\n"
    assert KEY not in browser.seen


def test_a_key_without_an_account_is_told_at_its_field(browser: Browser) -> None:
    browser.go("/setup/people", name="anna")
    answer = browser.fill("/setup/targets/1", **{"daybook-api_key": KEY})
    assert answer.status == 422
    faults = {one.get("id"): "".join(one.itertext()) for one in read_html(answer.text).iter("p")}
    assert faults["daybook-athlete-fault"].strip() == "Fill this in."


# --- Problems -------------------------------------------------------------------------------------


def test_a_problem_of_a_stranger_is_worded_by_its_own_texts_in_each_language() -> None:
    find_kind("daybook")
    why = Refused(code="daybook.not_taken", kg=500.5, day="2025-10-09").reason
    assert why.message("en") == "Daybook takes no 500.5 kg on 2025-10-09."
    assert why.message("de") == "Daybook nimmt am 2025-10-09 keine 500,5 kg an."
    assert why.remedy("de") == "Berichtige oder lösche die Messung in der Withings-App."
    assert why.message("fr") == why.message("en").replace("500.5", "500,5")
    unknown = Refused(code="daybook.other", kg=1).reason
    assert unknown.message("de") == "daybook.other (kg=1)"


# --- Working --------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Anna with both, and weighings of two days; she is connected to Withings."""
    from weighbridge_examples.clouds import DaybookCloud, ScaleboardCloud

    house = House(tmp_path)
    house.daybook = DaybookCloud(clock=house.clock)
    house.scaleboard = ScaleboardCloud(clock=house.clock)
    house.sandbox.clouds += (house.daybook, house.scaleboard)
    now = int(house.clock())
    instants = [(now - 3 * DAY, "70.0"), (now - 3 * DAY + 60, "70.5"), (now - DAY, "71.0")]
    house.person("anna", [weight(n, at, kg) for n, (at, kg) in enumerate(instants, 1)])
    url = f'url = "{house.sandbox.url}"\n'
    house.target("anna", "daybook", f'athlete = "anna"\napi_key = "{KEY}"\n{url}{LONG_AGO}')
    app = 'client_id = "us"\nclient_secret = "hush-hush"\n'
    house.target("anna", "scaleboard", f"{app}{url}{LONG_AGO}")
    house.write_configuration()
    made = World(house, tmp_path)
    code = house.admin.code("anna", house.callback_url)
    made.run("login", "withings", "--code", code, expect=0)
    yield made
    house.close()


def test_they_are_checked_and_served(world: World) -> None:
    told = world.run("check", "--target", "daybook", expect=0)
    assert "Daybook knows the key of anna." in told.out
    assert "Nobody is logged in to Scaleboard yet." in world.run("check", expect=3).out
    world.run("sync", expect=3)
    days = sorted(world.house.daybook.days.items())
    assert [values for _, values in days] == [{"weight": 70.5}, {"weight": 71.0}]
    assert "scaleboard" in world.run("status", expect=3).out
    world.run("login", "scaleboard", "--ticket", "the-code", expect=0)
    world.run("sync", expect=0)
    assert world.house.scaleboard.weights == [71.0]
    assert "Signed in at Scaleboard as Anna." in world.run("check", expect=0).out


def test_a_code_that_is_wrong_is_told(world: World) -> None:
    told = world.run("login", "scaleboard", "--ticket", "another", expect=3).err
    assert "Scaleboard does not accept this code" in told
    wrong = "http://localhost/scaleboard?code=the-code&state=of-somebody-else"
    told = world.run("login", "scaleboard", "--ticket", wrong, expect=3).err
    assert "This is not the address" in told


def test_the_connect_pages_sign_a_person_in(world: World) -> None:
    with Site(world.house) as site:
        admin = site.admin()
        shown = words_of(admin.get("/connect"))
        assert "Scaleboard" in shown
        assert "daybook" not in shown.lower(), "there is nothing to sign in at"
        page = admin.get("/connect/anna/scaleboard")
        assert 'name="password"' not in page.text
        csrf = page.field("csrf")
        assert admin.post("/connect/anna/scaleboard/browser", csrf=csrf).status == 303
        asked = admin.get("/connect/anna/scaleboard/progress")
        links = [one.get("href", "") for one in read_html(asked.text).iter("a")]
        [link] = [one for one in links if "authorize" in one]
        state = parse_qs(urlsplit(link).query)["state"][0]
        brought = f"http://localhost/scaleboard?code=the-code&state={state}"
        form = {"csrf": asked.field("csrf"), "answer": brought}
        admin.post("/connect/anna/scaleboard/answer", **form)
        done = words_of(admin.get("/connect/anna/scaleboard/progress"))
        assert "anna is signed in at Scaleboard" in done
    world.run("sync", expect=0)
    assert world.house.scaleboard.weights == [71.0]


def test_the_sandbox_shows_the_one_that_brings_a_stand_in() -> None:
    from weighbridge.cli.sandbox import configuration, find_clouds
    from weighbridge_sandbox.clock import Clock
    from weighbridge_sandbox.withings import WithingsCloud

    clock = Clock()
    assert "daybook" in {cloud.name for cloud in find_clouds(clock, 1)}
    withings = WithingsCloud(clock=clock)
    withings.household.add_profile("anna", timezone="Europe/Paris", groups=())
    text = configuration("http://127.0.0.1:1", withings)
    assert 'kind = "daybook"\nathlete = "anna"\napi_key = "key-of-anna"\n' in text


# --- Documentation --------------------------------------------------------------------------------


def test_the_reference_is_generated_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "docs"), *sys.path])
    import generate

    from weighbridge.targets import find_kind

    text = generate.target_section(find_kind("daybook"))
    assert text.startswith("## `daybook`\n\nKeep a line for each day in Daybook.")
    assert 'athlete = "anna-rides"' in text
    meaning = "The name in the address of your page at Daybook."
    assert f"| `athlete` | text | required | {meaning} |" in text
    assert "`WEIGHBRIDGE_DAYBOOK_ATHLETE`" in text
