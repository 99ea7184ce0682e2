"""The history of a person: a page with a chart, and its content as JSON, CSV and SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from weighbridge.core.measures import MeasureType
from weighbridge.i18n import Texts
from weighbridge.web.auth import Auth
from weighbridge.web.charts.measures import Measure, choices
from weighbridge.web.charts.series import DAY
from weighbridge.web.measure_format import change, measure_name, shown, unit_name
from weighbridge.web.preferences import remember_units
from weighbridge.web.render import Message, Pages, wants_a_page
from weighbridge.web.views.history_chart import (
    ChartSeries,
    draw_strands,
    goal_words,
    read_strand,
    span_of,
    title,
)
from weighbridge.web.views.history_export import compressed, encode_columns, encode_table
from weighbridge.web.views.history_query import (
    SPANS,
    HistoryQuery,
    InvalidHistoryQuery,
    Oddity,
    read_wish,
)
from weighbridge.web.views.person_history import PersonHistory, latest

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.web.app_context import AppContext

type _Answer = Callable[["Request", str, PersonHistory, HistoryQuery], Response]


def routes(parts: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The address of a person's page may hold any name, with slashes, too."""
    view = History(parts, auth, pages)
    below = "/history/{person:path}"
    return [
        Route("/history", auth.require_person(view.first)),
        Route(f"{below}/data.json", auth.require_person(view.columns)),
        Route(f"{below}/data.csv", auth.require_person(view.table)),
        Route(f"{below}/chart.svg", auth.require_person(view.drawing)),
        Route(below, auth.require_person(view.page)),
    ]


class Fact(msgspec.Struct, frozen=True):
    """A line of the summary below a chart."""

    name: str
    value: str
    at: int | None = None
    """When it was so."""


class History:
    """What is seen of the past of one person. Each request reads the archive anew."""

    def __init__(self, parts: AppContext, auth: Auth, pages: Pages) -> None:
        self._parts = parts
        self._auth = auth
        self._pages = pages

    def first(self, request: Request) -> Response:
        """Whose history it is, is not said: the first person's whom the visitor may see."""
        for person in self._auth.visible(request):
            return self._pages.go_to(path_of(person))
        return self._pages.not_found(request)

    def page(self, request: Request) -> Response:
        """The page with the chart."""
        return self._answer(request, self._page)

    def columns(self, request: Request) -> Response:
        """The content of the chart for a script."""
        return self._answer(request, self._columns)

    def table(self, request: Request) -> Response:
        """The content of the chart for a spreadsheet."""
        return self._answer(request, self._table)

    def drawing(self, request: Request) -> Response:
        """The chart as a picture."""
        return self._answer(request, self._drawing)

    def _answer(self, request: Request, answer: _Answer) -> Response:
        person = request.path_params["person"]
        if not self._auth.may_see(request, person):
            return self._pages.not_found(request)
        with self._parts.open() as workplace:
            past = PersonHistory(workplace, workplace.settings.person(person))
            measures = past.measures()
            if not measures:
                return self._nothing(request, person)
            try:
                wish = read_wish(request, measures)
            except InvalidHistoryQuery as problem:
                return self._odd(request, person, problem.what)
            response = answer(request, person, past, wish)
        remember_units(request, response, wish.units)
        return response

    def _strands(self, past: PersonHistory, wish: HistoryQuery) -> list[ChartSeries]:
        now = self._parts.clock()
        start, end = wish.start(now), latest(now)
        return [read_strand(past, one, wish.units, start, end) for one in wish.measures]

    def _columns(
        self, request: Request, person: str, past: PersonHistory, wish: HistoryQuery
    ) -> Response:
        strands = self._strands(past, wish)
        span = span_of(strands, wish.span, self._parts.clock())
        content = encode_columns(self._pages.texts(request), strands, span, past.zone())
        return compressed(request, content, "application/json")

    def _table(
        self, request: Request, person: str, past: PersonHistory, wish: HistoryQuery
    ) -> Response:
        now = self._parts.clock()
        start, end = wish.start(now), latest(now)
        content = encode_table(past, wish.measures, start, end, past.zone())
        name = "-".join(measure.slug for measure in wish.measures)
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return compressed(request, content, "text/csv; charset=utf-8", headers)

    def _drawing(
        self, request: Request, person: str, past: PersonHistory, wish: HistoryQuery
    ) -> Response:
        content = self._drawn(request, person, past, wish, self._strands(past, wish))
        return compressed(request, content.encode(), "image/svg+xml")

    def _drawn(
        self,
        request: Request,
        person: str,
        past: PersonHistory,
        wish: HistoryQuery,
        strands: list[ChartSeries],
    ) -> str:
        span = span_of(strands, wish.span, self._parts.clock())
        return draw_strands(self._pages.texts(request), person, strands, span, past.zone())

    def _page(
        self, request: Request, person: str, past: PersonHistory, wish: HistoryQuery
    ) -> Response:
        texts, measures = self._pages.texts(request), past.measures()
        strands = self._strands(past, wish)
        return self._pages.page(
            request,
            "history.html",
            here="history",
            title=title(texts, person, wish.measures),
            person=person,
            people=self._people(request, person),
            wish=wish,
            menu=[(one.slug, measure_name(texts, one)) for one in measures],
            spans=self._spans(person, wish),
            unit_menus=list(_unit_menus(texts, wish)),
            strands=[_summary(texts, strand) for strand in strands],
            chart=self._drawn(request, person, past, wish, strands),
            zone=past.zone(),
            addresses=self._addresses(person, wish),
            pressure=_has_pressure(measures),
            is_empty=not any(strand.series.times for strand in strands),
        )

    def _people(self, request: Request, person: str) -> list[dict[str, Any]]:
        """The others whom the visitor may see, with their pages."""
        names = self._auth.visible(request)
        if len(names) < 2:
            return []
        return [
            {"name": name, "address": self._pages.link(path_of(name)), "here": name == person}
            for name in names
        ]

    def _spans(self, person: str, wish: HistoryQuery) -> list[dict[str, Any]]:
        return [
            {
                "key": key,
                "address": self._pages.link(path_of(person), **wish.query(range=key)),
                "here": key == wish.span,
            }
            for key in SPANS
        ]

    def _addresses(self, person: str, wish: HistoryQuery) -> dict[str, str]:
        link, path, query = self._pages.link, path_of(person), wish.query()
        return {
            "page": link(path),
            "json": link(f"{path}/data.json", **query),
            "csv": link(f"{path}/data.csv", **query),
            "svg": link(f"{path}/chart.svg", **query),
            "diary": link(f"/diary/{quote(person, safe='')}"),
            "all": link(path, **wish.query(range="all")),
        }

    def _nothing(self, request: Request, person: str) -> Response:
        """No reading yet: for a script an error, for a person a page that says what to do."""
        if request.url.path.endswith(("/data.json", "/data.csv", "/chart.svg")):
            return self._refusal(request, "history.nothing_yet")
        people = self._people(request, person)
        page = "history-nothing.html"
        return self._pages.page(request, page, here="history", person=person, people=people)

    def _odd(self, request: Request, person: str, what: Oddity) -> Response:
        if not wants_a_page(request):
            return self._refusal(request, f"history.odd_{what}")
        message = Message(
            "history.odd_title", (f"history.odd_{what}",), "history.to_history", path_of(person)
        )
        return self._pages.message(request, message, status=404, here="history", person=person)

    def _refusal(self, request: Request, key: str) -> Response:
        text = self._pages.texts(request)(key)
        return PlainTextResponse(f"{text}\n", 404, {"Cache-Control": "no-store"})


