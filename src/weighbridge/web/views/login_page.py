"""Signing in with the admin token or by a person link, signing out, the language menu; and the
household page of the admin, where person links are made.

A person link, ``/p/<token>``, may be used again and again until it is revoked, so it can be a
bookmark. It opens what is about its person and nothing else.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from starlette.routing import BaseRoute, Route

from weighbridge.config import everyone
from weighbridge.core.errors import RetryLater
from weighbridge.core.network import is_loopback
from weighbridge.i18n import LANGUAGES
from weighbridge.storage.person_links import PersonLink, PersonLinks
from weighbridge.web.auth import (
    Auth,
    SignedInEndpoint,
    SignedInRequest,
    address_of,
    delete_session_cookie,
    form_of,
    retry_after,
    set_session_cookie,
)
from weighbridge.web.preferences import remember_language
from weighbridge.web.render import Message, Pages
from weighbridge.web.sessions import FlashMessages, LoginThrottle, WrongToken, session_of
from weighbridge.web.urls import local_path

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.app_context import AppContext

log = logging.getLogger(__name__)

PATH = "/p/"


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """Signing in and out, the page of the admin with its two forms, and signing in by a link."""
    household, links = Household(context, auth, pages), PersonLinkLogin(context, auth, pages)
    return [
        *Login(pages, auth).routes(),
        Route("/household", auth.require_admin(household.show)),
        Route("/household/link", auth.require_admin(household.make), methods=["POST"]),
        Route("/household/revoke", auth.require_admin(household.revoke), methods=["POST"]),
        Route(PATH + "{token}", auth.public(links.come_in)),
    ]


class Login:
    """The page on which to sign in.

    Its form has no CSRF token: there is no session yet, and anybody who knows the token may use it.
    """

    def __init__(self, pages: Pages, auth: Auth) -> None:
        self._pages = pages
        self._auth = auth

    def routes(self, sign_out: SignedInEndpoint | None = None) -> list[BaseRoute]:
        """What a visitor may use before there is a session. ``sign_out`` replaces ours."""
        auth = self._auth
        leave = auth.require_person(sign_out or self.sign_out)
        return [
            Route("/sign-in", auth.public(self.show)),
            Route("/sign-in", auth.public(self.sign_in), methods=["POST"]),
            Route("/sign-out", leave, methods=["POST"]),
            Route("/language", auth.public(self.choose_language), methods=["POST"]),
        ]

    def show(self, request: Request) -> Response:
        """The form; the admin who is signed in already goes on."""
        wanted = local_path(request.query_params.get("next", "/"))
        session = session_of(request)
        if session is not None and session.person is None:
            return self._pages.go_to(wanted)
        return self._form(request, wanted)

    def sign_in(self, request: Request) -> Response:
        """Begin a session and go where the visitor wanted to go."""
        form = form_of(request)
        wanted = local_path(form.get("next", "/"))
        try:
            cookie = self._auth.sign_in(request, form.get("token", ""))
        except WrongToken:
            return self._form(request, wanted, "wrong", status=403)
        except RetryLater as problem:
            wait = int(retry_after(problem)["Retry-After"])
            return self._form(request, wanted, "slowed", status=429, wait=wait)
        response = self._pages.go_to(wanted)
        set_session_cookie(request, response, cookie)
        return response

    def sign_out(self, request: SignedInRequest) -> Response:
        """End the session, here and in the browser."""
        self._auth.sign_out(request)
        response = self._pages.go_to("/sign-in")
        delete_session_cookie(request, response)
        return response

    def choose_language(self, request: Request) -> Response:
        """The language menu of any page; an unknown language changes nothing."""
        form = form_of(request)
        response = self._pages.go_to(local_path(form.get("next", "/")))
        if form.get("language") in LANGUAGES:
            remember_language(request, response, form["language"])
        return response

    def _form(
        self, request: Request, wanted: str, trouble: str = "", *, status: int = 200, wait: int = 0
    ) -> Response:
        """``trouble``: "wrong" or "slowed", then with the seconds to wait."""
        return self._pages.page(
            request,
            "sign-in.html",
            status=status,
            headers={"Retry-After": str(wait)} if wait else {},
            next=wanted,
            trouble=trouble,
            wait=wait,
        )


class NewLink(msgspec.Struct, frozen=True):
    """A link that was just made: shown once, kept nowhere."""

    person: str
    address: str

    def __repr__(self) -> str:
        return f"NewLink(person={self.person!r})"

    @property
    def is_local(self) -> bool:
        """Whether it leads a telephone nowhere."""
        return is_loopback(urlsplit(self.address).hostname or "")


class Household:
    """Shows the people and their links, makes links and revokes them."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages
        self._new_links: FlashMessages[NewLink] = FlashMessages(1)

    def show(self, request: SignedInRequest) -> Response:
        """Everybody with the links that are good. A new link is shown this one time."""
        people = list(everyone(self._context.settings.directory))
        with self._context.open() as services:
            links = PersonLinks(services.database)
            good = {person.name: links.of(person.name) for person in people}
        return self._pages.page(
            request,
            "household.html",
            here="household",
            people=people,
            links=good,
            fresh=next(iter(self._new_links.take(request.visitor)), None),
        )

    def make(self, request: SignedInRequest) -> Response:
        """A new link of a person. The page after it shows the link: a reload makes no other."""
        name = form_of(request).get("person", "")
        if self._context.settings.directory.find(name) is None:
            return self._pages.not_found(request)
        with self._context.open() as services:
            token = PersonLinks(services.database).make(name, self._context.clock())
        log.info("person_link_made", extra={"person": name})
        address = self._pages.seen_address(request) + PATH + token
        self._new_links.put(request.visitor, NewLink(name, address))
        return self._pages.go_to("/household")

    def revoke(self, request: SignedInRequest) -> Response:
        """The link leads nowhere from now on, and browsers that came by it are signed out."""
        key = form_of(request).get("link", "")
        with self._context.open() as services:
            PersonLinks(services.database).revoke(key, self._context.clock())
        self._auth.sessions.end_by_link(key)
        log.info("person_link_revoked")
        return self._pages.go_to("/household")


