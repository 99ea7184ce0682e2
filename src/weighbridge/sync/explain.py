"""Why a reading is where it is, judged from the home folder alone. No words here.

``weighbridge why`` says it in a terminal, the server says it on a page. Nothing outside is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING

import msgspec

from weighbridge.config import Person, TargetSettings
from weighbridge.core.days import Window
from weighbridge.core.errors import Problem
from weighbridge.core.measures import MeasureGroup, Reading
from weighbridge.core.records import instant_of
from weighbridge.storage.accounts import route_row
from weighbridge.storage.archive import account_archive
from weighbridge.storage.database import Row
from weighbridge.storage.delivery_log import newest_of_reading
from weighbridge.sync.stored_readings import groups_of, readings_at

if TYPE_CHECKING:
    from weighbridge.sync.services import Services


class Attribution(StrEnum):
    """How Withings knows whose a group is (docs/reference/withings-api.md#attribution)."""

    CERTAIN = "certain"
    DOUBTFUL = "doubtful"
    BY_HAND = "by_hand"
    CHOSEN = "chosen"
    AT_THE_START = "at_the_start"
    BEST_OF_SEVERAL = "best_of_several"
    AGREED = "agreed"
    GUIDED = "guided"
    UNDOCUMENTED = "undocumented"


_ATTRIBUTIONS = {
    0: Attribution.CERTAIN,
    1: Attribution.DOUBTFUL,
    2: Attribution.BY_HAND,
    3: Attribution.CHOSEN,
    4: Attribution.AT_THE_START,
    5: Attribution.BEST_OF_SEVERAL,
    7: Attribution.AGREED,
    8: Attribution.CERTAIN,
    15: Attribution.GUIDED,
    17: Attribution.GUIDED,
}


def attribution_of(group: MeasureGroup) -> Attribution:
    """What the number in a group means."""
    return _ATTRIBUTIONS.get(group.attribution, Attribution.UNDOCUMENTED)


class WhyNotOwed(Enum):
    """Why nothing is owed of a reading to a target."""

    GONE = auto()
    """The reading is no longer there."""
    UNUSABLE = auto()
    """The target cannot be used as it is configured."""
    NOTHING_TAKEN = auto()
    """It holds nothing that the target takes."""
    PASSED_OVER = auto()
    """Its owner is in doubt, and such readings are not wanted."""
    BEFORE_SINCE = auto()
    """It is older than the first day in the configuration."""
    BEFORE_CONNECTED = auto()
    """It is older than the connection of the target."""
    NOT_PLANNED = auto()
    """Nobody looked at it yet."""


class TargetReasons(msgspec.Struct, frozen=True):
    """How a reading stands with one target: a delivery, or why there is none."""

    target: TargetSettings
    delivery: Row | None
    """The newest one."""
    absence: WhyNotOwed | None = None
    problem: Problem | None = None
    """Why the target cannot be used."""


class Reasons(msgspec.Struct, frozen=True):
    """All that is known of one reading of a person."""

    reading_id: str
    person: Person
    taken_at: int
    reading: Reading | None
    """None: it is no longer there."""
    groups: Sequence[MeasureGroup]
    """What it was made of."""
    targets: Sequence[TargetReasons]
    """One for each target that is configured."""
    deliveries: Sequence[Row]
    """The newest one to each target that there ever was."""


def reasons_of(services: Services, person: Person, reading_id: str) -> Reasons | None:
    """All that is known of a reading; None when this person has none of that name."""
    taken_at = instant_of(reading_id)
    archive = account_archive(services.database, person.name)
    if taken_at is None or archive is None:
        return None
    reading = readings_at(archive, [taken_at]).get(reading_id)
    rows = newest_of_reading(services.database, person.name, taken_at, reading_id)
    if reading is None and not rows:
        return None
    return Reasons(
        reading_id,
        person,
        taken_at,
        reading,
        list(groups_of(archive, reading)) if reading else [],
        [_target(services, person, one, reading, rows) for one in person.targets],
        rows,
    )


def _target(
    services: Services,
    person: Person,
    target: TargetSettings,
    reading: Reading | None,
    rows: Sequence[Row],
) -> TargetReasons:
    row = next((row for row in rows if row["target"] == target.name), None)
    if row is not None:
        return TargetReasons(target, row)
    if reading is None:
        return TargetReasons(target, None, WhyNotOwed.GONE)
    try:
        absence = _absence(services, person, target, reading)
    except Problem as problem:
        return TargetReasons(target, None, WhyNotOwed.UNUSABLE, problem)
    return TargetReasons(target, None, absence)


def _absence(
    services: Services, person: Person, target: TargetSettings, reading: Reading
) -> WhyNotOwed:
    """The rule by which a reading is not owed. Raises the problem of a target without use."""
    if not services.target(person, target).takes(reading):
        return WhyNotOwed.NOTHING_TAKEN
    if reading.ambiguous and person.ambiguous == "skip":
        return WhyNotOwed.PASSED_OVER
    route = route_row(services.database, person.name, target.name)
    since = target.since or (route["connected_at"] if route and route["fingerprint"] else None)
    if since is None or Window(since, zone=person.timezone).holds(reading):
        return WhyNotOwed.NOT_PLANNED
    return WhyNotOwed.BEFORE_CONNECTED if target.since is None else WhyNotOwed.BEFORE_SINCE
