"""How texts, numbers, times and measured values come into a page, in its language.

Everything is escaped, the values of a text as well. In a text of the catalogue back quotes mark
code: they become ``<code>``. The names of measures are in ``i18n/<language>/measures.toml``.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup, escape

from weighbridge.core.errors import Problem
from weighbridge.core.measures import type_name
from weighbridge.core.reason import Reason
from weighbridge.i18n import Texts, texts
from weighbridge.i18n.grammar import rounded
from weighbridge.targets.kind import TargetKind
from weighbridge.targets.wizard import own_text
from weighbridge.web.chart_values import (
    LARGEST,
    Amount,
    Measure,
    Unit,
    amounts,
    convert,
    digits_in,
    measure_of,
)
from weighbridge.web.preferences import UnitChoice

if TYPE_CHECKING:
    from jinja2 import Environment

Manner = Literal["moment", "day", "time"]

NOTHING = "\N{EN DASH}"
"""Stands where a value is absent."""

_CODE = re.compile("`([^`]*)`")


class Words:
    """``t`` of a page: ``t("household.made", when=...)``."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def __call__(self, key: str, /, **values: object) -> Markup:
        """The text under ``subject.key`` for a page. A value that is markup already stays it."""
        text = escape(self._texts.find(key, values.get("count")))
        return Markup(_CODE.sub(r"<code>\1</code>", text)).format(**self._texts.written(values))  # noqa: S704

    def of_kind(self, kind: TargetKind, key: str, fallback: str, **values: object) -> Markup:
        """A text of a kind of target; what it lacks in this language stands under ``fallback``.

        Without such a text as well, what the kind says in English.
        """
        text = own_text(kind, key, self._texts.language)
        if text is None and fallback:
            return self(fallback, **values)
        text = escape(text or own_text(kind, key) or "")
        return Markup(_CODE.sub(r"<code>\1</code>", text)).format(**self._texts.written(values))  # noqa: S704

    def wrong(self, kind: TargetKind, reason: str, said: str) -> Markup:
        """What is wrong with a field of a kind: its own words, else those of the set-up."""
        key = f"wrong_{reason}"
        if own_text(kind, key, self._texts.language) is None:
            try:
                return self(f"setup.wrong_{reason}")
            except KeyError:
                if own_text(kind, key) is None:
                    return Markup('<span lang="en">{}</span>').format(said)
        return self.of_kind(kind, key, "")


def anchor(address: str, words: str) -> Markup:
    """A link to put into a text: ``t("connect.begin_at", address=anchor(begin, begin))``."""
    return Markup('<a href="{}">{}</a>').format(address, words)


def add_filters(environment: Environment) -> None:
    """What every template may use. The language is that of the page."""
    from jinja2 import pass_context

    def spoken(write: Callable[..., str]) -> Callable[..., str]:
        return pass_context(
            lambda context, *given, **named: write(context["language"], *given, **named)
        )

    environment.globals["anchor"] = anchor
    environment.filters["machine_time"] = machine_time
    for write in (message, sentences, when, day, number, figure):
        environment.filters[write.__name__] = spoken(write)


def message(language: str, why: Reason | Problem) -> str:
    """What happened."""
    return _reason(why).message(language)


def sentences(language: str, why: Reason | Problem) -> str:
    """What happened and what a person does next."""
    return _reason(why).sentences(language)


def when(
    language: str, seconds: float, zone: str | None = None, manner: Manner = "moment"
) -> Markup:
    """An instant as ``<time>``, in a zone or else in UTC; ``site.js`` writes it anew in the
    browser's own zone and manner. ``manner`` is "moment" (day and time), "day" or "time".
    """
    where = zoneinfo.ZoneInfo(zone) if zone else datetime.UTC
    instant = datetime.datetime.fromtimestamp(int(seconds), where)
    text = _instant(language, instant, manner)
    if zone is None and manner != "day":
        text += " UTC"
    pattern = Markup('<time datetime="{}" data-when="{}">{}</time>')
    return pattern.format(machine_time(seconds), manner, text)


def day(language: str, seconds: float, zone: str | None = None) -> str:
    """A day in words: ``5 March 2026``. Without a zone it is the day in UTC."""
    where = zoneinfo.ZoneInfo(zone) if zone else datetime.UTC
    date = datetime.datetime.fromtimestamp(seconds, where)
    return texts(language).grammar.date(date)


def number(
    language: str, value: Decimal | float | None, digits: int = 0, *, signed: bool = False
) -> str:
    """A number with so many digits and the decimal sign of the language; a dash for None."""
    if value is None:
        return NOTHING
    return texts(language).grammar.number(Decimal(str(value)), digits, signed=signed)


def figure(
    language: str, value: Decimal | float | None, digits: int = 0, *, signed: bool = False
) -> Markup:
    """The same as ``<data>``, which ``site.js`` writes anew in the browser's own manner."""
    text = number(language, value, digits, signed=signed)
    if value is None:
        return Markup(text)  # noqa: S704  a dash
    pattern = '<data value="{}" data-number="{}"{}>{}</data>'
    sign = Markup(" data-signed") if signed else ""
    exact = rounded(Decimal(str(value)), digits)
    return Markup(pattern).format(f"{exact:f}", digits, sign, text)  # noqa: S704


