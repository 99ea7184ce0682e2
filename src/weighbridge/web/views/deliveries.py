"""What went where and when: the list of deliveries, and decisions about many of them.

The admin sees everything, a person who came by a link what is his or her own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from weighbridge.core.delivery_state import State
from weighbridge.storage.delivery_log import (
    Decision,
    count_open,
    deliveries_before,
    place_of,
    write_place,
)
from weighbridge.web.auth import Auth, SignedInRequest, form_of
from weighbridge.web.flash import FlashMessages, Notice, Notices
from weighbridge.web.measure_format import ValueFormat
from weighbridge.web.render import Message, Pages
from weighbridge.web.views.delivery_decisions import ALL_OF, bundle, decide_about_all
from weighbridge.web.views.delivery_list import Entry, entries_of
from weighbridge.web.views.delivery_page import DeliveryPage
from weighbridge.web.views.delivery_query import (
    GROUPS,
    PATH,
    DeliveryQuery,
    DeliveryView,
    InvalidDeliveryQuery,
    RouteOf,
    read_view,
    reading_path,
    units_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.storage.database import Database
    from weighbridge.web.app_context import AppContext

_INVALID = Message("deliveries.odd_title", ("deliveries.odd",), "deliveries.show_all", PATH)
SHOWN = 50
"""Deliveries on a page."""
MOST_NOTICES = 3
"""Sentences that wait for the next page of a session."""
URGENT = (State.HELD, State.REJECTED, State.UNKNOWN, State.BLOCKED)
"""What waits for a person."""


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The name of a person may hold anything, slashes as well."""
    notices: Notices = FlashMessages(MOST_NOTICES)
    many = DeliveryList(context, auth, pages, notices)
    one = DeliveryPage(context, auth, pages, notices)
    path = f"{PATH}/{{person:path}}/{{reading}}"
    return [
        Route(PATH, auth.require_person(many.show)),
        Route(f"{PATH}/all", auth.require_person(many.ask)),
        Route(f"{PATH}/all", auth.require_person(many.decide), methods=["POST"]),
        Route(path, auth.require_person(one.show)),
        Route(path, auth.require_person(one.decide), methods=["POST"]),
    ]


class DeliveryList:
    """Shows the list, and takes decisions about all of a state. The database is read each time."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages, notices: Notices) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages
        self._notices = notices

    def show(self, request: SignedInRequest) -> Response:
        """A page of the list."""
        texts = self._pages.texts(request)
        with self._context.open() as services:
            try:
                view = self._view(request, services.database)
            except InvalidDeliveryQuery:
                return self._invalid(request)
            query = view.query
            ids = [route.id for route in view.chosen]
            rows = deliveries_before(
                services.database, ids, query.states, place=query.place, most=SHOWN + 1
            )
            value_format = ValueFormat(texts, units_of(request))
            entries = entries_of(services, rows[:SHOWN], texts, value_format, view.others)
            counts = count_open(services.database, view.served())
        older = write_place(place_of(rows[SHOWN - 1])) if len(rows) > SHOWN else ""
        return self._pages.page(
            request,
            "deliveries.html",
            here="deliveries",
            notices=self._notices.take(request.visitor),
            view=view,
            query=query,
            groups=list(GROUPS),
            urgent=[(state, counts[state]) for state in URGENT if counts[state]],
            listed=[(entry, self._address(entry, query)) for entry in entries],
            older=query.params(before=older) if older else None,
            newest=query.params(before="") if query.is_further_back else None,
            together=list(_together(query)) if entries else [],
        )

    def ask(self, request: SignedInRequest) -> Response:
        """Show what would be decided about, before it is."""
        with self._context.open() as services:
            try:
                view, what = self._about_all(request, services.database)
            except InvalidDeliveryQuery:
                return self._invalid(request)
            found = bundle(services.database, _concerned(view, what), ALL_OF[what][1])
        if not found.rows:
            return self._back(view.query)
        return self._pages.page(
            request,
            "deliveries-all.html",
            here="deliveries",
            notices=self._notices.take(request.visitor),
            what=what,
            found=found,
            address=self._pages.link(f"{PATH}/all", what=what, **view.query.params()),
            back=self._pages.link(PATH, **view.query.params()),
        )

    def decide(self, request: SignedInRequest) -> Response:
        """Do it, if it is still about the same deliveries; else show again what it is about."""
        with self._context.open() as services:
            try:
                view, what = self._about_all(request, services.database)
            except InvalidDeliveryQuery:
                return self._invalid(request)
            mark = form_of(request).get("mark", "")
            concerned = _concerned(view, what)
            notice = decide_about_all(self._context, services.database, concerned, what, mark)
        self._notices.put(request.visitor, notice or Notice("others_now"))
        if notice is None:
            return self._pages.go_to(f"{PATH}/all", what=what, **view.query.params())
        return self._back(view.query)

    def _view(self, request: Request, database: Database) -> DeliveryView:
        return read_view(request, self._auth, self._context.settings, database)

    def _about_all(self, request: Request, database: Database) -> tuple[DeliveryView, str]:
        """Raises InvalidDeliveryQuery."""
        what = request.query_params.get("what", "")
        if what not in ALL_OF:
            raise InvalidDeliveryQuery
        return self._view(request, database), what

    def _back(self, query: DeliveryQuery) -> Response:
        return self._pages.go_to(PATH, **query.params())

    def _address(self, entry: Entry, query: DeliveryQuery) -> str:
        """Of the page of a reading; empty when it has none."""
        if entry.taken_at is None:
            return ""
        return self._pages.link(reading_path(entry.person, entry.reading_id), **query.params())

    def _invalid(self, request: Request) -> Response:
        return self._pages.message(request, _INVALID, status=404, here="deliveries")


def _together(query: DeliveryQuery) -> Iterator[str]:
    """What may be decided about everything that is listed."""
    return (what for what, (_, state) in ALL_OF.items() if query.states == (state,))


def _concerned(view: DeliveryView, what: str) -> Sequence[RouteOf]:
    """Whose a reading is, is not a matter of one target."""
    if ALL_OF[what][0] is Decision.ACCEPT:
        return DeliveryQuery(person=view.query.person).chosen(view.routes)
    return view.chosen
