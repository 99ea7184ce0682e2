"""The history of a person: a page with a chart, and its content as JSON, CSV and SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from weighbridge.core.measures import MeasureType
from weighbridge.i18n import Texts
from weighbridge.web.auth import Auth, Endpoint
from weighbridge.web.chart_values import DAY, choices
from weighbridge.web.preferences import remember_units
from weighbridge.web.render import NO_STORE, Message, Pages, wants_a_page
from weighbridge.web.views.history_chart import (
    ChartSeries,
    HistoryChart,
    compressed,
    encode_table,
    goal_words,
    read_chart,
)
from weighbridge.web.views.person_history import (
    SPANS,
    HistoryQuery,
    InvalidField,
    InvalidHistoryQuery,
    PersonHistory,
    latest,
    read_query,
    start_of,
)
from weighbridge.web.wording import ValueFormat, change, measure_name, shown, unit_name

if TYPE_CHECKING:
    from starlette.requests import Request

    from weighbridge.web.app_context import AppContext

type _Answer = Callable[["Request", PersonHistory, HistoryQuery], Response]


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The address of a person's page may hold any name, with slashes, too."""
    view = History(context, auth, pages)
    below = "/history/{person:path}"
    return [
        Route("/history", auth.require_person(view.first)),
        Route(f"{below}/data.json", auth.require_person(view.about(view.columns, is_page=False))),
        Route(f"{below}/data.csv", auth.require_person(view.about(view.table, is_page=False))),
        Route(f"{below}/chart.svg", auth.require_person(view.about(view.drawing, is_page=False))),
        Route(below, auth.require_person(view.about(view.page, is_page=True))),
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

    def about(self, answer: _Answer, *, is_page: bool) -> Endpoint:
        """An endpoint about the person whom the address names, and what it asks for."""

        def endpoint(request: Request) -> Response:
            name = request.path_params["person"]
            if not self._auth.may_see(request, name):
                return self._pages.not_found(request)
            with self._context.open() as services:
                history = PersonHistory(services, services.settings.directory.person(name))
                measures = history.measures()
                if not measures:
                    return self._nothing(request, name, is_page=is_page)
                try:
                    query = read_query(request, measures)
                except InvalidHistoryQuery as problem:
                    return self._invalid(request, name, problem.what)
                response = answer(request, history, query)
            remember_units(request, response, query.units)
            return response

        return endpoint

    def columns(self, request: Request, history: PersonHistory, query: HistoryQuery) -> Response:
        """The content of the chart for a script."""
        chart = self._read(request, history, query)
        return compressed(request, chart.columns(), "application/json")

    def table(self, request: Request, history: PersonHistory, query: HistoryQuery) -> Response:
        """The content of the chart for a spreadsheet."""
        now = self._context.clock()
        content = encode_table(history, query.measures, start_of(query.span, now), latest(now))
        name = "-".join(measure.slug for measure in query.measures)
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return compressed(request, content, "text/csv; charset=utf-8", headers)

    def drawing(self, request: Request, history: PersonHistory, query: HistoryQuery) -> Response:
        """The chart as a picture."""
        chart = self._read(request, history, query)
        return compressed(request, chart.draw().encode(), "image/svg+xml")

    def page(self, request: Request, history: PersonHistory, query: HistoryQuery) -> Response:
        """The page with the chart."""
        texts, measures = self._pages.texts(request), history.measures()
        chart = self._read(request, history, query)
        name = history.person.name
        return self._pages.page(
            request,
            "history.html",
            here="history",
            title=chart.title(),
            person=name,
            people=self._people(request, name),
            query=query,
            menu=[(one.slug, measure_name(texts, one)) for one in measures],
            spans=self._spans(name, query),
            unit_menus=list(_unit_menus(texts, query)),
            summaries=[_summary(texts, one) for one in chart.series],
            chart=chart.draw(),
            zone=chart.zone,
            addresses=self._addresses(name, query),
            pressure=any(one.code == MeasureType.SYSTOLIC for one in measures),
            is_empty=not any(one.series.times for one in chart.series),
        )

    def _read(self, request: Request, history: PersonHistory, query: HistoryQuery) -> HistoryChart:
        now, value_format = (
            self._context.clock(),
            ValueFormat(self._pages.texts(request), query.units),
        )
        return read_chart(value_format, history, query.measures, query.span, now)

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

    def _nothing(self, request: Request, person: str, *, is_page: bool) -> Response:
        """No reading yet: for a script an error, for a person a page that says what to do."""
        if not is_page:
            return self._refusal(request, "history.nothing_yet")
        people = self._people(request, person)
        page = "history-nothing.html"
        return self._pages.page(request, page, here="history", person=person, people=people)

    def _invalid(self, request: Request, person: str, what: InvalidField) -> Response:
        if not wants_a_page(request):
            return self._refusal(request, f"history.invalid_{what}")
        message = Message(
            "history.invalid_title",
            (f"history.invalid_{what}",),
            "history.to_history",
            path_of(person),
        )
        return self._pages.message(request, message, status=404, here="history", person=person)

    def _refusal(self, request: Request, key: str) -> Response:
        return PlainTextResponse(f"{self._pages.texts(request)(key)}\n", 404, NO_STORE)


def path_of(person: str) -> str:
    """The path of a person's history."""
    return f"/history/{quote(person, safe='')}"


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
