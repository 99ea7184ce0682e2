"""Places in memory to which readings are delivered, with faults on demand.

They are targets like any other and keep the whole promise of ``targets.base``. Tests use them to
show what becomes of a delivery when the other side is slow, refuses, or loses an answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

import msgspec

from weighbridge.core.errors import Refused
from weighbridge.core.measures import Measurement, Reading
from weighbridge.core.zones import local_day
from weighbridge.targets.base import Existing, Owed, Receipt

type Values = Mapping[int, Decimal]


class PlaceEntry(msgspec.Struct):
    """One reading that stands at a place. Two of the same instant and kind are a doubled one."""

    reference: str
    kind: str
    taken_at: int
    values: Values
    visible_from: float
    day: str = ""


class PlaceFault(msgspec.Struct, frozen=True):
    """What the next call does: so many readings are written, then ``problem`` is raised.

    ``written`` None means all of them, so that only the answer is lost. A problem that is no
    ``Exception`` stands for a process that was killed.
    """

    problem: BaseException
    written: int | None = 0


class Letterbox:
    """A place that can only be written to: what arrived twice stands there twice."""

    batch_size: ClassVar[int] = 3
    idempotent: ClassVar[bool] = False

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.entries: list[PlaceEntry] = []
        self.faults: deque[PlaceFault] = deque()
        """Each call of ``send`` or ``replace`` takes the next one."""
        self.refused: set[int] = set()
        """Instants: a payload that holds one of them is refused as a whole."""
        self.refused_alone: set[int] = set()
        """Instants that are refused, and named in the receipt."""
        self.overlooked: set[int] = set()
        """Instants that are neither written nor mentioned in the receipt."""
        self.delay = 0.0
        """Seconds until what was accepted can be seen."""
        self.step: Callable[[str], None] = lambda name: None
        """Called at each step inside; a test may end the process there."""
        self.calls: list[tuple[str, int]] = []
        """Name and number of readings of each call from outside."""
        self._count = 0

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        """Every whole-body value."""
        return reading.measurements

    def render(self, owed: Sequence[Owed]) -> list[Owed]:
        """The readings themselves, oldest first."""
        return sorted(owed, key=lambda one: (one.reading.taken_at, one.reading_id))

    def preview(self, payload: Sequence[Owed]) -> Iterable[str]:
        """One line a reading."""
        return [f"{one.reading_id} {dict(self.values(one.reading))}" for one in payload]

    def send(self, payload: Sequence[Owed]) -> Receipt:
        """Write each reading, unless a fault was ordered."""
        self.calls.append(("send", len(payload)))
        return self._receive(payload)

    def values(self, reading: Reading) -> Values:
        """The values of a reading by measure type."""
        return {one.type_code: one.value for one in self.takes(reading)}

    def standing(self) -> list[tuple[int, str, Values]]:
        """Instant, kind and values of everything that was accepted, seen or not, by time."""
        found = [(one.taken_at, one.kind, one.values) for one in self.entries]
        return sorted(found, key=lambda one: one[:2])

    def _receive(self, payload: Sequence[Owed]) -> Receipt:
        self.step("asked")
        if any(one.reading.taken_at in self.refused for one in payload):
            raise Refused("The place refused the payload.", remedy="Look at its readings.")
        fault = self.faults.popleft() if self.faults else None
        written = len(payload) if fault is None or fault.written is None else fault.written
        receipt = self._write_all(payload[:written])
        if fault is not None:
            raise fault.problem
        self.step("answered")
        return receipt

    def _write_all(self, payload: Sequence[Owed]) -> Receipt:
        delivered, refused = {}, {}
        for one in payload:
            if one.reading.taken_at in self.refused_alone:
                refused[one.reading_id] = "The place does not want it."
            elif one.reading.taken_at not in self.overlooked:
                delivered[one.reading_id] = self._write(one)
                self.step("written")
        return Receipt(delivered, refused)

    def _write(self, one: Owed) -> str:
        self._count += 1
        entry = PlaceEntry(
            str(self._count),
            one.reading.kind,
            one.reading.taken_at,
            self.values(one.reading),
            self.clock() + self.delay,
        )
        self.entries.append(entry)
        return entry.reference


class Notebook(Letterbox):
    """A place where writing a reading again changes nothing: it has one line for each."""

    idempotent: ClassVar[bool] = True

    def _write(self, one: Owed) -> str:
        place = (one.reading.taken_at, one.reading.kind)
        self.entries = [e for e in self.entries if (e.taken_at, e.kind) != place]
        return super()._write(one)


class DaySheet(Notebook):
    """A place with one line for each local day, which every writing replaces."""

    def record_of(self, reading: Reading) -> str:
        """The local day of the reading."""
        return local_day(reading.taken_at, reading.timezone)

    def _write(self, one: Owed) -> str:
        day = self.record_of(one.reading)
        self.entries = [entry for entry in self.entries if entry.day != day]
        reference = super()._write(one)
        self.entries[-1].day = day
        return reference


class Place(Letterbox):
    """A place that can be read, and where the old revision must go before the new one comes."""

    visible_after: ClassVar[float] = 600.0

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.blind: deque[BaseException] = deque()
        """Each call of ``look`` raises the next one."""
        self.replaced: list[str | None] = []
        """The references that came along when a reading was replaced."""

    def look(self, owed: Sequence[Owed]) -> Mapping[str, Existing]:
        """What stands at the instants of these readings and can be seen by now."""
        self.calls.append(("look", len(owed)))
        self.step("looked at")
        if self.blind:
            raise self.blind.popleft()
        found = {one.reading_id: self._sighting(one) for one in owed}
        return {name: sighting for name, sighting in found.items() if sighting}

    def replace(self, owed: Sequence[Owed]) -> Receipt:
        """Remove the visible entry of each reading, then write."""
        self.calls.append(("replace", len(owed)))
        for one in owed:
            self.replaced.append(one.previous)
            for entry in self._visible(one):
                self.entries.remove(entry)
                self.step("removed")
        return self._receive(self.render(owed))

    def put(self, reading: Reading, values: Mapping[int, Decimal] | None = None) -> None:
        """Somebody else wrote this before us."""
        self._write(Owed(reading, "by hand"))
        if values is not None:
            self.entries[-1].values = values

    def _sighting(self, one: Owed) -> Existing | None:
        entries = self._visible(one)
        same = [entry for entry in entries if entry.values == self.values(one.reading)]
        best = (same or entries)[:1]
        return Existing(best[0].reference, bool(same)) if best else None

    def _visible(self, one: Owed) -> list[PlaceEntry]:
        reading, now = one.reading, self.clock()
        return [
            entry
            for entry in self.entries
            if (entry.taken_at, entry.kind) == (reading.taken_at, reading.kind)
            and entry.visible_from <= now
        ]
