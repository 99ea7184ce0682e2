"""``contrib/withings.html``: shows the code, copies it, sends nothing anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from tinyhtml5.parser import HTMLParser

from fixtures.contrib_page import FOREIGN_HOST, PAGE, Host, chromium

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from playwright.sync_api import Browser, BrowserContext, Page

CODE = "4f0c2f6d9b1e3a5c7d8e9f0a1b2c3d4e5f607182"
STATE = "9d3c5a7b1e2f4a6c8d0e1f2a3b4c5d6e7f8091a2b3c4d5e6"
QUERY = f"?code={CODE}&state={STATE}"
MARKUP = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
CLIPBOARD = ["clipboard-read", "clipboard-write"]
READABLE = 4.5
"""The contrast that WCAG 2.2 asks for (1.4.3)."""
TALL = 44
"""The height of a button, in CSS pixels, that a finger hits (WCAG 2.2, 2.5.5)."""
SMALL_PHONE = {"width": 360, "height": 640}

# --- As a text -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parser() -> Any:
    read = HTMLParser(namespace_html_elements=False)
    read.root = read.parse(PAGE.read_text("utf-8"))
    return read


def policy(root: Element) -> dict[str, list[str]]:
    """The content security policy: directive → sources."""
    (written,) = (
        meta.attrib["content"]
        for meta in root.iter("meta")
        if meta.attrib.get("http-equiv") == "Content-Security-Policy"
    )
    parts = (part.split() for part in written.split(";"))
    return {name: sources for name, *sources in parts}


def test_it_is_correct_html(parser: Any) -> None:
    assert parser.errors == []
    assert parser.root.attrib["lang"] == "en"


@pytest.mark.parametrize("tag", ["style", "script"])
def test_the_policy_allows_what_stands_in_it_by_hash_and_nothing_else(
    parser: Any, tag: str
) -> None:
    (element,) = parser.root.iter(tag)
    digest = hashlib.sha256(element.text.encode()).digest()
    expected = f"'sha256-{base64.b64encode(digest).decode()}'"
    assert policy(parser.root)[f"{tag}-src"] == [expected]
    assert element.attrib == {}


def test_the_policy_lets_nothing_in_and_nothing_out(parser: Any) -> None:
    rules = policy(parser.root)
    assert rules["default-src"] == ["'none'"]
    assert rules["base-uri"] == ["'none'"]
    assert rules["form-action"] == ["'none'"]
    assert set(rules) - {"style-src", "script-src"} == {
        *("default-src", "base-uri", "form-action", "img-src")
    }
    assert rules["img-src"] == ["data:"]


def test_it_names_no_other_address(parser: Any) -> None:
    addresses = ("href", "src", "srcset", "action", "formaction", "poster", "data", "ping")
    found = [
        value
        for element in parser.root.iter()
        if isinstance(element.tag, str)
        for name, value in element.attrib.items()
        if name in addresses
    ]
    assert found == ["data:,"]
    assert not re.search(r"https?:|url\(|@import|\bimport\b", PAGE.read_text("utf-8"))


def test_nothing_of_it_is_run_or_styled_from_an_attribute(parser: Any) -> None:
    names = {
        name
        for element in parser.root.iter()
        if isinstance(element.tag, str)
        for name in element.attrib
    }
    assert "id" in names
    assert not {name for name in names if name.startswith("on") or name == "style"}


# --- In a browser ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    served = Host()
    yield served
    served.close()


@pytest.fixture
def visit(browser: Browser, host: Host) -> Iterator[Any]:
    """Open the page with a query. Nothing may be complained of, by the page or its policy."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(
        query: str = QUERY, *, address: str = "", rights: list[str] | None = None, **more: Any
    ) -> Page:
        context = browser.new_context(permissions=rights, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        if more.get("java_script_enabled", True):
            page.add_init_script(
                "document.addEventListener('securitypolicyviolation',"
                "event => console.error(event.violatedDirective))"
            )
        page.goto((address or host.address()) + query)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def clipboard(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_one_key_copies_the_code(visit: Any) -> None:
    page = visit(rights=CLIPBOARD)
    assert page.inner_text("#code") == CODE
    page.keyboard.press("Enter")
    page.get_by_text("Copied.").wait_for()
    assert clipboard(page) == CODE


def test_the_whole_address_can_be_copied_with_the_keyboard_alone(visit: Any) -> None:
    page = visit(rights=CLIPBOARD)
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.get_by_text("Copied.").wait_for()
    assert clipboard(page) == page.url
    assert page.inner_text("#state") == STATE


def test_a_page_without_https_copies_in_the_old_way(visit: Any, host: Host) -> None:
    page = visit(address=host.address(host=FOREIGN_HOST))
    assert page.evaluate("navigator.clipboard === undefined")
    page.click("#copy-code")
    page.get_by_text("Copied.").wait_for()
    beside = visit("", rights=CLIPBOARD)
    assert clipboard(beside) == CODE


def test_where_nothing_may_be_copied_the_code_is_selected_and_the_keys_are_named(
    visit: Any, host: Host
) -> None:
    page = visit(address=host.address(host=FOREIGN_HOST))
    page.evaluate("document.execCommand = () => false")
    page.click("#copy-code")
    page.get_by_text("press Ctrl+C").wait_for()
    assert page.evaluate("getSelection().toString()") == CODE


@pytest.mark.parametrize("name", ["code", "state", "error"])
def test_markup_in_the_address_stays_a_text(visit: Any, name: str) -> None:
    fields = {"code": CODE, "state": STATE, name: MARKUP}
    page = visit("?" + urlencode(fields))
    assert page.text_content(f"#{name}") == MARKUP
    assert page.inner_text(f"#{name}") == MARKUP
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert "taken" not in page.title()


def test_it_counts_the_seconds_and_says_when_they_are_over(visit: Any) -> None:
    page = visit()
    page.clock.install(time=time.time())
    page.reload()
    assert re.search(r"30 seconds: (30|2\d) left", page.inner_text("#time"))
    page.clock.fast_forward("00:20")
    assert re.search(r": ([5-9]|10) left", page.inner_text("#time"))
    page.clock.fast_forward("00:11")
    assert page.inner_text("#time") == "The 30 seconds are over."
    assert "run the login again" in page.inner_text("#said")


def test_a_reload_does_not_begin_the_count_anew(visit: Any) -> None:
    page = visit()
    page.evaluate("history.replaceState({arrived: history.state.arrived - 60000}, '')")
    page.reload()
    assert page.inner_text("#time") == "The 30 seconds are over."
    assert page.inner_text("#code") == CODE


def test_a_refusal_is_shown_instead_of_a_code(visit: Any) -> None:
    page = visit(f"?error=access_denied&state={STATE}")
    assert page.inner_text("h1") == "No access"
    assert "access_denied" in page.inner_text("main")
    assert not page.is_visible("#answer")


def test_an_address_without_a_code_says_where_to_begin(visit: Any) -> None:
    page = visit("")
    assert "weighbridge login withings --paste" in page.inner_text("main")
    assert not page.is_visible("#answer")


def test_without_javascript_it_says_where_the_code_is(visit: Any) -> None:
    page = visit(java_script_enabled=False)
    said = page.inner_text("main")
    assert "address bar" in said
    assert "30 seconds" in said
    assert not page.is_visible("button")


def test_nothing_but_the_page_is_asked_for(visit: Any, host: Host) -> None:
    host.asked.clear()
    page = visit(rights=CLIPBOARD)
    page.click("#copy-code")
    page.get_by_text("Copied.").wait_for()
    assert host.asked == [f"/{PAGE.name}{QUERY}"]
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_it_works_without_a_network_from_a_file(visit: Any) -> None:
    page = visit(address=PAGE.as_uri(), offline=True)
    assert page.inner_text("#code") == CODE


@pytest.mark.parametrize("query", [QUERY, "?error=access_denied", ""])
def test_it_fits_a_small_phone(visit: Any, query: str) -> None:
    page = visit(query, viewport=SMALL_PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL_PHONE["width"]
    if query == QUERY:
        box = page.locator("#copy-code").bounding_box()
        assert box["height"] >= TALL
        assert box["y"] + box["height"] < SMALL_PHONE["height"], "it must be seen at once"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_light_and_in_dark(visit: Any, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    paper = brightness(page, "body", "backgroundColor")
    assert (paper < 0.1) == (scheme == "dark")
    for selector in ("h1", "#code", "#copy-code", "#copy-address", "#time", "#address", "#state"):
        ink = brightness(page, selector, "color")
        own = brightness(page, selector, "backgroundColor")
        behind = paper if own is None else own
        light, dark = max(ink, behind), min(ink, behind)
        assert (light + 0.05) / (dark + 0.05) >= READABLE, selector


def brightness(page: Page, selector: str, what: str) -> float | None:
    """The relative luminance of a colour (WCAG 2.2); None when it is transparent."""
    written: str = page.eval_on_selector(selector, f"node => getComputedStyle(node).{what}")
    red, green, blue, *opaque = (float(part) for part in re.findall(r"[\d.]+", written))
    if opaque == [0.0]:
        return None
    parts = (_linear(part / 255) for part in (red, green, blue))
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
