"""What went where and when: the list of deliveries, the page of one reading, and decisions.

The admin sees everything, a person who came by a link what is his or her own. To accept a reading
of doubtful owner is to say "this is mine": its person may do that as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.routing import BaseRoute, Route

from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.core.reason import Reason
from weighbridge.storage.accounts import route_row
from weighbridge.storage.database import Row
from weighbridge.storage.delivery_log import (
    Decision,
    allowed,
    count_open,
    deliveries_before,
    place_of,
    write_place,
)
from weighbridge.sync.explain import Attribution, Reasons, TargetReasons, attribution_of, reasons_of
from weighbridge.sync.retry import LOOK_AGAIN, served_at
from weighbridge.targets.base import Verifiable
from weighbridge.web.auth import Auth, SignedInEndpoint, SignedInRequest, form_of
from weighbridge.web.chart_values import measure_of
from weighbridge.web.preferences import known_units
from weighbridge.web.render import Message, Pages
from weighbridge.web.sessions import FlashMessages, Notice
from weighbridge.web.views.delivery_list import (
    DeliveryLine,
    ReadingEntry,
    entries_of,
    headline,
    in_calendar,
    line_of,
    measured,
    names_owner,
    zone_of_reading,
)
from weighbridge.web.views.delivery_query import (
    ALL_OF,
    GROUPS,
    PATH,
    DeliveryQuery,
    DeliveryView,
    InvalidDeliveryQuery,
    bundle,
    decide,
    decide_about_all,
    read_view,
    reading_path,
    states_of,
)
from weighbridge.web.wording import ValueFormat, measure_name

if TYPE_CHECKING:
    from starlette.responses import Response

    from weighbridge.config import Person, TargetSettings
    from weighbridge.core.measures import MeasureGroup
    from weighbridge.i18n import Texts
    from weighbridge.sync.services import Services
    from weighbridge.web.app_context import AppContext


class NextAttempt(msgspec.Struct, frozen=True):
    """One sentence. Its words stand under ``deliveries.next_<key>``."""

    key: str
    at: float | None = None
    """What ``{moment}`` in its words is, in epoch seconds."""


_SURE = {
    State.SENDING: NextAttempt("sending"),
    State.REJECTED: NextAttempt("rejected"),
    State.BLOCKED: NextAttempt("login"),
    State.HELD: NextAttempt("held"),
    State.SKIPPED: NextAttempt("skipped"),
}


def next_attempt_of(
    services: Services, person: Person, target: TargetSettings, row: Row, now: float
) -> NextAttempt | None:
    """None: nothing more happens. Nothing outside is asked."""
    state = State(row["state"])
    if state in _SURE:
        return _SURE[state]
    route = route_row(services.database, person.name, target.name)
    assert route is not None, "it has a delivery"
    if state is State.PLANNED:
        return _of_planned(route, row, now)
    if state is State.UNKNOWN:
        return _of_unknown(services, person, target, route, now)
    if state is State.DELIVERED and row["look_until"] is not None:
        return NextAttempt("seen_soon")
    return None


def _of_planned(route: Row, row: Row, now: float) -> NextAttempt:
    if route["decision"] == LoginNeeded.decision:
        return NextAttempt("login")
    put_off = row["not_before"] if (row["claimed_at"] or 0.0) <= now else 0.0
    at = served_at(route, max(put_off, row["settles_at"]), now)
    return NextAttempt("try", at) if at > now else NextAttempt("soon")


def _of_unknown(
    services: Services, person: Person, target: TargetSettings, route: Row, now: float
) -> NextAttempt:
    try:
        made = services.target(person, target)
    except Problem:
        return NextAttempt("rejected")
    if isinstance(made, Verifiable):
        at = served_at(route, min(route["attempted_at"] or 0.0, now) + LOOK_AGAIN, now)
        return NextAttempt("look", max(at, now))
    return NextAttempt("sent_again") if made.idempotent else NextAttempt("nobody_looks")


class TargetCard(msgspec.Struct, frozen=True, kw_only=True):
    """How the reading stands with one target. Instants are epoch seconds."""

    target: str
    line: DeliveryLine | None = None
    """None: nothing is owed."""
    planned_at: float | None = None
    tried_at: float | None = None
    next_attempt: NextAttempt | None = None
    decisions: Sequence[Decision] = ()
    states: str = ""
    """For the form: the delivery with its state."""
    absence: str = ""
    """Why nothing is owed: the end of a key of the catalogue."""
    problem: Reason | None = None
    """Why the target cannot be used."""
    is_configured: bool = True


class Origin(msgspec.Struct, frozen=True):
    """A measure group. Instants are epoch seconds."""

    group_id: int
    stored_at: int | None
    changed_at: int | None
    attribution: Attribution
    names: Sequence[str]


_INVALID = Message("deliveries.invalid_title", ("deliveries.invalid",), "deliveries.show_all", PATH)
SHOWN = 50
"""Deliveries on a page."""
MOST_NOTICES = 3
"""Sentences that wait for the next page of a session."""
URGENT = (State.HELD, State.REJECTED, State.UNKNOWN, State.BLOCKED)
"""What waits for a person."""


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The name of a person may hold anything, slashes as well."""
    view = Deliveries(context, auth, pages)
    path = f"{PATH}/{{person:path}}/{{reading}}"
    return [
        Route(PATH, auth.require_person(view.of_list(view.show_list))),
        Route(f"{PATH}/all", auth.require_person(view.of_list(view.ask))),
        Route(f"{PATH}/all", auth.require_person(view.of_list(view.decide_all)), methods=["POST"]),
        Route(path, auth.require_person(view.of_reading(view.show))),
        Route(path, auth.require_person(view.of_reading(view.decide)), methods=["POST"]),
    ]


