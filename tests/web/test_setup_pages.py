"""From an empty home to a connected person, in the browser and without JavaScript."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.cli import House, run_here
from fixtures.init_command import read, run
from fixtures.setup_page import APPLICATION, MINE, PASSWORD, Browser, Empty, connect, empty
from fixtures.waiting import PATIENCE, wait_until
from fixtures.web_server import Visitor, read_html, words_of
from weighbridge.core import private_files
from weighbridge.core.errors import ConfigProblem, StateProblem
from weighbridge.i18n import LANGUAGES, texts
from weighbridge.targets.kind import TargetKind
from weighbridge.web.process import Server
from weighbridge.web.views import setup_forms
from weighbridge.web.views.setup import STEPS
from weighbridge.web.views.setup_draft import IDLE, MOST, MOST_PEOPLE, Draft, Drafts
from weighbridge_sandbox.withings import CLIENT_ID, CLIENT_SECRET

SECRETS = (CLIENT_SECRET, PASSWORD)
BROKER = {
    "mqtt-url": "mqtt://broker.lan:1883",
    "mqtt-user": "weigh bridge",
    "mqtt-password": PASSWORD,
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def server(home: Path) -> Iterator[Empty]:
    with empty(home) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Empty]:
    """For tests that write nothing; each browser has answers of its own."""
    with empty(tmp_path_factory.mktemp("quiet") / "home") as made:
        yield made


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- The whole way --------------------------------------------------------------------------------


def test_the_command_leads_from_an_empty_home_to_a_connected_person(tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    house = House(home)
    house.person("anna")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "weighbridge", "-vv", "serve", "--port", str(port)]
    environ = house.environment({"WITHINGS_URL": house.sandbox.url})
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environ, stdout=file, stderr=file)
    try:
        wait_until(lambda: "admin token" in log.read_text())
        assert f"http://localhost:{port}/setup" in log.read_text()
        browser = Browser(port, f"localhost:{port}", {})
        browser.sign_in((home / "admin-token").read_text().strip())
        assert browser.get("/").place == "/setup"
        callback = f"http://localhost:{port}/connect/withings"
        assert callback in words_of(browser.get("/setup/withings"))
        browser.answer_everything(**{"garmin-username": "anna@example.org"}, **BROKER)
        assert browser.go("/setup/review") == "/connect"
        done = connect(browser, house, "anna")
        assert "anna is connected" in words_of(done)
        wait_until(lambda: len(house.database("SELECT 1 FROM account")) == 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        house.close()
    assert f"port = {port}\n" in (home / "weighbridge.toml").read_text()
    told = log.read_text()
    assert f"Weighbridge is at http://127.0.0.1:{port}." in told
    assert not [secret for secret in SECRETS if secret in browser.seen or secret in told]
    assert (home / "admin-token").read_text().strip() not in browser.seen + told


def test_a_broken_configuration_is_still_refused(home: Path) -> None:
    home.mkdir()
    (home / "weighbridge.toml").write_text("[wihtings]\n")
    result = run_here(home, "serve", expect=2)
    assert 'Did you mean "withings"?' in result.err


def test_another_set_up_of_the_same_home_is_refused(server: Empty) -> None:
    with pytest.raises(ConfigProblem, match="Another server"):
        Empty(server.home).life.start()


# --- What is written ------------------------------------------------------------------------------


def test_the_file_is_the_one_that_init_writes(server: Empty, tmp_path: Path) -> None:
    browser = server.browser()
    browser.go("/setup/withings", **APPLICATION)
    person = {"name": "Zoë", "height": "172,5", "timezone": "europe/paris"}
    browser.go("/setup/people", **person)
    targets = {
        "garmin-username": "zoe@example.org",
        "file-path": "zoë.csv",
        "mqtt-url": "mqtt://pi",
        "mqtt-user": "w",
    }
    browser.go("/setup/targets/1", **targets)
    browser.go("/setup/review")
    options = ["--person", "Zoë", "--height", "172.5", "--timezone", "Europe/Paris"]
    options += ["--client-id", CLIENT_ID, "--client-secret-stdin"]
    options += ["--garmin", "zoe@example.org", "--csv", "zoë.csv", "--mqtt", "mqtt://w@pi"]
    assert run(tmp_path / "other", *options, typed=f"{CLIENT_SECRET}\n").exit_code == 0
    assert server.file.read_text() == (tmp_path / "other" / "weighbridge.toml").read_text()


def test_two_people_with_all_targets_are_what_is_read_afterwards(server: Empty) -> None:
    browser = server.browser()
    browser.go("/setup/withings", **APPLICATION)
    assert browser.go("/setup/people", name="anna", then="more") == "/setup/people"
    assert browser.go("/setup/people", name="ben") == "/setup/targets"
    assert browser.get("/setup/targets").place == "/setup/targets/1"
    spoken = {"mqtt-language": "pl", "mqtt-units": "imperial"}
    place = browser.go(
        "/setup/targets/1", **{"file-path": "a.fit", "file-format": "fit"}, **BROKER, **spoken
    )
    assert place == "/setup/targets/2"
    same_broker = {"mqtt-url": "mqtt://weigh%20bridge@broker.lan:1883"}
    assert browser.go(place, **{"trainerroad-username": "ben"}, **same_broker) == "/setup/address"
    browser.go("/setup/address", url="scale.example.org/")
    browser.go("/setup/review")
    settings = read(server.home)
    assert settings.server.url == "https://scale.example.org"
    assert settings.withings.client_secret is not None
    assert settings.withings.client_secret.reveal() == CLIENT_SECRET
    anna, ben = settings.people
    file, mqtt = anna.targets
    assert (file.options.path, file.options.format) == ("a.fit", "fit")
    assert mqtt.options.url == "mqtt://weigh%20bridge@broker.lan:1883"
    assert mqtt.options.password.reveal() == PASSWORD
    assert (mqtt.options.language, mqtt.options.units) == ("pl", "imperial")
    rider, second = ben.targets
    assert (rider.kind, rider.options.username) == ("trainerroad", "ben")
    assert second.options.password.reveal() == PASSWORD
    assert [[person.name for person in one.people] for one in server.began] == [["anna", "ben"]]


@pytest.mark.skipif(os.name != "posix", reason="a matter of POSIX")
def test_files_are_for_this_account_only_and_no_file_is_written_over(server: Empty) -> None:
    (server.home / "mqtt-password").write_text("of another broker")
    browser = server.browser()
    browser.answer_everything(**BROKER)
    assert "`" not in words_of(browser.get("/setup/review"))
    assert "the file mqtt-password-2 beside it" in words_of(browser.get("/setup/review"))
    browser.go("/setup/review")
    assert (server.home / "mqtt-password").read_text() == "of another broker"
    assert (server.home / "mqtt-password-2").read_text() == f"{PASSWORD}\n"
    assert mode_of(server.home) == 0o700
    for name in ("weighbridge.toml", "mqtt-password-2", "admin-token"):
        assert mode_of(server.home / name) == 0o600
    assert not list(server.home.glob("*.new"))


def test_the_review_is_the_file_with_stars(server: Empty) -> None:
    browser = server.browser()
    browser.answer_everything(**BROKER)
    (shown,) = read_html(browser.get("/setup/review").text).iter("pre")
    browser.go("/setup/review")
    written = server.file.read_text().replace(CLIENT_SECRET, "********")
    assert "".join(shown.itertext()) == written
    assert PASSWORD not in written


def test_a_public_address_changes_the_callback_and_leads_on_below_its_path(server: Empty) -> None:
    browser = server.browser()
    browser.answer_everything()
    browser.go("/setup/address", url="https://home.example.org/weighbridge")
    callback = "https://home.example.org/weighbridge/connect/withings"
    assert callback in words_of(browser.get("/setup/withings"))
    assert callback in words_of(browser.get("/setup/review"))
    assert browser.go("/setup/review") == "/weighbridge/connect"
    assert browser.get("/weighbridge/connect").status == 200


def test_an_address_from_the_command_line_is_proposed(home: Path) -> None:
    with empty(home, url="http://pi.local") as server:
        browser = server.browser()
        assert browser.get("/setup/address").field("url") == "http://pi.local"
        browser.answer_everything()
        browser.go("/setup/address", url="http://pi.local")
        assert "Withings wants https" in words_of(browser.get("/setup/review"))


# --- To and fro -----------------------------------------------------------------------------------


def test_going_back_shows_what_was_entered(quiet: Empty) -> None:
    browser = quiet.browser()
    browser.answer_everything(
        **{"trainerroad-username": "anna-rides", "file-path": "a.json", "file-format": "json"},
        **BROKER,
    )
    assert browser.get("/setup/withings").field("client_id") == CLIENT_ID
    assert "It was entered and is not shown again" in words_of(browser.get("/setup/withings"))
    assert browser.get("/setup/people/1").field("name") == "anna"
    targets = browser.get("/setup/targets/1")
    assert [targets.field(name) for name in ("trainerroad-username", "file-path", "mqtt-user")] == [
        *("anna-rides", "a.json", "weigh bridge")
    ]
    assert targets.field("mqtt-url") == "mqtt://broker.lan:1883"
    assert '<option value="json" selected>' in targets.text
    # An empty field keeps the secret.
    browser.go("/setup/withings", client_id="another-client")
    browser.go(
        "/setup/targets/1",
        **{"mqtt-url": "mqtt://broker.lan:1883", "mqtt-user": "weigh bridge"},
    )
    review = words_of(browser.get("/setup/review"))
    assert 'client_id = "another-client"' in review
    assert 'password = { file = "mqtt-password" }' in review
    assert not [secret for secret in SECRETS if secret in browser.seen]


def test_a_secret_is_not_sent_to_another_broker(quiet: Empty) -> None:
    browser = quiet.browser()
    browser.answer_everything(**BROKER)
    browser.go(
        "/setup/targets/1", **{"mqtt-url": "mqtt://elsewhere.lan", "mqtt-user": "weigh bridge"}
    )
    assert "# password = " in browser.get("/setup/review").text


def test_people_are_changed_and_removed(quiet: Empty) -> None:
    browser = quiet.browser()
    for name in ("anna", "ben"):
        browser.go("/setup/people", name=name, then="more")
    browser.go("/setup/people/2", name="bernd", height="180")
    csrf = browser.get("/setup/people").field("csrf")
    assert browser.post("/setup/people/1/remove", csrf=csrf).place == "/setup/people"
    assert browser.post("/setup/people/1/remove", csrf=csrf).place == "/setup/people"
    told = words_of(browser.get("/setup/people"))
    assert "bernd" in told
    assert "anna" not in told
    assert browser.get("/setup/people/1").place == "/setup/people"
    assert browser.get("/setup/targets/1").place == "/setup/people"
    assert browser.post("/setup/targets/1", csrf=csrf).place == "/setup/people"
    assert browser.get("/setup/targets").place == "/setup/targets/2"


def test_what_is_missing_is_named_before_anything_is_written(quiet: Empty) -> None:
    browser = quiet.browser()
    review = browser.get("/setup/review")
    assert 'href="/setup/people">People' in review.text.split("is missing", 1)[1]
    assert "Write and start" not in review.text
    assert browser.get("/setup/targets").place == "/setup/people"
    form = {"csrf": browser.get("/setup/people").field("csrf"), "shown": "x"}
    assert browser.post("/setup/review", **form).status == 409
    assert not quiet.file.exists()


def test_what_changed_in_another_window_is_shown_before_it_is_written(quiet: Empty) -> None:
    browser = quiet.browser()
    browser.answer_everything()
    shown = browser.get("/setup/review")
    browser.go("/setup/people/1", name="anne")
    form = {"csrf": shown.field("csrf"), "shown": shown.field("shown")}
    again = browser.post("/setup/review", **form)
    assert again.status == 409
    assert "Something was changed in the meantime" in words_of(again)
    assert "anne" in words_of(again)
    assert not quiet.file.exists()


# --- Wrong values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "fields", "field", "said"),
    [
        ("/setup/withings", {}, "client_id", "Fill this in."),
        ("/setup/withings", {}, "client_secret", "Fill this in."),
        ("/setup/withings", {"client_id": "my client id"}, "client_id", "only letters and digits"),
        ("/setup/withings", {"client_id": "a1" * 31}, "client_id", "has 62 characters"),
        ("/setup/withings", {"client_id": "a" * 300}, "client_id", "at most 200"),
        (
            "/setup/withings",
            {"client_id": "x" * 9, "client_secret": "x" * 9},
            "client_secret",
            "Th",
        ),
        ("/setup/people", {"name": " "}, "name", "Fill this in."),
        ("/setup/people", {"name": "a\nb"}, "name", "visible characters"),
        ("/setup/people", {"name": "x" * 65}, "name", "up to 64"),
        ("/setup/people", {"name": "ANNA"}, "name", "is taken already"),
        ("/setup/people", {"name": "b", "height": "1.72"}, "height", "from 50 to 272"),
        ("/setup/people", {"name": "b", "height": "tall"}, "height", "from 50 to 272"),
        ("/setup/people", {"name": "b", "timezone": "Europa/Paris"}, "timezone", "Europe/Paris?"),
        ("/setup/people", {"name": "b", "timezone": "../../etc"}, "timezone", "no such time zone"),
        ("/setup/targets/1", {"file-path": "~nobody-here/x"}, "file-path", "Write it out"),
        ("/setup/targets/1", {"file-path": "ben.csv"}, "file-path", "Another person has this file"),
        ("/setup/targets/1", {"mqtt-url": "http://pi"}, "mqtt-url", "like mqtt://"),
        ("/setup/targets/1", {"mqtt-user": "anna"}, "mqtt-url", "as well"),
        (
            "/setup/targets/1",
            {"mqtt-url": "mqtt://pi", "mqtt-password": "x"},
            "mqtt-user",
            "belongs to a user",
        ),
        ("/setup/targets/1", {"mqtt-password": "x" * 201}, "mqtt-password", "at most 200"),
        ("/setup/address", {"url": "ftp://pi"}, "url", "nothing else"),
    ],
)
def test_a_wrong_value_is_told_at_its_field(
    people: Browser, page: str, fields: dict[str, str], field: str, said: str
) -> None:
    answer = people.fill(page, **fields)
    assert answer.status == 422
    root = read_html(answer.text)
    (fault,) = [one for one in root.iter("p") if one.get("id") == f"{field}-fault"]
    assert said in "".join(fault.itertext())
    (box,) = [one for one in root.iter("input") if one.get("id") == field]
    assert box.get("aria-invalid") == "true"
    assert f"{field}-fault" in box.get("aria-describedby").split()
    assert [one for one in root.iter("div") if one.get("role") == "alert"]
    for name, typed in fields.items():
        kept = next(one for one in root.iter("input") if one.get("id") == name).get("value")
        assert kept == (None if name in ("client_secret", "mqtt-password") else typed.strip())


@pytest.fixture(scope="module")
def people(quiet: Empty) -> Browser:
    """Anna and Ben were entered, and Ben's file."""
    browser = quiet.browser()
    for name in ("anna", "ben"):
        browser.go("/setup/people", name=name, then="more")
    browser.go("/setup/targets/2", **{"file-path": "ben.csv"})
    return browser


