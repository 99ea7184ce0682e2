"""The page of one reading: what was measured, where it went and why, and what may be decided.

To accept a reading of doubtful owner is to say "this is mine": its person may do that as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.storage.accounts import route_row
from weighbridge.storage.database import Row
from weighbridge.storage.delivery_log import Decision, allowed
from weighbridge.sync.explain import Attribution, Reasons, TargetReasons, attribution_of, reasons_of
from weighbridge.sync.retry import LOOK_AGAIN, served_at
from weighbridge.targets.base import Verifiable
from weighbridge.web.auth import Auth, SignedInRequest, form_of
from weighbridge.web.charts.measures import measure_of
from weighbridge.web.flash import Notices
from weighbridge.web.measure_format import ValueFormat, measure_name
from weighbridge.web.render import Pages
from weighbridge.web.views.delivery_decisions import decide, standing
from weighbridge.web.views.delivery_list import (
    Line,
    headline,
    in_calendar,
    line_of,
    measured,
    names_one,
    zone_of_reading,
)
from weighbridge.web.views.delivery_query import (
    PATH,
    DeliveryView,
    read_view,
    reading_path,
    units_of,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.config import Person, TargetSettings
    from weighbridge.core.measures import MeasureGroup
    from weighbridge.i18n import Texts
    from weighbridge.storage.database import Row
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
    line: Line | None = None
    """None: nothing is owed."""
    planned_at: float | None = None
    tried_at: float | None = None
    next_attempt: NextAttempt | None = None
    decisions: Sequence[Decision] = ()
    stands: str = ""
    """For the form."""
    absence: str = ""
    """Why nothing is owed: the end of a key of the catalogue."""
    problem: Problem | None = None
    """Why the target cannot be used."""
    is_configured: bool = True


class Origin(msgspec.Struct, frozen=True):
    """A measure group. Instants are epoch seconds."""

    group_id: int
    stored_at: int | None
    changed_at: int | None
    attribution: Attribution
    names: Sequence[str]


class DeliveryPage:
    """Shows one reading and takes decisions about it. The database is read each time."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages, notices: Notices) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages
        self._notices = notices

    def show(self, request: SignedInRequest) -> Response:
        """All that is known of the reading."""
        name, reading_id = request.path_params["person"], request.path_params["reading"]
        if not self._auth.may_see(request, name):
            return self._pages.not_found(request)
        with self._context.open() as services:
            found = reasons_of(services, services.settings.directory.person(name), reading_id)
            if found is None or in_calendar(found.taken_at) is None:
                return self._pages.not_found(request)
            view = self._view(request, services)
            cards = list(self._cards(services, found, view.others))
        query = view.query.params()
        return self._pages.page(
            request,
            "delivery.html",
            here="deliveries",
            notices=self._notices.take(request.visitor),
            found=found,
            zone=zone_of_reading(found.person, found.reading),
            cards=cards,
            doubt=_doubt(found),
            address=self._pages.link(reading_path(name, reading_id), **query),
            back=self._pages.link(PATH, **query),
            **self._content(request, found),
        )

    def decide(self, request: SignedInRequest) -> Response:
        """Do what the form says, and show how it stands then."""
        name, reading_id = request.path_params["person"], request.path_params["reading"]
        if not self._auth.may_see(request, name):
            return self._pages.not_found(request)
        form = form_of(request)
        with self._context.open() as services:
            if reasons_of(services, services.settings.directory.person(name), reading_id) is None:
                return self._pages.not_found(request)
            view = self._view(request, services)
            wanted = form.get("decision", ""), form.get("stands", "")
            notice = decide(self._context, services.database, name, reading_id, wanted)
        self._notices.put(request.visitor, notice)
        return self._pages.go_to(reading_path(name, reading_id), **view.query.params())

    def _view(self, request: Request, services: Services) -> DeliveryView:
        settings, database = self._context.settings, services.database
        return read_view(request, self._auth, settings, database, lenient=True)

    def _content(self, request: Request, found: Reasons) -> dict[str, Any]:
        """What the reading is made of."""
        texts, reading = self._pages.texts(request), found.reading
        value_format = ValueFormat(texts, units_of(request))
        return {
            "value": headline(texts, value_format, reading) if reading else None,
            "values": list(measured(texts, value_format, reading)) if reading else [],
            "origins": [_origin(texts, group) for group in found.groups],
        }

    def _cards(
        self, services: Services, found: Reasons, others: Collection[str]
    ) -> Iterator[TargetCard]:
        for one in found.targets:
            yield self._card(services, found, one, others)
        configured = {one.target.name for one in found.targets}
        for row in found.deliveries:
            if row["target"] not in configured:
                line = line_of(row, others)
                yield TargetCard(target=row["target"], line=line, is_configured=False)

    def _card(
        self, services: Services, found: Reasons, one: TargetReasons, others: Collection[str]
    ) -> TargetCard:
        row = one.delivery
        if row is None:
            return _absent(one, others)
        return TargetCard(
            target=one.target.name,
            line=line_of(row, others),
            planned_at=row["planned_at"],
            tried_at=row["claimed_at"],
            next_attempt=next_attempt_of(
                services, found.person, one.target, row, self._context.clock()
            ),
            decisions=_decisions(row, is_there=found.reading is not None),
            stands=standing([row]),
        )


def _absent(one: TargetReasons, others: Collection[str]) -> TargetCard:
    assert one.absence is not None, "without a delivery there is a reason"
    hidden = one.problem and names_one(str(one.problem), others)
    return TargetCard(
        target=one.target.name,
        absence=one.absence.name.lower(),
        problem=None if hidden else one.problem,
    )


def _decisions(row: Row, *, is_there: bool) -> list[Decision]:
    """What the buttons are. Whose a reading is, is asked once for all targets."""
    state = State(row["state"])
    if state is State.HELD:
        return []
    return [one for one in allowed(state) if is_there or one is not Decision.RETRY]


def _doubt(found: Reasons) -> str:
    """Deliveries that wait for somebody who says whose the reading is; empty: none does."""
    rows = [one.delivery for one in found.targets if one.delivery is not None]
    return standing(row for row in rows if row["state"] == State.HELD)


def _origin(texts: Texts, group: MeasureGroup) -> Origin:
    codes = dict.fromkeys(one.type_code for one in group.measurements)
    changed = group.updated_at if group.updated_at != group.stored_at else None
    names = [measure_name(texts, measure_of(code)) for code in codes]
    stored_at, changed_at = in_calendar(group.stored_at), in_calendar(changed)
    return Origin(group.group_id, stored_at, changed_at, attribution_of(group), names)
