"""The page of the household, for the admin: who lives here, and the links by which each one may see
what is about him- or herself.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from starlette.routing import BaseRoute, Route

from weighbridge.core.network import is_loopback
from weighbridge.storage.person_links import PersonLinks
from weighbridge.web.auth import Auth, SignedInRequest, form_of
from weighbridge.web.flash import FlashMessages
from weighbridge.web.render import Pages
from weighbridge.web.views.person_link import PATH

if TYPE_CHECKING:
    from starlette.responses import Response

    from weighbridge.config import Person
    from weighbridge.web.app_context import AppContext

log = logging.getLogger(__name__)


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


def routes(parts: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The page and its two forms."""
    household = Household(parts, auth, pages)
    return [
        Route("/household", auth.require_admin(household.show)),
        Route("/household/link", auth.require_admin(household.make), methods=["POST"]),
        Route("/household/revoke", auth.require_admin(household.revoke), methods=["POST"]),
    ]


class Household:
    """Shows the people and their links, makes links and revokes them."""

    def __init__(self, parts: AppContext, auth: Auth, pages: Pages) -> None:
        self._parts = parts
        self._auth = auth
        self._pages = pages
        self._new_links: FlashMessages[NewLink] = FlashMessages(1)

    def show(self, request: SignedInRequest) -> Response:
        """Everybody with the links that are good. A new link is shown this one time."""
        with self._parts.open() as workplace:
            links = PersonLinks(workplace.database)
            good = {person.name: links.of(person.name) for person in self._people}
        return self._pages.page(
            request,
            "household.html",
            here="household",
            people=self._people,
            links=good,
            fresh=next(iter(self._new_links.take(request.visitor)), None),
        )

    def make(self, request: SignedInRequest) -> Response:
        """A new link of a person. The page after it shows the link: a reload makes no other."""
        name = form_of(request).get("person", "")
        if name not in {person.name for person in self._people}:
            return self._pages.not_found(request)
        with self._parts.open() as workplace:
            token = PersonLinks(workplace.database).make(name, self._parts.clock())
        log.info("person_link_made", extra={"person": name})
        address = self._pages.seen_address(request) + PATH + token
        self._new_links.put(request.visitor, NewLink(name, address))
        return self._pages.go_to("/household")

    def revoke(self, request: SignedInRequest) -> Response:
        """The link leads nowhere from now on, and whoever came by it is signed out."""
        key = form_of(request).get("link", "")
        with self._parts.open() as workplace:
            PersonLinks(workplace.database).revoke(key, self._parts.clock())
        self._auth.end_sessions_of_link(key)
        log.info("person_link_revoked")
        return self._pages.go_to("/household")

    @property
    def _people(self) -> tuple[Person, ...]:
        return self._parts.settings.people