def path_of(person: str) -> str:
    """The path of a person's history."""
    return f"/history/{quote(person, safe='')}"


def _has_pressure(measures: Sequence[Measure]) -> bool:
    return any(measure.code == MeasureType.SYSTOLIC for measure in measures)


def _unit_menus(texts: Texts, wish: HistoryQuery) -> Iterator[dict[str, Any]]:
    """One for each quantity that is shown and can be shown in several units."""
    for si in dict.fromkeys(measure.unit for measure in wish.measures):
        units = choices(si)
        if len(units) > 1:
            chosen = wish.units.unit(si).name
            options = [(one.name, unit_name(texts, one.name)) for one in units]
            yield {"id": f"units-{si}", "chosen": chosen, "options": options}


def _summary(texts: Texts, strand: ChartSeries) -> dict[str, Any]:
    """The figures below a chart, for who cannot see it and for who wants them exactly."""
    half_life = strand.measure.half_life
    return {
        "name": measure_name(texts, strand.measure),
        "goal": goal_words(texts, strand),
        "half_life_days": int(half_life / DAY) if half_life and strand.series.trend else None,
        "facts": list(_facts(texts, strand)),
        "count": len(strand.series),
    }


def _facts(texts: Texts, strand: ChartSeries) -> Iterator[Fact]:
    series = strand.series
    if not series.times:
        return
    low = min(range(len(series)), key=series.values.__getitem__)
    high = max(range(len(series)), key=series.values.__getitem__)
    for name, index in (("last", len(series) - 1), ("lowest", low), ("highest", high)):
        value = shown(texts, series.values[index], strand.unit, strand.digits)
        yield Fact(texts(f"history.{name}"), value, series.times[index])
    if series.trend:
        value = shown(texts, series.trend[-1], strand.unit, strand.digits)
        yield Fact(texts("history.trend"), value)
        moved = series.trend[-1] - series.trend[0]
        yield Fact(texts("history.trend_change"), change(texts, moved, strand.unit, strand.digits))
