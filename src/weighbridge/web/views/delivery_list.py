"""Readings with what became of them, as a page lists them, and the words for one delivery."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge.core.delivery_state import State
from weighbridge.core.reason import Reason, read_reason
from weighbridge.storage.database import Row
from weighbridge.storage.delivery_log import ANSWERS, Decision
from weighbridge.sync.stored_readings import readings_at
from weighbridge.targets.formats.render_context import number
from weighbridge.web.chart_values import measure_of, rank
from weighbridge.web.views.person_card import KINDS, Tone
from weighbridge.web.views.person_history import zone_of
from weighbridge.web.wording import ValueFormat, measure_name

if TYPE_CHECKING:
    from markupsafe import Markup

    from weighbridge.config import Person
    from weighbridge.core.measures import Measurement, Reading
    from weighbridge.core.reason import Reason
    from weighbridge.storage.database import Row
    from weighbridge.sync.services import Services
    from weighbridge.web.views.person_card import Tone
    from weighbridge.web.wording import ValueFormat


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


def names_owner(why: Reason | None) -> bool:
    """Whether a reason, or one inside it, says whose an account is: that is for the admin alone."""
    return why is not None and _has_owner(why.values)


def _has_owner(values: Mapping[str, Any]) -> bool:
    return "owner" in values or any(
        _has_owner(value) for value in values.values() if isinstance(value, Mapping)
    )


_LAST_DAY = 253_402_214_400
"""The 31st of December 9999 in UTC, in epoch seconds."""

type Value = tuple[str, Markup | str]
"""A name and what was measured."""


class DeliveryLine(msgspec.Struct, frozen=True):
    """One delivery of a reading."""

    target: str
    state: State
    tone: Tone
    since: float | None
    attempts: int
    said: Reason | None


class ReadingEntry(msgspec.Struct, frozen=True):
    """One reading. Instants are epoch seconds."""

    person: str
    reading_id: str
    taken_at: int | None
    """None: a clock was so wrong that it is in no calendar."""
    zone: str | None
    value: Value | None
    """None: it is no longer there."""
    lines: Sequence[DeliveryLine]


def entries_of(
    services: Services, rows: Iterable[Row], value_format: ValueFormat, *, for_admin: bool
) -> list[ReadingEntry]:
    """The readings of some deliveries, in their order."""
    together = [
        (who, list(found))
        for who, found in groupby(rows, key=lambda row: (row["person"], row["reading_id"]))
    ]
    readings = _recall(services, [found[0] for _, found in together])
    return [
        ReadingEntry(
            person=name,
            reading_id=reading_id,
            taken_at=in_calendar(found[0]["taken_at"]),
            zone=zone_of_reading(services.settings.directory.person(name), reading),
            value=headline(value_format, reading) if reading else None,
            lines=[
                line_of(row, for_admin=for_admin)
                for row in sorted(found, key=lambda row: row["target"])
            ],
        )
        for (name, reading_id), found in together
        for reading in [readings.get((name, reading_id))]
    ]


def _recall(services: Services, rows: Sequence[Row]) -> dict[tuple[str, str], Reading]:
    """The readings of these rows as they are known now."""
    known: dict[tuple[str, str], Reading] = {}
    for name in {row["person"] for row in rows}:
        archive = services.archive(name)
        instants = [row["taken_at"] for row in rows if row["person"] == name]
        found = readings_at(archive, instants) if archive else {}
        known |= {(name, reading_id): reading for reading_id, reading in found.items()}
    return known


def line_of(row: Row, *, for_admin: bool) -> DeliveryLine:
    """One delivery."""
    state, why = State(row["state"]), read_reason(row["answer"])
    return DeliveryLine(
        row["target"],
        state,
        _TONES.get(state, ""),
        since_of(row),
        row["attempts"],
        why if for_admin or not names_owner(why) else None,
    )


def headline(value_format: ValueFormat, reading: Reading) -> Value | None:
    """By what a person recognises a reading: its weight, its pressure, else its first value."""
    values = dict(_plausible(value_format, reading.measurements))
    for kind in KINDS:
        if all(code in values for code in kind.codes):
            numbers = [values[code] for code in kind.codes]
            return kind.title(value_format.texts), value_format.value(kind.codes, numbers)
    return next(measured(value_format, reading), None)


def measured(value_format: ValueFormat, reading: Reading) -> Iterator[Value]:
    """Everything that was measured, in the order of a menu."""
    found = [
        (measure_of(one.type_code, one.position), one)
        for one in (*reading.measurements, *reading.segments)
    ]
    for measure, one in sorted(found, key=lambda pair: rank(pair[0])):
        name = measure_name(value_format.texts, measure)
        plausible = [value for _, value in _plausible(value_format, [one])]
        yield name, value_format.value([one.type_code], plausible) if plausible else number(one)


def _plausible(
    value_format: ValueFormat, measurements: Iterable[Measurement]
) -> Iterator[tuple[int, Decimal]]:
    """The values by type, without those that no body can have."""
    for one in measurements:
        try:
            if value_format.is_plausible(one.type_code, one.value):
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