class Deliveries:
    """Shows the list and each reading, and takes decisions. The database is read each time."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages
        self._notices: FlashMessages[Notice] = FlashMessages(MOST_NOTICES)

    def of_list(
        self, answer: Callable[[SignedInRequest, Services, DeliveryView], Response]
    ) -> SignedInEndpoint:
        """An endpoint about the deliveries that an address asks for; 404 for what is not there."""

        def endpoint(request: SignedInRequest) -> Response:
            with self._context.open() as services:
                try:
                    return answer(request, services, read_view(request, self._auth, services))
                except InvalidDeliveryQuery:
                    return self._pages.message(request, _INVALID, status=404, here="deliveries")

        return endpoint

    def of_reading(
        self, answer: Callable[[SignedInRequest, Services, Reasons], Response]
    ) -> SignedInEndpoint:
        """An endpoint about the reading that an address names; 404 for what is not there."""

        def endpoint(request: SignedInRequest) -> Response:
            name, reading_id = request.path_params["person"], request.path_params["reading"]
            if not self._auth.may_see(request, name):
                return self._pages.not_found(request)
            with self._context.open() as services:
                found = reasons_of(services, services.settings.directory.person(name), reading_id)
                if found is None or in_calendar(found.taken_at) is None:
                    return self._pages.not_found(request)
                return answer(request, services, found)

        return endpoint

    # The list

    def show_list(
        self, request: SignedInRequest, services: Services, view: DeliveryView
    ) -> Response:
        """A page of the list."""
        database, query = services.database, view.query
        ids = [route.id for route in view.chosen]
        rows = deliveries_before(database, ids, query.states, place=query.place, most=SHOWN + 1)
        value_format = ValueFormat(self._pages.texts(request), known_units(request))
        entries = entries_of(services, rows[:SHOWN], value_format, for_admin=request.is_admin)
        counts = count_open(database, [route.id for route in view.routes if route.is_configured])
        older = write_place(place_of(rows[SHOWN - 1])) if len(rows) > SHOWN else ""
        return self._page(
            request,
            "deliveries.html",
            view=view,
            query=query,
            groups=list(GROUPS),
            urgent=[(state, counts[state]) for state in URGENT if counts[state]],
            listed=[(entry, self._address(entry, query)) for entry in entries],
            older=query.params(before=older) if older else None,
            newest=query.params(before="") if query.is_further_back else None,
            together=[what for what in ALL_OF if entries and query.states == (ALL_OF[what][1],)],
        )

    def ask(self, request: SignedInRequest, services: Services, view: DeliveryView) -> Response:
        """Show what would be decided about, before it is."""
        found = bundle(services.database, view)
        if not found.rows:
            return self._pages.go_to(PATH, **view.query.params())
        return self._page(
            request,
            "deliveries-all.html",
            what=view.what,
            found=found,
            address=self._pages.link(f"{PATH}/all", what=view.what, **view.query.params()),
            back=self._pages.link(PATH, **view.query.params()),
        )

    def decide_all(
        self, request: SignedInRequest, services: Services, view: DeliveryView
    ) -> Response:
        """Do it, if it is still about the same deliveries; else show again what it is about."""
        mark = form_of(request).get("mark", "")
        notice = decide_about_all(self._context, services.database, view, mark)
        self._notices.put(request.visitor, notice or Notice("others_now"))
        if notice is None:
            return self._pages.go_to(f"{PATH}/all", what=view.what, **view.query.params())
        return self._pages.go_to(PATH, **view.query.params())

    def _address(self, entry: ReadingEntry, query: DeliveryQuery) -> str:
        """Of the page of a reading; empty when it has none."""
        if entry.taken_at is None:
            return ""
        return self._pages.link(reading_path(entry.person, entry.reading_id), **query.params())

    # One reading

    def show(self, request: SignedInRequest, services: Services, found: Reasons) -> Response:
        """All that is known of the reading."""
        texts, reading = self._pages.texts(request), found.reading
        value_format = ValueFormat(texts, known_units(request))
        query = read_view(request, self._auth, services, lenient=True).query.params()
        path = reading_path(found.person.name, found.reading_id)
        owed = [one.delivery for one in found.targets if one.delivery is not None]
        return self._page(
            request,
            "delivery.html",
            found=found,
            zone=zone_of_reading(found.person, reading),
            cards=list(self._cards(services, found, for_admin=request.is_admin)),
            doubt=states_of(row for row in owed if row["state"] == State.HELD),
            address=self._pages.link(path, **query),
            back=self._pages.link(PATH, **query),
            value=headline(value_format, reading) if reading else None,
            values=list(measured(value_format, reading)) if reading else [],
            origins=[_origin(texts, group) for group in found.groups],
        )

    def decide(self, request: SignedInRequest, services: Services, found: Reasons) -> Response:
        """Do what the form says, and show how it stands then."""
        name, reading_id = found.person.name, found.reading_id
        form = form_of(request)
        notice = decide(self._context, services.database, name, reading_id, form)
        self._notices.put(request.visitor, notice)
        query = read_view(request, self._auth, services, lenient=True).query
        return self._pages.go_to(reading_path(name, reading_id), **query.params())

    def _cards(
        self, services: Services, found: Reasons, *, for_admin: bool
    ) -> Iterator[TargetCard]:
        for one in found.targets:
            if one.delivery is None:
                yield _absent(one, for_admin=for_admin)
            else:
                yield self._card(services, found, one, one.delivery, for_admin=for_admin)
        configured = {one.target.name for one in found.targets}
        for row in found.deliveries:
            if row["target"] not in configured:
                line = line_of(row, for_admin=for_admin)
                yield TargetCard(target=row["target"], line=line, is_configured=False)

    def _card(
        self, services: Services, found: Reasons, one: TargetReasons, row: Row, *, for_admin: bool
    ) -> TargetCard:
        now = self._context.clock()
        return TargetCard(
            target=one.target.name,
            line=line_of(row, for_admin=for_admin),
            planned_at=row["planned_at"],
            tried_at=row["claimed_at"],
            next_attempt=next_attempt_of(services, found.person, one.target, row, now),
            decisions=_decisions(row, is_there=found.reading is not None),
            states=states_of([row]),
        )

    def _page(self, request: SignedInRequest, template: str, **values: Any) -> Response:
        notices = self._notices.take(request.visitor)
        return self._pages.page(request, template, here="deliveries", notices=notices, **values)


def _absent(one: TargetReasons, *, for_admin: bool) -> TargetCard:
    assert one.absence is not None, "without a delivery there is a reason"
    why = one.problem.reason if one.problem else None
    problem = why if for_admin or not names_owner(why) else None
    return TargetCard(target=one.target.name, absence=one.absence.name.lower(), problem=problem)


def _decisions(row: Row, *, is_there: bool) -> list[Decision]:
    """What the buttons are. Whose a reading is, is asked once for all targets."""
    state = State(row["state"])
    if state is State.HELD:
        return []
    return [one for one in allowed(state) if is_there or one is not Decision.RETRY]


def _origin(texts: Texts, group: MeasureGroup) -> Origin:
    codes = dict.fromkeys(one.type_code for one in group.measurements)
    changed = group.updated_at if group.updated_at != group.stored_at else None
    names = [measure_name(texts, measure_of(code)) for code in codes]
    stored_at, changed_at = in_calendar(group.stored_at), in_calendar(changed)
    return Origin(group.group_id, stored_at, changed_at, attribution_of(group), names)
