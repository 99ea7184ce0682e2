"""Pages are made here: templates, the style sheet, links, and the headers that go with them.

No page needs JavaScript. Style and script never stand in a page itself, so the policy that is sent
with it allows none.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import msgspec
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from weighbridge.config import Settings
from weighbridge.server.addresses import inner_path, prefix
from weighbridge.server.sessions import Session
from weighbridge.withings.app import CONSENT_URL

if TYPE_CHECKING:
    import jinja2
    from starlette.requests import Request

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


class Pages:
    """Makes the pages of one server. Cheap: templates and files are read once in a process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
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

        A template may use ``link("/path")``, ``file("name in static/")``, ``session`` and, in
        every form, ``csrf``.
        """
        session = session_of(request)
        text = (
            _environment()
            .get_template(template)
            .render(
                link=self.link,
                file=lambda name: self.link(static_path(name)),
                session=session,
                csrf=session.csrf if session else "",
                **values,
            )
        )
        return HTMLResponse(text, status, {**self._headers(), **headers})

    def link(self, path: str, **query: str) -> str:
        """The address of one of our pages, as a browser needs it behind any proxy."""
        return f"{self._prefix}{path}" + (f"?{urlencode(query)}" if query else "")

    def go_to(self, path: str, **query: str) -> Response:
        """Send the browser on; after a form, too, so that a reload repeats nothing."""
        return self.leave_for(self.link(path, **query))

    def leave_for(self, address: str) -> Response:
        """Send the browser to any address."""
        return RedirectResponse(address, 303, self._headers())

    def path_of(self, request: Request) -> str:
        """The path that was asked for, as our routes see it."""
        return inner_path(request.scope["path"], self._settings)

    def _headers(self) -> dict[str, str]:
        return {
            "Content-Security-Policy": self._policy,
            # Not no-referrer: a browser would then hide where a form comes from ("Origin: null").
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }


def session_of(request: Request) -> Session | None:
    """Who is signed in, as the door found out; None: nobody."""
    return getattr(request.state, "session", None)


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
    environment.filters["day"] = day
    environment.filters["machine_time"] = machine_time
    return environment


def day(seconds: float, zone: str | None = None) -> str:
    """A day in words: ``5 March 2026``. Without a zone it is the day in UTC."""
    import zoneinfo

    where = zoneinfo.ZoneInfo(zone) if zone else datetime.UTC
    date = datetime.datetime.fromtimestamp(seconds, where)
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}"


def machine_time(seconds: float) -> str:
    """An instant as ``<time datetime>`` wants it."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).isoformat()


# Not strftime: it would speak the language of the account that runs the server.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def _policy(consent_url: str) -> str:
    """What a page may do. Browsers follow a form through its redirects: to the consent page."""
    parts = urlsplit(consent_url)
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self'",
            f"form-action 'self' {parts.scheme}://{parts.netloc}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
