"""A window of a browser that is looked at closely: what it may not do, it is caught doing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

PHONE, DESKTOP = 360, 1280
_ALL_RULES = {
    "resultTypes": ["violations"],
    "preload": False,  # there is no sound and no style of others
    "rules": {"target-size": {"enabled": True}},
}
_RULES_OF_COLOUR = {
    "resultTypes": ["violations"],
    "preload": False,
    "runOnly": ["color-contrast", "link-in-text-block"],
}
SCHEMES = {"light": _ALL_RULES, "dark": _RULES_OF_COLOUR}
"""What axe looks for. In the dark only colours are different."""
_TELL_OF_THE_POLICY = (
    "document.addEventListener('securitypolicyviolation', event =>"
    " console.error('the policy: ' + event.violatedDirective + ' ' + event.blockedURI))"
)
_WIDEST = """() => [...document.querySelectorAll("body *")]
  .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5 && !one.closest(".scroll"))
  .map(one => one.outerHTML.slice(0, 120))"""


_TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Visit:
    """One browser context with one page.

    Nobody may be asked for anything but ourselves and ``hosts``; no page of ours may have an error
    on the console.
    """

    def __init__(self, context: BrowserContext, url: str, hosts: Iterable[str] = ()) -> None:
        self.context = context
        self.url = url
        self.complaints: list[str] = []
        self._hosts = {urlsplit(one).netloc for one in (url, *hosts)}
        self._refusals: set[str] = set()
        context.on("request", self._note_request)
        context.on("console", self._note_words)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("response", self._note_status)
        context.add_init_script(_TELL_OF_THE_POLICY)
        self.page: Page = context.new_page()

    def _note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.netloc not in self._hosts:
            self.complaints.append(f"{request.url} was asked for")

    def _note_status(self, response: Any) -> None:
        if response.status >= 400 and response.request.is_navigation_request():
            self._refusals.add(response.url)

    def _note_words(self, message: ConsoleMessage) -> None:
        """That a page is refused is said there, too. Whether it may be is for the test to say."""
        where = message.location["url"]
        is_trouble = message.type in ("error", "warning") and not self._is_refusal(message)
        if is_trouble and (where.startswith(self.url) or not where):
            self.complaints.append(f"{message.text} ({where})")

    def _is_refusal(self, message: ConsoleMessage) -> bool:
        failed = message.text.startswith("Failed to load resource")
        return failed and message.location["url"] in self._refusals

    def go(self, path: str, status: int = 200) -> Page:
        """Open a page; it must answer with that status."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == status, (path, answer.status)
        return self.page

    def examine(self, *widths: int) -> None:
        """Whether everybody can use the page as it is: small and large, light and dark.

        ``widths`` are those that matter for the page, in CSS pixels; usually both.
        """
        self.page.evaluate(AXE_SCRIPT)
        found = []
        for width in widths or (PHONE, DESKTOP):
            self.resize(width)
            assert not self.sticks_out(), (self.page.url, width)
            for scheme, rules in SCHEMES.items():
                self.page.emulate_media(color_scheme=scheme)
                found += [(width, scheme, *one) for one in self._violations(rules)]
        assert not found, (self.page.url, *found)

    def _violations(self, rules: dict[str, Any]) -> list[tuple[str, str, str]]:
        told = self.page.evaluate("rules => axe.run(rules)", rules)
        return [
            (one["id"], node["html"][:200], node["failureSummary"])
            for one in told["violations"]
            for node in one["nodes"]
        ]

    def resize(self, width: int) -> None:
        """Make the window so wide, in CSS pixels, and let what is in it find its place."""
        self.page.set_viewport_size({"width": width, "height": 800})
        self.let_it_be_drawn()

    def let_it_be_drawn(self) -> None:
        """Return when what was changed can be seen."""
        self.page.evaluate(_TWO_FRAMES)

    def sticks_out(self) -> list[str]:
        """What is wider than the window; nothing if one need not scroll sideways."""
        root = "document.documentElement.scrollWidth <= innerWidth"
        return [] if self.page.evaluate(root) else self.page.evaluate(_WIDEST) or ["?"]

    def close(self) -> None:
        """Look back at what went wrong on the way."""
        self.context.close()
        assert not self.complaints, self.complaints
