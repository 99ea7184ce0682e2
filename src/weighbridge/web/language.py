"""In which language a visitor reads: what was chosen in the footer, else what the browser asks for.

The choice is kept in a cookie. Nothing of it stands in an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from weighbridge.i18n import LANGUAGES, MASTER

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE = "language"
AGE = 365 * 86_400
"""Seconds for which a browser keeps the choice."""
LONGEST = 1000
"""Characters of an ``Accept-Language`` that are read; browsers send fewer than 100."""

_RANGE = re.compile(
    r"[ \t]*(?P<tag>\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)"
    r"(?:[ \t]*;[ \t]*[qQ]=(?P<weight>0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?[ \t]*"
)
"""A language range with its weight (RFC 9110, sections 12.4.2 and 12.5.4)."""


def language_of(request: Request) -> str:
    """One of ``LANGUAGES``."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return best_language(request.headers.get("accept-language", ""))


def remember_language(request: Request, response: Response, language: str) -> None:
    """Have the browser keep the choice."""
    response.set_cookie(
        COOKIE,
        language,
        max_age=AGE,
        path="/",
        secure=request.scope["scheme"] == "https",
        httponly=True,
        samesite="lax",
    )


def best_language(accepted: str) -> str:
    """The language of ours that an ``Accept-Language`` likes best; English when it likes none.

    A part that is not written as the standard wants it is passed over. ``de-AT`` is German; what
    has the weight 0 is not wanted at all, not even as a part of ``*``.
    """
    wishes = dict(_wishes(accepted))
    others = wishes.pop("*", 0.0)
    # Of several that are liked as much, the first that was named; unnamed ones come last.
    order = [*(one for one in wishes if one in LANGUAGES), *LANGUAGES]
    best = max(order, key=lambda one: wishes.get(one, others))
    return best if wishes.get(best, others) > 0 else MASTER


def _wishes(accepted: str) -> Iterator[tuple[str, float]]:
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
