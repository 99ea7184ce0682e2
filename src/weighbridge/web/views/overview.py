"""The first page: a card for each person whom the visitor may see, and each card alone.

The page follows the server: ``static/overview.js`` hears from ``/events`` whose card changed and
asks for that one anew. Without a script it says when it was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.routing import BaseRoute, Route

from weighbridge.web.preferences import UnitChoice, UnknownUnit, unit_choice
from weighbridge.web.views.events import PATH as EVENTS
from weighbridge.web.views.history import path_of
from weighbridge.web.views.person_card import Card, Cards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.app_context import AppContext
    from weighbridge.web.auth import Auth
    from weighbridge.web.render import Pages


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The page and its cards. A name may hold anything, slashes as well."""
    overview = Overview(context, auth, pages)
    return [
        Route("/", auth.require_person(overview.page)),
        Route("/card/{person:path}", auth.require_person(overview.card)),
    ]


class Overview:
    """Shows how everybody stands. Each request reads the database anew."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages

    def page(self, request: Request) -> Response:
        """All cards."""
        people = self._auth.visible(request)
        # First: what changes from here on, the page is told although it may show it already.
        mark = self._context.live.mark(people)
        return self._pages.page(
            request,
            "overview.html",
            here="overview",
            cards=self._cards(request, people),
            addresses={name: self._pages.link(card_path(name)) for name in people},
            histories=_histories(self._pages, people),
            poll_minutes=self._poll_minutes(),
            events=self._pages.link(EVENTS, after=str(mark)),
            now=self._context.clock(),
        )

    def card(self, request: Request) -> Response:
        """One card, as it stands in the page. For the script of the page."""
        person = request.path_params["person"]
        if not self._auth.may_see(request, person):
            return self._pages.not_found(request)
        (card,) = self._cards(request, [person])
        return self._pages.page(
            request,
            "card.html",
            card=card,
            histories=_histories(self._pages, [person]),
            poll_minutes=self._poll_minutes(),
        )

    def _cards(self, request: Request, people: Sequence[str]) -> list[Card]:
        texts, units = self._pages.texts(request), _units(request)
        with self._context.open() as services:
            cards = Cards(self._context, services, texts, units)
            return [cards.card(name) for name in people]

    def _poll_minutes(self) -> int:
        return max(1, round(self._context.settings.server.poll / 60))


def card_path(person: str) -> str:
    """The path of a card."""
    return f"/card/{quote(person, safe='')}"


def _histories(pages: Pages, people: Sequence[str]) -> dict[str, str]:
    return {name: pages.link(path_of(name)) for name in people}


def _units(request: Request) -> UnitChoice:
    """What was chosen on the page of the history."""
    try:
        return unit_choice(request)
    except UnknownUnit:
        return UnitChoice(())
