"""
Keep a line for each day in Daybook.

Example configuration::

    [[person.target]]
    kind = "daybook"
    athlete = "anna-rides"
    api_key = { file = "daybook-api-key" }

Daybook has one record a day. Of several readings of a day the newest stands there in the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from weighbridge.core.days import local_day
from weighbridge.core.errors import Refused
from weighbridge.core.measures import Measurement, MeasureType, Reading
from weighbridge.core.secret import Secret
from weighbridge.targets.base import Context, Owed, Receipt
from weighbridge.targets.http import HttpCalls, http_calls, trouble_of
from weighbridge.targets.kind import ApiKey, StandIn, TargetKind, WizardField
from weighbridge.targets.receipt_builder import send_each

SERVICE = "Daybook"
COLUMNS: dict[int, str] = {MeasureType.WEIGHT: "weight", MeasureType.FAT_RATIO: "fat_percent"}
HEAVIEST_KG = 500


class DaybookOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may write for this target."""

    athlete: str
    """The name in the address of your page at Daybook."""
    api_key: Secret
    """Daybook shows it under Settings."""
    url: str = "https://daybook.example.org"
    """The address of the service."""


class Record(msgspec.Struct, frozen=True):
    """One day as it is sent."""

    reading_id: str
    taken_at: int
    day: str
    values: dict[str, float]


class Records(msgspec.Struct, frozen=True):
    """Days, oldest first: the last one of a day stays."""

    records: tuple[Record, ...]
    refused: dict[str, Refused]
    """Reading id → why it cannot be sent."""


class DaybookTarget:
    """Writing a day again changes nothing, so what is in doubt is sent again."""

    batch_size: ClassVar[int] = 30
    idempotent: ClassVar[bool] = True

    def __init__(self, options: DaybookOptions, context: Context) -> None:
        self._options = options
        self._zone = context.timezone

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        """Weight and fat of a weigh-in."""
        wanted = [one for one in reading.measurements if one.type_code in COLUMNS]
        has_weight = any(one.type_code == MeasureType.WEIGHT for one in wanted)
        return wanted if has_weight else []

    def record_of(self, reading: Reading) -> str:
        """The local day."""
        return local_day(reading.taken_at, self._zone, reading.timezone)

    def render(self, owed: Sequence[Owed]) -> Records:
        """One record a reading, oldest first. What cannot be sent is named."""
        records, refused = [], {}
        for reading in sorted((one.reading for one in owed), key=lambda one: one.taken_at):
            day = self.record_of(reading)
            values = {COLUMNS[one.type_code]: float(one.value) for one in self.takes(reading)}
            if not day[:4].isdecimal() or not 0 < values["weight"] < HEAVIEST_KG:
                kg = values["weight"]
                refused[reading.reading_id] = Refused(code="daybook.not_taken", kg=kg, day=day)
            else:
                records.append(Record(reading.reading_id, reading.taken_at, day, values))
        return Records(tuple(records), refused)

    def preview(self, payload: Records) -> Iterator[str]:
        """One line a day."""
        for one in payload.records:
            yield f"{one.day} {msgspec.json.encode(one.values).decode()}"
        for reading_id, reason in payload.refused.items():
            yield f"cannot be sent: {reading_id}: {reason}"

    def send(self, payload: Records) -> Receipt:
        """Write one day after the other, until one meets trouble."""
        with http_calls(SERVICE, self._options.url) as calls:
            steps = (
                ([one.reading_id], lambda one=one: self._write(calls, one))
                for one in payload.records
            )
            return send_each(steps, payload.refused)

    def check(self) -> str:
        """Whose key it is. Raises like ``send``."""
        with http_calls(SERVICE, self._options.url) as calls:
            who = self._call(calls, "GET", "").get("name")
        return f"Daybook knows the key of {who}."

    def _write(self, calls: HttpCalls, one: Record) -> str:
        self._call(calls, "PUT", f"/days/{one.day}", one.values)
        return one.day

    def _call(self, calls: HttpCalls, method: str, path: str, content: Any = None) -> Any:
        answer = calls.call(
            method,
            f"/daybook/{self._options.athlete}{path}",
            headers={"Authorization": f"Bearer {self._options.api_key.reveal()}"},
            content=msgspec.json.encode(content) if content else b"",
            writes=method != "GET",
        )
        problem = trouble_of(answer, SERVICE, "weighbridge config check", writes=method != "GET")
        if problem:
            raise problem
        return answer.json()


KIND = TargetKind(
    name="daybook",
    service=SERVICE,
    options=DaybookOptions,
    create=DaybookTarget,
    takes="Weight and fat in Daybook, one record a day.",
    page=__doc__,
    holds="day records",
    login=ApiKey(option="api_key"),
    wizard=(
        WizardField(
            option="athlete",
            example='"anna-rides"',
            label="Daybook athlete",
            metavar="NAME",
            help="Keep a line a day for this athlete at Daybook.",
        ),
        WizardField(
            option="api_key",
            shape="secret",
            example='{ file = "daybook-api-key" }',
            label="Daybook key",
        ),
    ),
    environment={
        "athlete": "WEIGHBRIDGE_DAYBOOK_ATHLETE",
        "api_key": "WEIGHBRIDGE_DAYBOOK_API_KEY",
        "url": "WEIGHBRIDGE_DAYBOOK_URL",
    },
    stand_in=StandIn(
        cloud="weighbridge_examples.clouds:DaybookCloud",
        options={"athlete": "{person}", "api_key": "key-of-{person}", "url": "{url}"},
        remark="Its Daybook knows everybody whose key is key-of- and the name.",
    ),
    texts=Path(__file__).with_name("daybook_texts.toml"),
)
