"""What a visitor prefers, kept in cookies of the browser: the language and the units.

The language is what was chosen in the footer, else what the browser asks for; nothing of it is in
an address. A unit is chosen in the address of a page. The cookies say nothing about a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from weighbridge.i18n import LANGUAGES, MASTER
from weighbridge.web.chart_values import Unit, choose, is_unit, same_quantity

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


LANGUAGE_COOKIE = "language"
UNITS_COOKIE = "units"
CHOICE_SECONDS = 365 * 86_400
"""For so long a browser keeps a choice."""
LONGEST = 1000
"""Characters of an ``Accept-Language`` that are read; browsers send fewer than 100."""

_MOST_UNITS = 8
"""There are fewer quantities than this."""

_RANGE = re.compile(
    r"[ \t]*(?P<tag>\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)"
    r"(?:[ \t]*;[ \t]*[qQ]=(?P<weight>0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?[ \t]*"
)
"""A language range with its weight (RFC 9110, sections 12.4.2 and 12.5.4)."""


def language_of(request: Request) -> str:
    """One of ``LANGUAGES``."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return best_language(request.headers.get("accept-language", ""))


def remember_language(request: Request, response: Response, language: str) -> None:
    """Have the browser keep the choice."""
    _set_cookie(request, response, LANGUAGE_COOKIE, language)


def best_language(accepted: str) -> str:
    """The language of ours that an ``Accept-Language`` likes best; English when it likes none.

    A part that does not follow the standard is ignored. ``de-AT`` is German; what
    has the weight 0 is not wanted at all, not even as a part of ``*``.
    """
    accepts = dict(_language_weights(accepted))
    others = accepts.pop("*", 0.0)
    # Of several that are equally liked, the first that was named; unnamed ones come last.
    order = [*(one for one in accepts if one in LANGUAGES), *LANGUAGES]
    best = max(order, key=lambda one: accepts.get(one, others))
    return best if accepts.get(best, others) > 0 else MASTER


def _language_weights(accepted: str) -> Iterator[tuple[str, float]]:
    """Each language with its largest weight, in the order in which they were named."""
    seen: dict[str, float] = {}
    for part in accepted[:LONGEST].split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            continue
        language = found["tag"].partition("-")[0].lower()
        weight = float(found["weight"] or 1)
        seen[language] = max(weight, seen.get(language, 0.0))
    yield from seen.items()


class UnknownUnit(ValueError):
    """There is no such unit."""


class UnitChoice:
    """The units that a visitor wants, the newest choice first."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def unit(self, of: str) -> Unit:
        """How values of an SI unit are shown."""
        return choose(of, self.names)

    def and_also(self, name: str) -> UnitChoice:
        """With one more choice, which takes the place of another for the same quantity."""
        others = [one for one in self.names if one not in same_quantity(name)]
        return UnitChoice((name, *others))


def unit_choice(request: Request) -> UnitChoice:
    """What the address asks for with ``units``, else what was chosen before.

    Raises UnknownUnit for a unit in the address that does not exist.
    """
    choice = UnitChoice(_remembered(request))
    for name in request.query_params.getlist("units")[:_MOST_UNITS]:
        if name and not is_unit(name):
            raise UnknownUnit(name)
        choice = choice.and_also(name) if name else choice
    return choice


def known_units(request: Request) -> UnitChoice:
    """The same for a page on which no unit is chosen: what does not exist is ignored."""
    try:
        return unit_choice(request)
    except UnknownUnit:
        return UnitChoice(())


def remember_units(request: Request, response: Response, choice: UnitChoice) -> None:
    """Have the browser keep what it asked for."""
    if choice.names and choice.names != _remembered(request):
        _set_cookie(request, response, UNITS_COOKIE, ".".join(choice.names))


def _remembered(request: Request) -> tuple[str, ...]:
    names = request.cookies.get(UNITS_COOKIE, "").split(".")[:_MOST_UNITS]
    return tuple(name for name in names if is_unit(name))


def _set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=CHOICE_SECONDS,
        path="/",
        secure=request.scope["scheme"] == "https",
        httponly=True,
        samesite="lax",
    )