def machine_time(seconds: float) -> str:
    """An instant as ``<time datetime>`` wants it."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).isoformat()


def _instant(language: str, instant: datetime.datetime, manner: Manner) -> str:
    grammar = texts(language).grammar
    if manner == "day":
        return grammar.date(instant)
    return f"{instant:%H:%M}" if manner == "time" else grammar.date_and_time(instant)


def _reason(why: Reason | Problem) -> Reason:
    return why.reason if isinstance(why, Problem) else why


_UNNAMED = "type_"
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
SPACE = "\N{NO-BREAK SPACE}"


def measure_name(texts: Texts, measure: Measure) -> str:
    """``Weight``; ``Fat mass: left arm``; ``Measure type 999`` for one without a name."""
    name = type_name(measure.code)
    if measure.is_bmi:
        words = texts("measures.bmi")
    elif name.startswith(_UNNAMED):
        words = texts("measures.unnamed", code=measure.code)
    else:
        words = texts(f"measures.{name}")
    if measure.position is None:
        return words
    return texts("measures.part_of", name=words, part=_part(texts, measure.position))


def _part(texts: Texts, position: int) -> str:
    try:
        return texts(f"measures.part_{position}")
    except KeyError:  # a position without a name yet
        return texts("measures.part_unnamed", position=position)


def unit_sign(texts: Texts, unit: str) -> str:
    """``kg``, ``mmHg``; empty for scores and classes."""
    return texts(f"measures.unit_{unit}") if unit else ""


def unit_name(texts: Texts, unit: str) -> str:
    """A unit in a menu: ``pounds (lb)``."""
    return texts(f"measures.choose_{unit}")


def title_of(texts: Texts, measure: Measure, unit: Unit) -> str:
    """Name and unit, as they stand over an axis: ``Weight (kg)``."""
    sign = unit_sign(texts, unit.name)
    name = measure_name(texts, measure)
    return f"{name} ({sign})" if sign and not unit.many else name


def shown(texts: Texts, value: Decimal | float, unit: Unit, digits: int) -> str:
    """A value that was converted already: ``72.4 kg``."""
    return _written(texts, amounts(Decimal(str(value)), unit, digits))


def change(texts: Texts, difference: float, unit: Unit, digits: int) -> str:
    """A difference of values that were converted already, with its sign: ``+0.4 kg``."""
    parts = amounts(Decimal(str(difference)), unit, digits)
    sign = "+" if parts[0].number > 0 else ""
    return sign + _written(texts, parts)


def mark(texts: Texts, value: Decimal, digits: int, unit: Unit) -> str:
    """A number beside an axis, which was converted already."""
    if not unit.many:
        return texts.grammar.number(value, digits)
    return _written(texts, amounts(value, unit, digits))


def _written(texts: Texts, parts: tuple[Amount, ...]) -> str:
    return SPACE.join(_one(texts, part) for part in parts)


def _one(texts: Texts, part: Amount) -> str:
    number, sign = texts.grammar.number(part.number), unit_sign(texts, part.unit)
    if part.unit == "percent":
        return f"{number}{THIN_SPACE}{sign}"
    return f"{number}{SPACE}{sign}" if sign else number


type Quantity = tuple[int, Decimal]
"""A measure type and a value or a difference, converted already."""


class ValueFormat:
    """Writes values for one visitor."""

    def __init__(self, texts: Texts, units: UnitChoice) -> None:
        self.texts = texts
        self.units = units

    def is_plausible(self, code: int, value: Decimal) -> bool:
        """Whether a value in SI can be true of a body."""
        return abs(convert(value, self._unit(code))) < LARGEST

    def value(self, codes: Sequence[int], values: Sequence[Decimal]) -> Markup:
        """Values in SI: ``72.4 kg``; ``128/82 mmHg`` for two of the same unit."""
        pairs = zip(codes, values, strict=True)
        found = [(code, convert(value, self._unit(code))) for code, value in pairs]
        return self._written(found, signed=False)

    def difference(
        self, codes: Sequence[int], values: Sequence[Decimal], before: Sequence[Decimal]
    ) -> Markup:
        """What changed: ``+0.4 kg``, ``+3/-2 mmHg``; empty when none of it can be seen."""
        found = [
            (code, convert(new, self._unit(code)) - convert(old, self._unit(code)))
            for code, new, old in zip(codes, values, before, strict=True)
        ]
        if not any(part.number for one in found for part in self._amounts(one)):
            return Markup()
        return self._written(found, signed=True)

    def _written(self, quantities: Sequence[Quantity], *, signed: bool) -> Markup:
        """The unit is written once, after the last one."""
        text = Markup()
        *firsts, last = quantities
        for one in firsts:
            text += self._number(self._amounts(one)[0], signed=signed) + "/"
        for place, amount in enumerate(self._amounts(last)):
            # 11 st 5.2 lb has two parts, and only the first one has a sign.
            text += SPACE if place else ""
            text += self._number(amount, signed=signed and not place) + self._sign(amount)
        return text

    def _number(self, amount: Amount, *, signed: bool) -> Markup:
        digits = -int(amount.number.as_tuple().exponent)
        return figure(self.texts.language, amount.number, digits, signed=signed)

    def _sign(self, amount: Amount) -> str:
        sign = unit_sign(self.texts, amount.unit)
        space = THIN_SPACE if amount.unit == "percent" else SPACE
        return space + sign if sign else ""

    def _amounts(self, quantity: Quantity) -> Sequence[Amount]:
        code, value = quantity
        unit = self._unit(code)
        return amounts(value, unit, digits_in(unit, measure_of(code).digits))

    def _unit(self, code: int) -> Unit:
        return self.units.unit(measure_of(code).unit)
