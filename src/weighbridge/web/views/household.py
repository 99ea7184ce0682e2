"""The page of the household, for the admin: who lives here, and the links by which each one may see
what is about him- or herself.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from starlette.routing import BaseRoute, Route

from weighbridge.core.network import is_loopback
from weighbridge.storage.person_links import PersonLinks
from weighbridge.web.auth import Door, form_of
from weighbridge.web.render import Pages, session_of
from weighbridge.web.views.person_link import PATH

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.config import Person
    from weighbridge.web.app_context import AppContext

log = logging.getLogger(__name__)

MOST = 100
"""Links that were made and not shown yet; as many as there may be sessions."""


class Fresh(msgspec.Struct, frozen=True):
    """A link that was just made: shown once, kept nowhere."""

    person: str
    address: str

    def __repr__(self) -> str:
        return f"Fresh(person={self.person!r})"

    @property
    def is_local(self) -> bool:
        """Whether it leads a telephone nowhere."""
        return is_loopback(urlsplit(self.address).hostname or "")


class FreshLinks:
    """New links on their way to the page that shows them. Safe in several threads."""

    def __init__(self) -> None:
        self._links: OrderedDict[str, Fresh] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, session: str, link: Fresh) -> None:
        """For the next page of a session."""
        with self._lock:
            self._links[session] = link
            while len(self._links) > MOST:
                self._links.popitem(last=False)

    def take(self, session: str) -> Fresh | None:
        """The link that waits for a session. It is gone then."""
        with self._lock:
            return self._links.pop(session, None)


def routes(parts: AppContext, door: Door, pages: Pages) -> list[BaseRoute]:
    """The page and its two forms."""
    household = Household(parts, pages)
    return [
        Route("/household", door.admin(household.show)),
        Route("/household/link", door.admin(household.make), methods=["POST"]),
        Route("/household/revoke", door.admin(household.revoke), methods=["POST"]),
    ]


class Household:
    """Shows the people and their links, makes links and revokes them."""

    def __init__(self, parts: AppContext, pages: Pages) -> None:
        self._parts = parts
        self._pages = pages
        self._fresh = FreshLinks()

    def show(self, request: Request) -> Response:
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
            fresh=self._fresh.take(_key(request)),
        )

    def make(self, request: Request) -> Response:
        """A new link of a person. The page after it shows the link: a reload makes no other."""
        name = form_of(request).get("person", "")
        if name not in {person.name for person in self._people}:
            return self._pages.not_found(request)
        with self._parts.open() as workplace:
            token = PersonLinks(workplace.database).make(name, self._parts.clock())
        log.info("person_link_made", extra={"person": name})
        address = self._pages.seen_address(request) + PATH + token
        self._fresh.put(_key(request), Fresh(name, address))
        return self._pages.go_to("/household")

    def revoke(self, request: Request) -> Response:
        """The link leads nowhere from now on, and whoever came by it is signed out."""
        key = form_of(request).get("link", "")
        with self._parts.open() as workplace:
            PersonLinks(workplace.database).revoke(key, self._parts.clock())
        self._parts.admission.end_of_link(key)
        log.info("person_link_revoked")
        return self._pages.go_to("/household")

    @property
    def _people(self) -> tuple[Person, ...]:
        return self._parts.settings.people


def _key(request: Request) -> str:
    session = session_of(request)
    assert session is not None, "the door lets nobody else in"
    return session.key
