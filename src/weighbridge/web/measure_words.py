"""Measures, units and values in the language of a page (``catalogue/<language>/measures.toml``)."""

from __future__ import annotations

from decimal import Decimal

from weighbridge.core.measures import type_name
from weighbridge.i18n import Texts
from weighbridge.web.charts.chart_measure import Measure
from weighbridge.web.charts.units import Amount, Unit, amounts

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
    except KeyError:  # a place that nobody has named yet
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
