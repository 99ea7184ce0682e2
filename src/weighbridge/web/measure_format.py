"""Measures, units and values in the language of a page (``i18n/<language>/measures.toml``)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup

from weighbridge.core.measures import type_name
from weighbridge.i18n import Texts
from weighbridge.web.charts.measures import (
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
        self._texts = texts
        self._units = units

    def is_thinkable(self, code: int, value: Decimal) -> bool:
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
        from weighbridge.web.wording import figure

        digits = -int(amount.number.as_tuple().exponent)
        return figure(self._texts.language, amount.number, digits, signed=signed)

    def _sign(self, amount: Amount) -> str:
        sign = unit_sign(self._texts, amount.unit)
        space = THIN_SPACE if amount.unit == "percent" else SPACE
        return space + sign if sign else ""

    def _amounts(self, quantity: Quantity) -> Sequence[Amount]:
        code, value = quantity
        unit = self._unit(code)
        return amounts(value, unit, digits_in(unit, measure_of(code).digits))

    def _unit(self, code: int) -> Unit:
        return self._units.unit(measure_of(code).unit)
