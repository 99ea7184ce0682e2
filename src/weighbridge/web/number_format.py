"""Values as figures of a page: rounded once, in the visitor's units, with ``<data>`` around each
number, so that the browser can write it in its own manner.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup

from weighbridge.i18n import Texts
from weighbridge.web.charts.chart_measure import measure_of
from weighbridge.web.charts.units import LARGEST, Amount, Unit, amounts, convert, digits_in
from weighbridge.web.measure_words import SPACE, THIN_SPACE, unit_sign
from weighbridge.web.unit_choice import UnitChoice

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
