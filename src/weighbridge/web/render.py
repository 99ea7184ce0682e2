"""Pages are made here: templates, the style sheet, links, and the headers that go with them.

No page needs JavaScript. Style and script are never in a page itself: the policy that is sent with
it allows files of ours only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from weighbridge.config import Settings
from weighbridge.i18n import LANGUAGES, Texts, read_grammar, texts
from weighbridge.sources.withings.oauth import CONSENT_URL
from weighbridge.web.preferences import language_of
from weighbridge.web.sessions import BrowserSession, session_of
from weighbridge.web.urls import inner_path, local_path, prefix, same_place
from weighbridge.web.wording import Words, add_filters

if TYPE_CHECKING:
    import jinja2
    from starlette.requests import Request


NAVIGATION = {
    "overview": "/",
    "history": "/history",
    "deliveries": "/deliveries",
    "connect": "/connect",
    "household": "/household",
}
"""What a page says as ``here`` → its path; the text is ``layout.nav_<key>``."""
FOR_ADMIN = frozenset({"household"})

NO_STORE = {"Cache-Control": "no-store"}
_HERE = Path(__file__).parent
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


class Message(msgspec.Struct, frozen=True):
    """A page of a few words: the keys of its texts, and where its button leads."""

    title: str
    texts: tuple[str, ...]
    button: str = ""
    path: str = "/"


class Pages:
    """Makes the pages of one server. Cheap: templates and files are read once in a process."""

    def __init__(self, settings: Settings, navigation: Mapping[str, str] = NAVIGATION) -> None:
        self.settings = settings
        self._navigation = navigation
        self._prefix = prefix(settings)
        self._policy = _policy(settings.withings.url or CONSENT_URL)

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] = {},
        **values: Any,
    ) -> Response:
        """A page from ``templates/`` that shows ``values``.

        A template may use ``t("household.make", person=name)``, ``language``, ``link("/path")``,
        ``file("name in static/")``, ``session`` and, in every form, ``csrf``; the filters are in
        ``wording.py``. ``here`` among the values is the key of an entry of the navigation.
        """
        session, texts = session_of(request), self.texts(request)
        given = {
            "t": Words(texts),
            "language": texts.language,
            "link": self.link,
            "file": lambda name: self.link(static_path(name)),
            "session": session,
            "csrf": session.csrf if session else "",
            "here": "",
            "navigation": self._visible_navigation(session),
            "languages": language_names(),
            "returning": self._way_back(request),
            # A form of a page without a referrer has no origin either: the guard refuses it.
            "sends_forms": headers.get("Referrer-Policy") != "no-referrer",
        }
        text = _environment().get_template(template).render({**given, **values})
        return HTMLResponse(text, status, {**self._headers(), **headers})

    def message(
        self,
        request: Request,
        message: Message,
        *,
        status: int = 200,
        headers: Mapping[str, str] = {},
        here: str = "",
        **values: object,
    ) -> Response:
        """A page of a few words; ``values`` are what its texts may use."""
        return self.page(
            request,
            "message.html",
            status=status,
            headers=headers,
            here=here,
            message=message,
            values=values,
        )

    def texts(self, request: Request) -> Texts:
        """The texts in the language of the visitor, for what is no template."""
        return texts(language_of(request))

    def not_found(self, request: Request) -> Response:
        """There is no such page, or none that this visitor may know of: the two look the same."""
        return self.refuse(request, 404, "not_found")

    def refuse(
        self, request: Request, status: int, reason: str, headers: Mapping[str, str] = {}
    ) -> Response:
        """A status with one sentence: a page for a browser that asks for one, else plain text.

        Its texts are ``refusal.<reason>`` and ``refusal.<reason>_title``.
        """
        if wants_a_page(request):
            keys = f"refusal.{reason}_title", (f"refusal.{reason}",)
            message = Message(*keys, button="layout.home")
            return self.message(request, message, status=status, headers=headers)
        text = self.texts(request)(f"refusal.{reason}")
        return PlainTextResponse(f"{text}\n", status, {**self._headers(), **headers})

    def link(self, path: str, **query: str) -> str:
        """The address of one of our pages, as a browser needs it behind any proxy."""
        return f"{self._prefix}{path}" + (f"?{urlencode(query)}" if query else "")

    def go_to(self, path: str, **query: str) -> Response:
        """Send the browser on; after a form, too, so that a reload repeats nothing."""
        return self.leave_for(self.link(path, **query))

    def leave_for(self, address: str) -> Response:
        """Send the browser to any address."""
        return RedirectResponse(address, 303, self._headers())

    def seen_address(self, request: Request) -> str:
        """The address of our first page as others can use it, without a slash at its end.

        The public one if it is configured; else the name under which this visitor asked.
        """
        if self.settings.server.url:
            return self.settings.server.url
        return f"{request.scope['scheme']}://{request.headers.get('host', '')}"

    def _visible_navigation(self, session: BrowserSession | None) -> dict[str, str]:
        """What the head of a page leads to; nothing before signing in."""
        if session is None:
            return {}
        hidden = frozenset() if session.person is None else FOR_ADMIN
        return {key: path for key, path in self._navigation.items() if key not in hidden}

    def path_of(self, request: Request) -> str:
        """The path that was asked for, as our routes see it."""
        return inner_path(request.scope["path"], self.settings)

    def _way_back(self, request: Request) -> str:
        """Where the language menu leads: this page, or the one from which a form was sent."""
        if request.method in ("GET", "HEAD"):
            query = request.url.query
            return self.path_of(request) + (f"?{query}" if query else "")
        before = request.headers.get("referer", "")
        if not same_place(before, request.headers.get("host", "")):
            return "/"
        return local_path(inner_path(urlsplit(before).path, self.settings))

    def _headers(self) -> dict[str, str]:
        return {
            "Content-Security-Policy": self._policy,
            # Not no-referrer: a browser would then hide where a form comes from ("Origin: null").
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }


@cache
def language_names() -> dict[str, str]:
    """Each language with its own name for itself."""
    return {code: read_grammar(code).name for code in LANGUAGES}


def wants_a_page(request: Request) -> bool:
    """Whether it is a browser that shows what comes, and no script and no program."""
    return "text/html" in request.headers.get("accept", "")


def may_be_a_page(request: Request) -> bool:
    """The same, but a client that accepts anything, or does not say, gets a page, too."""
    accepted = request.headers.get("accept", "*/*")
    return "text/html" in accepted or "*/*" in accepted


def static_path(name: str) -> str:
    """The path of a file in ``static/``. It changes with the content, so caches may keep it."""
    return f"/static/{_files()[name].public}"


def static_routes() -> list[Route]:
    """Style and pictures: for everybody, because the page to sign in needs them as well."""
    return [Route("/static/{name}", _send_file)]


class _File(msgspec.Struct, frozen=True):
    public: str
    content: bytes
    kind: str


@cache
def _files() -> dict[str, _File]:
    found = {}
    for path in sorted((_HERE / "static").iterdir()):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            public = f"{path.stem}.{sha256(content).hexdigest()[:12]}{path.suffix}"
            found[path.name] = _File(public, content, _TYPES[path.suffix])
    return found


async def _send_file(request: Request) -> Response:
    wanted = request.path_params["name"]
    for file in _files().values():
        if file.public == wanted:
            return Response(file.content, 200, _FOR_EVER, file.kind)
    return Response("There is no such file.", 404, media_type="text/plain")


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    add_filters(environment)
    return environment


def _policy(consent_url: str) -> str:
    """What a page may do. Browsers follow a form through its redirects: to the consent page."""
    parts = urlsplit(consent_url)
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self'",
            "script-src 'self'",
            "connect-src 'self'",
            f"form-action 'self' {parts.scheme}://{parts.netloc}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
