"""Records: what a source has recorded of a person, of whatever kind, and how they are named."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Protocol

from weighbridge.core.measures import Measurement

MEASURES = "measures"
"""The feed of a source of which readings are made: what it sends of the body."""


class Record(Protocol):
    """One thing that a source has recorded: a reading is one of a body or of a blood pressure.

    Instants are UTC seconds. Each kind is a struct of its own that offers these.
    """

    @property
    def kind(self) -> str:
        """What it is about: a target says which kinds it takes."""

    @property
    def id(self) -> str:
        """Its name. It stays the same while the record grows."""

    @property
    def start(self) -> int:
        """When it began; the instant at which a reading was taken."""

    @property
    def end(self) -> int | None:
        """When it ended; None for what has no duration."""

    @property
    def zone(self) -> str | None:
        """The IANA zone in which it was recorded, if that is known."""

    @property
    def stored_at(self) -> int:
        """When the source stored its newest part: fresh records settle from then on."""

    @property
    def values(self) -> tuple[Measurement, ...]:
        """Its values, exactly as they were sent."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """What else is known of it, in text: the model of the device, for instance."""

    @property
    def ambiguous(self) -> bool:
        """Whether it is in doubt to whom it belongs."""


def reading_id(account: str, taken_at: int, device: str, kind: str) -> str:
    """A name that stays when later groups arrive: the instant and six digits for the rest."""
    seed = f"{account}|{taken_at}|{device}|{kind}".encode()
    instant = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(taken_at))
    return f"{instant}-{blake2b(seed, digest_size=3).hexdigest()}"


def instant_of(reading_id: str) -> int | None:
    """The instant that a reading id names, or None when it is no reading id."""
    import calendar

    instant, dash, _ = reading_id.partition("-")
    if not dash:
        return None
    try:
        return calendar.timegm(time.strptime(instant, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def revision_of(part: Iterable[Measurement]) -> str:
    """A hash of the values that a target takes: equal values give equal revisions.

    75.20 and 75.2 are equal, whatever exponent they were sent with.
    """
    lines = sorted([_canonical(measurement) for measurement in part])
    return blake2b(repr(lines).encode(), digest_size=8).hexdigest()


def _canonical(measurement: Measurement) -> tuple[int, int, int, int]:
    mantissa, exponent = measurement.mantissa, measurement.exponent
    if mantissa == 0:
        exponent = 0
    while mantissa and mantissa % 10 == 0:
        mantissa //= 10
        exponent += 1
    place = -1 if measurement.position is None else measurement.position
    return (measurement.type_code, place, mantissa, exponent)
