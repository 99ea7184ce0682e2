"""Kilograms or pounds: chosen in the address of a page, remembered in a cookie of the browser.

The cookie says nothing about anybody: ``lb.fahrenheit``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.web.charts.units import Unit, choose, is_unit, same_quantity

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE = "units"
AGE = 365 * 86_400
"""Seconds for which a browser keeps the choice."""
_MOST = 8
"""There are fewer quantities than this."""


class StrangeUnit(ValueError):
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

    Raises StrangeUnit for a unit in the address that nobody knows.
    """
    choice = UnitChoice(_remembered(request))
    for name in request.query_params.getlist("units")[:_MOST]:
        if name and not is_unit(name):
            raise StrangeUnit(name)
        choice = choice.and_also(name) if name else choice
    return choice


def remember_units(request: Request, response: Response, choice: UnitChoice) -> None:
    """Have the browser keep what it asked for."""
    if choice.names and choice.names != _remembered(request):
        response.set_cookie(
            COOKIE,
            ".".join(choice.names),
            max_age=AGE,
            path="/",
            secure=request.scope["scheme"] == "https",
            httponly=True,
            samesite="lax",
        )


def _remembered(request: Request) -> tuple[str, ...]:
    names = request.cookies.get(COOKIE, "").split(".")[:_MOST]
    return tuple(name for name in names if is_unit(name))