def test_a_secret_needs_not_be_typed_twice(quiet: Empty) -> None:
    browser = quiet.browser()
    wrong = browser.fill("/setup/withings", client_id="a b", client_secret=CLIENT_SECRET)
    assert wrong.status == 422
    browser.go("/setup/withings", client_id=CLIENT_ID)
    browser.go("/setup/people", name="anna")
    assert browser.fill("/setup/targets/1", **{"file-path": "~no-one/x"}, **BROKER).status == 422
    browser.go("/setup/targets/1", **{**BROKER, "mqtt-password": ""})
    assert "mqtt-password" in words_of(browser.get("/setup/review"))
    assert not [secret for secret in SECRETS if secret in browser.seen]


@pytest.mark.parametrize("rest", ["", "x y", "/a?b", ":x", "]"])
def test_a_password_in_an_address_is_not_shown(quiet: Empty, rest: str) -> None:
    browser = quiet.browser()
    browser.go("/setup/people", name="anna")
    answer = browser.fill("/setup/targets/1", **{"mqtt-url": f"mqtt://weigh:hush-hush@pi{rest}"})
    assert answer.status == (422 if rest else 303)
    page = browser.get("/setup/targets/1")
    if not rest:
        assert (page.field("mqtt-url"), page.field("mqtt-user")) == ("mqtt://pi", "weigh")
        assert "It was entered" in words_of(page)
    assert browser.fill("/setup/address", url=f"https://me:hush-hush@pi{rest}").status == 422
    assert "hush-hush" not in browser.seen


