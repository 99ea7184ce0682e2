"""Readings with what became of them, as a page lists them, and the words for one delivery."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.reason import Reason, read_reason
from weighbridge.storage.database import Row
from weighbridge.storage.delivery_log import ANSWERS, Decision
from weighbridge.sync.stored_readings import readings_at
from weighbridge.targets.formats.render_context import number
from weighbridge.web.charts.measures import Measure, measure_of, rank
from weighbridge.web.measure_format import measure_name
from weighbridge.web.views.newest_readings import KINDS
from weighbridge.web.views.person_history import zone_of
from weighbridge.web.views.plain_status import Tone

if TYPE_CHECKING:
    from markupsafe import Markup

    from weighbridge.config import Person
    from weighbridge.core.measures import Measurement, Reading
    from weighbridge.core.reason import Reason
    from weighbridge.i18n import Texts
    from weighbridge.storage.database import Row
    from weighbridge.sync.services import Services
    from weighbridge.web.measure_format import ValueFormat
    from weighbridge.web.views.plain_status import Tone


_TONES: Mapping[State, Tone] = {
    State.DELIVERED: "good",
    State.CONFIRMED: "good",
    State.REJECTED: "bad-news",
    State.UNKNOWN: "bad-news",
    State.BLOCKED: "bad-news",
    State.SUPERSEDED: "soft",
    State.SKIPPED: "soft",
}

_WAITING = frozenset({State.PLANNED, State.HELD, State.BLOCKED})


def tone_of(row: Row) -> Tone:
    """A class of the style sheet."""
    return _TONES.get(State(row["state"]), "")


def since_of(row: Row) -> float | None:
    """Since when it is in its state, in epoch seconds; None: that was not written down."""
    state = State(row["state"])
    is_accepted = (
        state is State.DELIVERED and read_reason(row["answer"]) == ANSWERS[Decision.ACCEPT]
    )
    if is_accepted or state is State.SUPERSEDED:
        return None
    if state in _WAITING:
        waits_since: float = row["planned_at"]
        return waits_since
    # Whose end nobody saw is dated by its beginning.
    moments = [moment for moment in (row["claimed_at"], row["done_at"]) if moment is not None]
    return max(moments, default=None)


def said_of(answer: str | None, others: Collection[str]) -> Reason | None:
    """Why a delivery is in its state; None: nothing is known.

    A reason that names one of the others is not for this visitor.
    """
    why = read_reason(answer)
    return None if why is None or names_one(why.sentences(), others) else why


def names_one(text: str, people: Collection[str]) -> bool:
    """Whether somebody is named in a text."""
    pattern = "|".join(re.escape(name) for name in people)
    return bool(pattern and re.search(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.IGNORECASE))


_LAST_DAY = 253_402_214_400
"""The 31st of December 9999 in UTC, in epoch seconds."""

type Value = tuple[str, Markup | str]
"""A name and what was measured."""


class Line(msgspec.Struct, frozen=True):
    """One delivery of a reading."""

    target: str
    state: State
    tone: Tone
    since: float | None
    attempts: int
    said: Reason | None


class Entry(msgspec.Struct, frozen=True):
    """One reading. Instants are epoch seconds."""

    person: str
    reading_id: str
    taken_at: int | None
    """None: a clock was so wrong that it is in no calendar."""
    zone: str | None
    value: Value | None
    """None: it is no longer there."""
    lines: Sequence[Line]


def entries_of(
    services: Services,
    rows: Iterable[Row],
    texts: Texts,
    value_format: ValueFormat,
    others: Collection[str],
) -> list[Entry]:
    """The readings of some deliveries, in their order. ``others``: whom nobody may name here."""
    together = [
        (who, list(found))
        for who, found in groupby(rows, key=lambda row: (row["person"], row["reading_id"]))
    ]
    readings = _recall(services, [found[0] for _, found in together])
    entries = []
    for (name, reading_id), found in together:
        person, reading = services.settings.directory.person(name), readings.get((name, reading_id))
        zone = zone_of_reading(person, reading)
        value = headline(texts, value_format, reading) if reading else None
        lines = [line_of(row, others) for row in sorted(found, key=lambda row: row["target"])]
        taken_at = in_calendar(found[0]["taken_at"])
        entries.append(Entry(name, reading_id, taken_at, zone, value, lines))
    return entries


def _recall(services: Services, rows: Sequence[Row]) -> dict[tuple[str, str], Reading]:
    """The readings of these rows as they are known now."""
    known: dict[tuple[str, str], Reading] = {}
    for name in {row["person"] for row in rows}:
        archive = services.archive(name)
        instants = [row["taken_at"] for row in rows if row["person"] == name]
        found = readings_at(archive, instants) if archive else {}
        known |= {(name, reading_id): reading for reading_id, reading in found.items()}
    return known


def line_of(row: Row, others: Collection[str]) -> Line:
    """One delivery."""
    return Line(
        row["target"],
        State(row["state"]),
        tone_of(row),
        since_of(row),
        row["attempts"],
        said_of(row["answer"], others),
    )


def headline(texts: Texts, value_format: ValueFormat, reading: Reading) -> Value | None:
    """By what a person recognises a reading: its weight, its pressure, else its first value."""
    values = dict(_thinkable(value_format, reading.measurements))
    for kind in KINDS:
        if all(code in values for code in kind.codes):
            name = texts(kind.name) if kind.name else measure_name(texts, measure_of(kind.codes[0]))
            return name, value_format.value(kind.codes, [values[code] for code in kind.codes])
    return next(measured(texts, value_format, reading), None)


def measured(texts: Texts, value_format: ValueFormat, reading: Reading) -> Iterator[Value]:
    """Everything that was measured, in the order of a menu."""
    values = [*reading.measurements, *reading.segments]
    for one in sorted(values, key=lambda value: rank(_measure(value))):
        name = measure_name(texts, _measure(one))
        thinkable = dict(_thinkable(value_format, [one]))
        if thinkable:
            yield name, value_format.value([one.type_code], [thinkable[one.type_code]])
        else:
            yield name, number(one)


def _measure(value: Measurement) -> Measure:
    return measure_of(value.type_code, value.position)


def _thinkable(
    value_format: ValueFormat, measurements: Iterable[Measurement]
) -> Iterator[tuple[int, Decimal]]:
    """The values by type, without those that no body can have."""
    for one in measurements:
        try:
            if value_format.is_thinkable(one.type_code, one.value):
                yield one.type_code, one.value
        except ArithmeticError:
            continue


def zone_of_reading(person: Person, reading: Reading | None) -> str | None:
    """Where the person lives, else where it was taken; None: nobody knows, times are in UTC."""
    name = person.timezone or (reading.timezone if reading else None) or ""
    return name if name != "UTC" and zone_of(name) is not datetime.UTC else None


def in_calendar(instant: int | None) -> int | None:
    """None for what cannot be written as a date."""
    return instant if instant is not None and 0 <= instant < _LAST_DAY else None