_LINK_WORKS = Message("household.link_of", ("household.link_works",), "layout.home")
_UNKNOWN_LINK = Message("household.unknown_title", ("household.unknown",))

_PRIVATE = {"Referrer-Policy": "no-referrer"}
"""The address is the secret."""


class PersonLinkLogin:
    """Signs people in who have a link."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages
        self._attempts = LoginThrottle()

    def come_in(self, request: Request) -> Response:
        """Begin a session for the person of the link.

        An admin who follows it stays admin: he sees everything, and trying a link must not end
        his session.
        """
        token, address, now = (
            request.path_params["token"],
            address_of(request),
            self._context.clock(),
        )
        if self._attempts.wait(address, now) > 0:
            return self._refuse(request, 429)
        link = self._find(token)
        if link is None:
            self._attempts.failed(address, token, now)
            return self._refuse(request, 404)
        session = session_of(request)
        if session is not None and session.person is None:
            return self._pages.message(request, _LINK_WORKS, headers=_PRIVATE, person=link.person)
        return self._begin(request, link)

    def _find(self, token: str) -> PersonLink | None:
        """A link that is not revoked, of a person who is still configured."""
        with self._context.open() as services:
            links = PersonLinks(services.database)
            link = links.find(token)
            if link is None or self._context.settings.directory.find(link.person) is None:
                return None
            links.note_use(link.key, self._context.clock())
            return link

    def _begin(self, request: Request, link: PersonLink) -> Response:
        cookie = self._auth.start_session(request, link.person, link.key)
        log.info("person_came_in", extra={"person": link.person})
        response = self._pages.go_to("/")
        set_session_cookie(request, response, cookie)
        return response

    def _refuse(self, request: Request, status: int) -> Response:
        return self._pages.message(request, _UNKNOWN_LINK, status=status, headers=_PRIVATE)
