"""Pages in the language of whoever reads them: the browser's wish, the menu, numbers and times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.web_server import Site, Visitor, ask, read_html, site, words_of
from weighbridge.i18n import LANGUAGES, read_grammar, texts
from weighbridge.web.preferences import best_language
from weighbridge.web.wording import Words, anchor, day, figure, number, when

NOON = 1_772_712_300
"""12:05 UTC on 5 March 2026."""


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """For tests that change nothing."""
    with site(tmp_path_factory.mktemp("quiet")) as made:
        yield made


# --- What a browser asks for ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("nl-BE-u-co-standard", "nl"),
        ("de-AT,de;q=0.9,en-US;q=0.8,en;q=0.7", "de"),
        ("it,fr;q=0.5,en;q=0.4", "fr"),
        ("en;q=0.1,pl;q=0.2", "pl"),
        ("pl ; q=0.2 , en;Q=0.3", "en"),
        ("fr,de", "fr"),
        ("de;q=0.5,fr;q=0.5", "de"),
        ("en;q=0.5,en-GB,de;q=0.9", "en"),
        ("*", "en"),
        ("*;q=0.5,es;q=0.4", "en"),
        ("*;q=0.5,es;q=0.6", "es"),
        ("en;q=0,*", "de"),
        ("en;q=0", "en"),
        ("de;q=0,it", "en"),
        ("de;q=0.0,en;q=0.001", "en"),
        ("it,zh-Hans", "en"),
    ],
)
def test_the_best_language_that_we_have_is_chosen(accepted: str, language: str) -> None:
    assert best_language(accepted) == language


@pytest.mark.parametrize(
    "odd",
    [
        *("de;q=1.1", "de;q=-1", "de;q=2", "de;q=.5", "de;q=0.1234", "de;q=1.001", "de;q=x"),
        *("de;q=", "de;q", "de;", "de;level=1", "de;q=1;q=1", "de fr", "de_DE", "de-", "-de"),
        *("deutschland", "d€", "de;q=1e0", "de;q =1", "\x00de", "", ";q=1", "**"),
    ],
)
def test_a_wish_that_is_not_written_as_it_must_be_is_passed_over(odd: str) -> None:
    assert best_language(odd) == "en"
    assert best_language(f"{odd},fr;q=0.1") == "fr"


def test_an_endless_wish_is_not_read_to_its_end() -> None:
    assert best_language("it," * 100_000 + "de") == "en"


@given(st.text(alphabet="defrn-;q=0.15,* \t\n", max_size=60))
def test_every_wish_ends_in_a_language(accepted: str) -> None:
    assert best_language(accepted) in LANGUAGES


# --- The pages ------------------------------------------------------------------------------------


def language_of(text: str) -> str:
    return str(read_html(text).attrib["lang"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_speak_the_language_of_the_browser(quiet: Site, language: str) -> None:
    visitor = quiet.visitor(Accept_Language=f"{language};q=0.9, it")
    page = visitor.get("/sign-in")
    assert language_of(page.text) == language
    assert texts(language)("login.token") in words_of(page)
    refused = visitor.sign_in("wrong")
    assert texts(language)("login.wrong") in words_of(refused)


def choose(visitor: Visitor, language: str, back: str = "/sign-in") -> str:
    answer = visitor.post("/language", language=language, next=back)
    assert answer.status == 303
    return answer.place


def test_the_menu_says_it_for_all_pages_and_leads_back(quiet: Site) -> None:
    visitor = quiet.visitor(Accept_Language="fr")
    page = visitor.get("/sign-in?next=/connect")
    assert page.field("next") == "/connect"
    menu = read_html(page.text).find("body/footer/form")
    buttons = {button.attrib["value"]: button for button in menu.iter("button")}
    assert set(buttons) == set(LANGUAGES)
    assert all(one.attrib["lang"] == code for code, one in buttons.items())
    assert [c for c, one in buttons.items() if "aria-current" in one.attrib] == ["fr"]
    back = menu.find("input").attrib["value"]
    assert back == "/sign-in?next=/connect"
    assert choose(visitor, "pl", back) == back
    assert language_of(visitor.get(back).text) == "pl"
    assert language_of(visitor.get("/nowhere").text) == "pl"


def test_the_choice_is_kept_for_a_year_and_from_scripts(quiet: Site) -> None:
    visitor = quiet.visitor()
    answer = visitor.post("/language", language="de", next="/")
    parts = {part.strip().lower() for part in answer.headers["Set-Cookie"].split(";")}
    wanted = {"language=de", "max-age=31536000", "path=/", "httponly", "samesite=lax"}
    assert parts == wanted


def test_a_language_that_we_do_not_have_changes_nothing(quiet: Site) -> None:
    visitor = quiet.visitor()
    for odd in ("it", "", "../en", "DE"):
        assert choose(visitor, odd) == "/sign-in"
    assert visitor.cookies == {}
    visitor.cookies["language"] = "../../etc"
    assert language_of(visitor.get("/sign-in").text) == "en"


@pytest.mark.parametrize("elsewhere", ["//evil.test", "https://evil.test/", "/\\evil.test", ""])
def test_the_menu_leads_nowhere_else(quiet: Site, elsewhere: str) -> None:
    assert choose(quiet.visitor(), "de", elsewhere) == "/"


def test_after_a_form_the_menu_leads_to_the_page_that_it_came_from(quiet: Site) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    host = f"localhost:{quiet.port}"
    for before, back in (
        (f"http://{host}/sign-in?next=/connect", "/sign-in"),
        (f"http://evil.test/{host}/connect", "/"),
        ("nonsense", "/"),
        ("", "/"),
    ):
        headers = {**kind, "Host": host, "Referer": before}
        refused = ask(quiet.port, "POST", "/sign-in", b"token=wrong", headers)
        assert read_html(refused.text).find("body/footer/form/input").attrib["value"] == back


def test_a_page_whose_address_is_secret_sends_no_form(quiet: Site) -> None:
    admin = quiet.admin()
    assert "<form" not in admin.get("/connect/withings?code=abcdef&state=x").text
    assert "<form" not in admin.get("/connect/withings").text


# --- Where no page is -----------------------------------------------------------------------------


def test_a_browser_gets_a_page_where_no_page_is(quiet: Site) -> None:
    answer = quiet.visitor(Accept_Language="de").get("/nowhere")
    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "Diese Seite gibt es nicht" in words_of(answer)
    wrong_way = quiet.visitor().get("/sign-out")
    assert wrong_way.status == 405
    assert "does not understand" in words_of(wrong_way)


def test_a_program_gets_a_sentence(quiet: Site) -> None:
    for accepted in ("*/*", "application/json", "text/plain", ""):
        answer = quiet.visitor(Accept=accepted, Accept_Language="de").get("/nowhere")
        assert answer.status == 404
        assert answer.text == "Unter dieser Adresse gibt es keine Seite.\n"
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_script_of_a_page_is_told_that_it_is_signed_out(quiet: Site) -> None:
    for accepted in ("application/json", "text/event-stream"):
        answer = quiet.visitor(Accept=accepted).get("/connect")
        assert answer.status == 401
        assert "Sign in" in answer.text
    assert quiet.visitor(Accept="*/*").get("/connect").status == 303


def test_an_accident_is_a_page_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site(tmp_path) as made:
        admin = made.admin()
        monkeypatch.setattr("weighbridge.web.views.connect.source_login_status", None)
        answer = admin.get("/connect")
        assert answer.status == 500
        assert "Look into its log" in words_of(answer)
        monkeypatch.setattr("weighbridge.web.render.Pages.page", None)
        bare = admin.get("/connect")
        assert (bare.status, bare.text.count("\n")) == (500, 1)
        assert "Look into its log" in bare.text


# --- Texts, numbers and times in a page -----------------------------------------------------------


def test_texts_and_their_values_are_escaped_and_code_is_marked() -> None:
    say = Words(texts("en"))
    told = say("connect.register_callback", address="<x> `y` {z}")
    assert told == "Enter the callback URL <code>&lt;x&gt; `y` {z}</code>"
    link = anchor("/a?b=c&d=e", "<here>")
    assert say("connect.begin_at", address=link).endswith(
        ' at <a href="/a?b=c&amp;d=e">&lt;here&gt;</a>'
    )


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "5 March 2026, 13:05"),
        ("de", "5. März 2026, 13:05"),
        ("fr", "5 mars 2026 à 13:05"),
        ("es", "5 de marzo de 2026, 13:05"),
        ("pl", "5 marca 2026, 13:05"),
        ("nl", "5 maart 2026, 13:05"),
    ],
)
def test_times_are_in_words_of_the_language_and_exact_for_machines(
    language: str, text: str
) -> None:
    instant = '<time datetime="2026-03-05T12:05:00+00:00" data-when="moment">'
    assert when(language, NOON, "Europe/Paris") == f"{instant}{text}</time>"
    assert when(language, NOON + 0.9) == instant + text.replace("13:05", "12:05 UTC") + "</time>"
    assert f">{text.partition('13:05')[0].rstrip(' ,à')}<" in when(language, NOON, None, "day")
    assert ">13:05<" in when(language, NOON, "Europe/Paris", "time")


def test_a_day_is_that_of_the_zone() -> None:
    assert day("en", NOON) == "5 March 2026"
    assert day("en", NOON, "Pacific/Kiritimati") == "6 March 2026"


def test_figures_are_exact_for_machines() -> None:
    shown = figure("de", Decimal("81.25"), 1)
    assert shown == '<data value="81.3" data-number="1">81,3</data>'
    change = figure("en", -0.45, 1, signed=True)
    minus = "\N{MINUS SIGN}"
    assert change == f'<data value="-0.5" data-number="1" data-signed>{minus}0.5</data>'
    assert number("fr", 62) == "62"
    assert number("en", None) == figure("en", None) == "\N{EN DASH}"


@given(st.decimals(-300, 300, places=3), st.sampled_from(LANGUAGES), st.integers(0, 2))
def test_what_is_shown_is_what_the_machine_reads(
    value: Decimal, language: str, digits: int
) -> None:
    shown = figure(language, value, digits)
    exact, text = re.fullmatch(r'<data value="([^"]*)"[^>]*>([^<]*)</data>', shown).groups()  # type: ignore[union-attr]
    sign = read_grammar(language).decimal_sign
    assert Decimal(text.replace(sign, ".").replace("\N{MINUS SIGN}", "-")) == Decimal(exact)
