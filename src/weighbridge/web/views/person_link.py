"""The way in for one person: ``/p/<token>``, a link that the admin made.

The link may be used again and again until it is revoked, so it can be a bookmark. It opens
what is about its person and nothing else.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from weighbridge.storage.person_links import PersonLink, PersonLinks
from weighbridge.web.auth import Auth, address_of, set_session_cookie
from weighbridge.web.login_throttle import LoginThrottle
from weighbridge.web.render import Pages
from weighbridge.web.sessions import session_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.app_context import AppContext

log = logging.getLogger(__name__)

PATH = "/p/"

_PRIVATE = {"Referrer-Policy": "no-referrer"}
"""The address is the secret."""


def routes(parts: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The one path."""
    way = PersonWay(parts, auth, pages)
    return [Route(PATH + "{token}", auth.public(way.come_in))]


class PersonWay:
    """Lets people in who have a link."""

    def __init__(self, parts: AppContext, auth: Auth, pages: Pages) -> None:
        self._parts = parts
        self._auth = auth
        self._pages = pages
        self._attempts = LoginThrottle()

    def come_in(self, request: Request) -> Response:
        """Begin a session for the person of the link.

        An admin who follows it stays admin: he sees everything, and trying a link must not end
        his session.
        """
        token, address, now = request.path_params["token"], address_of(request), self._parts.clock()
        if self._attempts.wait(address, now) > 0:
            return self._refuse(request, 429)
        link = self._find(token)
        if link is None:
            self._attempts.failed(address, token, now)
            return self._refuse(request, 404)
        session = session_of(request)
        if session is not None and session.person is None:
            return self._pages.page(
                request, "person-link.html", headers=_PRIVATE, person=link.person
            )
        return self._begin(request, link)

    def _find(self, token: str) -> PersonLink | None:
        """A link that is not revoked, of somebody who still lives here."""
        with self._parts.open() as workplace:
            links = PersonLinks(workplace.database)
            link = links.find(token)
            names = {person.name for person in self._parts.settings.people}
            if link is None or link.person not in names:
                return None
            links.note_use(link.key, self._parts.clock())
            return link

    def _begin(self, request: Request, link: PersonLink) -> Response:
        cookie = self._auth.start_session(request, link.person, link.key)
        log.info("person_came_in", extra={"person": link.person})
        response = self._pages.go_to("/")
        set_session_cookie(request, response, cookie)
        return response

    def _refuse(self, request: Request, status: int) -> Response:
        return self._pages.page(
            request, "person-link-unknown.html", status=status, headers=_PRIVATE
        )
