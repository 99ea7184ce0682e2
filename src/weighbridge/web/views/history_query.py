"""What the address of a history page asks for; an error names the value that is invalid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from weighbridge.web.charts.measures import Measure
from weighbridge.web.charts.series import DAY
from weighbridge.web.preferences import UnitChoice, UnknownUnit, unit_choice

if TYPE_CHECKING:
    from starlette.requests import Request


SPANS: Mapping[str, int | None] = {
    "week": 7,
    "30d": 30,
    "90d": 90,
    "180d": 180,
    "1y": 365,
    "2y": 2 * 365,
    "5y": 5 * 365,
    "all": None,
}
"""What may be asked for, in days; None: everything. Their words: ``history.range_<key>``."""
USUAL = "90d"


def start_of(span: str, now: float) -> int:
    """The first instant of one of ``SPANS`` that ends now; 0 for everything."""
    days = SPANS[span]
    return 0 if days is None else int(now) - days * DAY


InvalidField = Literal["measure", "compare", "range", "units"]


class InvalidHistoryQuery(ValueError):
    """A value of the query that cannot be shown; ``what`` is its name there."""

    def __init__(self, what: InvalidField) -> None:
        super().__init__(what)
        self.what = what


class HistoryQuery(msgspec.Struct, frozen=True):
    """One measure or two, a span that ends now, and units."""

    measure: Measure
    other: Measure | None
    span: str
    units: UnitChoice

    @property
    def measures(self) -> list[Measure]:
        """The one and, if there is one, the other."""
        return [self.measure, self.other] if self.other else [self.measure]

    def start(self, now: float) -> int:
        """The first instant of the span."""
        return start_of(self.span, now)

    def params(self, **changes: str) -> dict[str, str]:
        """The query of an address that asks for the same, but for some changes.

        Units are not part of it: the browser remembers them.
        """
        query = {"measure": self.measure.slug, "range": self.span}
        if self.other:
            query["compare"] = self.other.slug
        return {**query, **changes}


def read_query(request: Request, measures: Sequence[Measure]) -> HistoryQuery:
    """What is asked for, of the measures that there are (one at least). Raises
    InvalidHistoryQuery."""
    asked = request.query_params
    by_slug = {measure.slug: measure for measure in measures}
    measure = _found(by_slug, asked.get("measure", ""), "measure") or measures[0]
    other = _found(by_slug, asked.get("compare", ""), "compare")
    span = asked.get("range") or USUAL
    if span not in SPANS:
        raise InvalidHistoryQuery("range")
    return HistoryQuery(measure, None if other == measure else other, span, read_units(request))


def read_units(request: Request) -> UnitChoice:
    """The units that are asked for or remembered. Raises InvalidHistoryQuery."""
    try:
        return unit_choice(request)
    except UnknownUnit:
        raise InvalidHistoryQuery("units") from None


def _found(by_slug: dict[str, Measure], slug: str, what: InvalidField) -> Measure | None:
    """None: nothing was asked for."""
    if slug and slug not in by_slug:
        raise InvalidHistoryQuery(what)
    return by_slug.get(slug)
