"""How a language writes numbers and dates: ``<language>/language.toml``.

Not ``strftime`` and ``locale``: they would speak the language of the account that runs the server.
"""

from __future__ import annotations

import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

import msgspec

from weighbridge.i18n.plurals import Rule

MINUS = "\N{MINUS SIGN}"
"""A hyphen would be read as one, or not at all, and a line could break after it."""


class Grammar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ``language.toml``."""

    name: str
    """The language in itself: ``Deutsch``."""
    decimal_sign: str
    plural_rule: Rule
    months: tuple[str, ...]
    """As they stand in a date, January first."""
    day: str
    """A date with ``{day}``, ``{month}`` and ``{year}``."""
    moment: str
    """A date with its time: ``{date}`` and ``{time}``."""

    def number(self, value: Decimal, digits: int | None = None, *, signed: bool = False) -> str:
        """A number, rounded half up to so many digits; ``signed``: with a plus, too."""
        if digits is not None:
            value = rounded(value, digits)
        sign = MINUS if value < 0 else "+" if signed and value > 0 else ""
        return sign + f"{abs(value):f}".replace(".", self.decimal_sign)

    def date(self, day: datetime.date) -> str:
        """A day in words: ``5 March 2026``."""
        month = self.months[day.month - 1]
        return self.day.format(day=day.day, month=month, year=day.year)

    def date_and_time(self, instant: datetime.datetime) -> str:
        """Day and minute, as the clock of that zone shows them: ``5 March 2026, 14:05``."""
        return self.moment.format(date=self.date(instant), time=f"{instant:%H:%M}")


def rounded(value: Decimal, digits: int) -> Decimal:
    """Half up, never truncated, to so many digits after the decimal sign."""
    step = value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return abs(step) if step == 0 else step  # no minus before a zero


@cache
def read_grammar(language: str) -> Grammar:
    """Raises FileNotFoundError for a language that is not in the catalogue."""
    text = (Path(__file__).parent / language / "language.toml").read_bytes()
    return msgspec.toml.decode(text, type=Grammar)
