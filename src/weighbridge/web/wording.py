"""How texts, numbers and times come into a page: ``t``, ``when``, ``number`` of the templates.

Everything is escaped, the values of a text as well. In a text of the catalogue back quotes mark
code: they become ``<code>``.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from decimal import Decimal
from typing import Any, Literal

from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from weighbridge.core.errors import Problem
from weighbridge.core.reason import Reason
from weighbridge.i18n import Texts, texts
from weighbridge.i18n.grammar import rounded
from weighbridge.targets.kind import TargetKind
from weighbridge.targets.wizard import own_text

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
    environment.globals["anchor"] = anchor
    environment.filters["message"] = pass_context(_message)
    environment.filters["sentences"] = pass_context(_sentences)
    environment.filters["when"] = pass_context(_when)
    environment.filters["day"] = pass_context(_day)
    environment.filters["number"] = pass_context(_number)
    environment.filters["figure"] = pass_context(_figure)
    environment.filters["machine_time"] = machine_time


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


def _message(context: Context, why: Reason | Problem) -> str:
    """What happened, in the language of the page."""
    return _reason(why).message(context["language"])


def _sentences(context: Context, why: Reason | Problem) -> str:
    """What happened and what a person does next, in the language of the page."""
    return _reason(why).sentences(context["language"])


def _reason(why: Reason | Problem) -> Reason:
    return why.reason if isinstance(why, Problem) else why


def _when(context: Context, *given: Any, **named: Any) -> Markup:
    return when(context["language"], *given, **named)


def _day(context: Context, *given: Any, **named: Any) -> str:
    return day(context["language"], *given, **named)


def _number(context: Context, *given: Any, **named: Any) -> str:
    return number(context["language"], *given, **named)


def _figure(context: Context, *given: Any, **named: Any) -> Markup:
    return figure(context["language"], *given, **named)
