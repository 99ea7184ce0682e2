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
    draw_chart_series,
    goal_words,
    read_chart_series,
    span_of,
    title,
)
from weighbridge.web.views.history_export import compressed, encode_columns, encode_table
from weighbridge.web.views.history_query import (
    SPANS,
    HistoryQuery,
    InvalidField,
    InvalidHistoryQuery,
    read_query,
)
from weighbridge.web.views.person_history import PersonHistory, latest

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.web.app_context import AppContext

type _Answer = Callable[["Request", str, PersonHistory, HistoryQuery], Response]


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The address of a person's page may hold any name, with slashes, too."""
    view = History(context, auth, pages)
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
    """The history of one person. Each request reads the database."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages

    def first(self, request: Request) -> Response:
        """Without a name: the history of the first person whom the visitor may see."""
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
        with self._context.open() as services:
            history = PersonHistory(services, services.settings.directory.person(person))
            measures = history.measures()
            if not measures:
                return self._nothing(request, person)
            try:
                query = read_query(request, measures)
            except InvalidHistoryQuery as problem:
                return self._invalid(request, person, problem.what)
            response = answer(request, person, history, query)
        remember_units(request, response, query.units)
        return response

    def _charted(self, history: PersonHistory, query: HistoryQuery) -> list[ChartSeries]:
        now = self._context.clock()
        start, end = query.start(now), latest(now)
        return [read_chart_series(history, one, query.units, start, end) for one in query.measures]

    def _columns(
        self, request: Request, person: str, history: PersonHistory, query: HistoryQuery
    ) -> Response:
        charted = self._charted(history, query)
        span = span_of(charted, query.span, self._context.clock())
        content = encode_columns(self._pages.texts(request), charted, span, history.zone())
        return compressed(request, content, "application/json")

    def _table(
        self, request: Request, person: str, history: PersonHistory, query: HistoryQuery
    ) -> Response:
        now = self._context.clock()
        start, end = query.start(now), latest(now)
        content = encode_table(history, query.measures, start, end, history.zone())
        name = "-".join(measure.slug for measure in query.measures)
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return compressed(request, content, "text/csv; charset=utf-8", headers)

    def _drawing(
        self, request: Request, person: str, history: PersonHistory, query: HistoryQuery
    ) -> Response:
        content = self._drawn(request, person, history, query, self._charted(history, query))
        return compressed(request, content.encode(), "image/svg+xml")

    def _drawn(
        self,
        request: Request,
        person: str,
        history: PersonHistory,
        query: HistoryQuery,
        charted: list[ChartSeries],
    ) -> str:
        span = span_of(charted, query.span, self._context.clock())
        return draw_chart_series(self._pages.texts(request), person, charted, span, history.zone())

    def _page(
        self, request: Request, person: str, history: PersonHistory, query: HistoryQuery
    ) -> Response:
        texts, measures = self._pages.texts(request), history.measures()
        charted = self._charted(history, query)
        return self._pages.page(
            request,
            "history.html",
            here="history",
            title=title(texts, person, query.measures),
            person=person,
            people=self._people(request, person),
            query=query,
            menu=[(one.slug, measure_name(texts, one)) for one in measures],
            spans=self._spans(person, query),
            unit_menus=list(_unit_menus(texts, query)),
            summaries=[_summary(texts, one) for one in charted],
            chart=self._drawn(request, person, history, query, charted),
            zone=history.zone(),
            addresses=self._addresses(person, query),
            pressure=_has_pressure(measures),
            is_empty=not any(one.series.times for one in charted),
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

    def _spans(self, person: str, query: HistoryQuery) -> list[dict[str, Any]]:
        return [
            {
                "key": key,
                "address": self._pages.link(path_of(person), **query.params(range=key)),
                "here": key == query.span,
            }
            for key in SPANS
        ]

    def _addresses(self, person: str, query: HistoryQuery) -> dict[str, str]:
        link, path, params = self._pages.link, path_of(person), query.params()
        return {
            "page": link(path),
            "json": link(f"{path}/data.json", **params),
            "csv": link(f"{path}/data.csv", **params),
            "svg": link(f"{path}/chart.svg", **params),
            "diary": link(f"/diary/{quote(person, safe='')}"),
            "all": link(path, **query.params(range="all")),
        }

    def _nothing(self, request: Request, person: str) -> Response:
        """No reading yet: for a script an error, for a person a page that says what to do."""
        if request.url.path.endswith(("/data.json", "/data.csv", "/chart.svg")):
            return self._refusal(request, "history.nothing_yet")
        people = self._people(request, person)
        page = "history-nothing.html"
        return self._pages.page(request, page, here="history", person=person, people=people)

    def _invalid(self, request: Request, person: str, what: InvalidField) -> Response:
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


def _unit_menus(texts: Texts, query: HistoryQuery) -> Iterator[dict[str, Any]]:
    """One for each quantity that is shown and can be shown in several units."""
    for si in dict.fromkeys(measure.unit for measure in query.measures):
        units = choices(si)
        if len(units) > 1:
            chosen = query.units.unit(si).name
            options = [(one.name, unit_name(texts, one.name)) for one in units]
            yield {"id": f"units-{si}", "chosen": chosen, "options": options}


def _summary(texts: Texts, one: ChartSeries) -> dict[str, Any]:
    """The figures below a chart, for who cannot see it and for who wants them exactly."""
    half_life = one.measure.half_life
    return {
        "name": measure_name(texts, one.measure),
        "goal": goal_words(texts, one),
        "half_life_days": int(half_life / DAY) if half_life and one.series.trend else None,
        "facts": list(_facts(texts, one)),
        "count": len(one.series),
    }


def _facts(texts: Texts, one: ChartSeries) -> Iterator[Fact]:
    series = one.series
    if not series.times:
        return
    low = min(range(len(series)), key=series.values.__getitem__)
    high = max(range(len(series)), key=series.values.__getitem__)
    for name, index in (("last", len(series) - 1), ("lowest", low), ("highest", high)):
        value = shown(texts, series.values[index], one.unit, one.digits)
        yield Fact(texts(f"history.{name}"), value, series.times[index])
    if series.trend:
        value = shown(texts, series.trend[-1], one.unit, one.digits)
        yield Fact(texts("history.trend"), value)
        moved = series.trend[-1] - series.trend[0]
        yield Fact(texts("history.trend_change"), change(texts, moved, one.unit, one.digits))