def test_there_is_an_end_to_people(quiet: Empty) -> None:
    browser = quiet.browser()
    csrf = browser.get("/setup/people").field("csrf")
    for number in range(MOST_PEOPLE):
        assert browser.post("/setup/people", csrf=csrf, name=f"p{number}").status == 303
    refused = browser.post("/setup/people", csrf=csrf, name="one more")
    assert f"{MOST_PEOPLE} people are the most" in words_of(refused)


def test_a_target_that_is_not_installed_says_how_to_get_it(
    quiet: Empty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing_part(kind: TargetKind) -> ConfigProblem:
        name, install = kind.name, f"x[{kind.name}]"
        return ConfigProblem(code="target.not_installed", kind=name, package="x", install=install)

    monkeypatch.setattr(setup_forms, "missing_part", missing_part)
    browser = quiet.browser()
    browser.go("/setup/people", name="anna")
    told = words_of(browser.get("/setup/targets/1"))
    assert [kind for kind in ("garmin", "mqtt") if f"pip install 'x[{kind}]'" not in told] == []
    browser.go(
        "/setup/targets/1",
        **{"file-path": "a.csv", "mqtt-url": "mqtt://pi", "garmin-username": "anna"},
    )
    review = browser.get("/setup/review").text
    assert "\n[[person.target]]\n" not in review


# --- Another person is faster ---------------------------------------------------------------------


def test_two_browsers_do_not_mix_and_the_second_is_told(server: Empty) -> None:
    one, other = server.browser(), server.browser()
    one.answer_everything()
    other.answer_everything("ben")
    assert "ben" not in one.get("/setup/review").text
    late = other.get("/setup/review")
    one.go("/setup/review")
    form = {"csrf": late.field("csrf"), "shown": late.field("shown")}
    for answer in (other.post("/setup/review", **form), other.get("/setup/people")):
        assert "it was not used" in words_of(answer)
    assert [person.name for person in read(server.home).people] == ["anna"]
    assert other.get("/setup").status == other.get("/connect").status == 200


def test_a_configuration_that_appears_meanwhile_counts(server: Empty) -> None:
    browser = server.browser()
    browser.answer_everything()
    review = browser.get("/setup/review")
    server.file.write_text(MINE)
    form = {"csrf": review.field("csrf"), "shown": review.field("shown")}
    assert browser.post("/setup/review", **form).place == "/setup"
    assert "it was not used" in words_of(browser.get("/setup"))
    assert "zoe" in words_of(browser.get("/connect"))
    assert server.file.read_text() == MINE


def test_it_is_never_written_over_whenever_it_appears(
    server: Empty, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = server.browser()
    browser.answer_everything(**BROKER)
    put_in_place = private_files._put_in_place

    def too_late(draft: Path, path: Path, content: bytes) -> None:
        server.file.write_text(MINE)
        put_in_place(draft, path, content)

    monkeypatch.setattr(private_files, "_put_in_place", too_late)
    assert browser.go("/setup/review") == "/setup"
    assert server.file.read_text() == MINE
    assert not (server.home / "mqtt-password").exists()


def test_an_unfinished_configuration_is_waited_for(server: Empty) -> None:
    browser = server.browser()
    assert run(server.home, "--person", "zoe").exit_code == 0
    waits = browser.get("/setup/people")
    assert waits.status == 409
    assert "Fill in client_id and client_secret" in words_of(waits)
    server.life.look()
    assert "names no application" in str(server.stuck[0])
    assert len(server.stuck) == 1
    server.file.write_text(MINE)
    server.life.look()  # as the server does by itself every two seconds
    assert "zoe" in words_of(browser.get("/connect"))


def test_a_broken_configuration_is_explained_and_waited_for(server: Empty) -> None:
    browser = server.browser()
    server.file.write_text(f'{MINE}heigth_cm = 180\nclient_secret = "never-shown"\n')
    told = words_of(browser.get("/setup"))
    assert 'weighbridge.toml:6: [[person]] "zoe": there is no key "heigth_cm".' in told
    assert "never-shown" not in browser.seen
    assert "another-secret" not in browser.seen
    server.file.unlink()
    assert browser.get("/setup").status == 200


def test_it_is_noticed_without_a_visitor(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weighbridge.web.setup_server.NAP", 0.01)
    with empty(home) as server:
        server.file.write_text(MINE)
        wait_until(lambda: server.began)


def test_a_server_that_cannot_begin_says_why_and_tries_again(
    server: Empty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(one: Server) -> None:
        raise StateProblem("The disk is full.", remedy="Make room.")

    browser = server.browser()
    browser.answer_everything()
    with monkeypatch.context() as patch:
        patch.setattr(Server, "start", fail)
        refused = browser.fill("/setup/review")
    assert "The disk is full. Make room." in words_of(refused)
    assert browser.get("/setup").place == "/setup"  # which the server answers now
    assert browser.get("/connect").status == 200


# --- Safe -----------------------------------------------------------------------------------------

PAGES = ["/", "/connect", "/setup", *STEPS.values()]


@pytest.mark.parametrize("page", PAGES)
def test_pages_need_the_token(quiet: Empty, page: str) -> None:
    stranger = Visitor(quiet.port, f"localhost:{quiet.port}", {})
    asked = stranger.get(page)
    assert (asked.status, asked.place.partition("?")[0]) == (303, "/sign-in")
    if page.count("/") == 2 and page != "/setup/targets":
        assert stranger.post(page, name="x").status == 403
        assert quiet.browser().post(page, name="x").status == 403  # without the word of a session


def test_withings_and_monitors_need_none(quiet: Empty) -> None:
    stranger = Visitor(quiet.port, f"localhost:{quiet.port}", {})
    assert stranger.get("/connect/withings", "HEAD").status == 200
    assert stranger.get("/healthz").text == "ok\n"
    ready = stranger.get("/readyz")
    assert (ready.status, "weighbridge init" in ready.text) == (503, True)
    assert stranger.get("/metrics").status == stranger.get("/history").status == 404


def test_answers_are_forgotten(quiet: Empty) -> None:
    browser, other = quiet.browser(), quiet.browser()
    for one in (browser, other):
        one.go("/setup/people", name="anna")
    other.post("/sign-out", csrf=other.get("/setup/people").field("csrf"))
    other.sign_in(quiet.token)
    assert "anna" not in words_of(other.get("/setup/people"))
    quiet.now += IDLE + 1
    assert "anna" not in words_of(browser.get("/setup/people"))


def test_only_so_many_browsers_are_remembered() -> None:
    clock = [0.0]
    drafts = Drafts(lambda: clock[0])
    for number in range(MOST + 1):
        with drafts.of(str(number), Draft()) as holding:
            holding.draft = Draft(client_id=str(number))
    seen = []
    for number in (MOST, 1, 0):
        with drafts.of(str(number), Draft()) as holding:
            seen.append(holding.draft.client_id)
    assert seen == [str(MOST), "1", ""]
    clock[0] += IDLE + 1
    drafts.expire()
    assert not drafts._kept


def test_somebody_whom_withings_could_not_send_back_is_warned(home: Path) -> None:
    with empty(home, hosts=("pi.lan",)) as server:
        for host, is_afar in (("pi.lan", True), ("127.0.0.1:8080", False)):
            browser = Browser(server.port, host, {})
            browser.sign_in(server.token)
            told = words_of(browser.get("/setup/withings"))
            assert ("You came here from another computer." in told) == is_afar


# --- For everyone ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_speaks_the_language_of_the_browser(quiet: Empty, language: str) -> None:
    browser = quiet.browser(Accept_Language=language)
    for page in ("/setup", "/setup/withings", "/setup/address", "/setup/review"):
        answer = browser.get(page)
        assert f'<html lang="{language}">' in answer.text
    assert texts(language)("setup.incomplete") in words_of(answer)


def test_every_page_is_correct_html_with_labels(quiet: Empty) -> None:
    browser = quiet.browser()
    browser.go("/setup/people", name='<"anna">')
    pages = [browser.get(page) for page in ("/setup", "/setup/people/1", "/setup/targets/1")]
    pages += [browser.get(STEPS[step]) for step in ("application", "people", "address", "review")]
    csrf = pages[1].field("csrf")
    pages += [
        browser.post(page, csrf=csrf, **{"mqtt-url": "?"}, url="?")
        for page in ("/setup/withings", "/setup/targets/1", "/setup/address")
    ]
    for answer in pages:
        root = read_html(answer.text)
        ids = [one.get("id") for one in root.iter() if one.get("id")]
        assert len(ids) == len(set(ids))
        labelled = {one.get("for") for one in root.iter("label")}
        boxes = [one for one in root.iter("input") if one.get("type") != "hidden"]
        assert {one.get("id") for one in (*boxes, *root.iter("select"))} == labelled
        assert len(list(root.iter("h1"))) == 1
        assert not list(root.iter("style"))
