"""Weigh-ins of the sandbox's Garmin: written, read back, deleted.

Source: docs/reference/garmin.md#weigh-ins.

Garmin does not merge: every accepted weigh-in becomes a row of its own, under a version
(``samplePk``) that is nothing but the moment at which it was stored.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

import msgspec

from weighbridge_sandbox.garmin.accounts import GarminAccount
from weighbridge_sandbox.garmin.times import day_of, local_millis, millis_of, start_of
from weighbridge_sandbox.messages import Request, Response

PREFIX = "/weight-service/"
UPLOADED, MANUAL = "INDEX_SCALE", "MANUAL"

_KILOGRAMS = {"kg": Decimal(1), "lbs": Decimal("0.45359237")}
_YEAR_MS = 31_556_926_000

type Deltas = dict[int, float]


class WeighIn(msgspec.Struct):
    """One stored row. Times are milliseconds, ``local`` is the wall clock written as if UTC."""

    version: int
    account_id: int
    instant: int
    local: int
    day: str
    source: str
    values: dict[str, Decimal]
    visible_from: float = 0
    hidden_reads: int = 0


class Visibility(msgspec.Struct, forbid_unknown_fields=True):
    """When a new row shows up: after ``seconds`` and after ``reads`` that did not show it."""

    reads: int = 0
    seconds: float = 0


class WeighIns:
    """All weigh-ins of all accounts. ``visibility`` holds for what is uploaded from now on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.rows: list[WeighIn] = []
        self.visibility = Visibility()
        self._clock = clock
        self._last_version = 0

    def add(
        self,
        account: GarminAccount,
        instant: int,
        values: dict[str, Decimal],
        *,
        source: str = UPLOADED,
        local: int | None = None,
    ) -> WeighIn:
        """Store one row; times in milliseconds. Without ``local`` the account's zone is used."""
        wall_clock = local_millis(instant, account.timezone) if local is None else local
        self._last_version = max(self._last_version + 1, int(self._clock() * 1000))
        row = WeighIn(
            version=self._last_version,
            account_id=account.account_id,
            instant=instant,
            local=wall_clock,
            day=day_of(wall_clock),
            source=source,
            values=values,
        )
        self.rows.append(row)
        return row

    def hide(self, row: WeighIn) -> None:
        """Let a row show up only later, as ``visibility`` says."""
        row.visible_from = self._clock() + self.visibility.seconds
        row.hidden_reads = self.visibility.reads

    def is_visible(self, row: WeighIn) -> bool:
        """Whether a read would show the row now."""
        return row.hidden_reads <= 0 and row.visible_from <= self._clock()

    def read(self, account: GarminAccount) -> list[WeighIn]:
        """What a read shows, oldest first. Every read counts for the rows that are still hidden."""
        mine = [row for row in self.rows if row.account_id == account.account_id]
        shown = [row for row in mine if self.is_visible(row)]
        for row in mine:
            row.hidden_reads -= 1
        return sorted(shown, key=lambda row: (row.instant, row.version))

    def answer(self, request: Request, account: GarminAccount) -> Response:
        """One call of ``/weight-service``. What makes no sense is answered with 400."""
        try:
            return self._answer(request, account)
        except (ValueError, TypeError, InvalidOperation) as problem:
            return Response.of_json({"message": f"HTTP 400 Bad Request: {problem}"}, 400)

    def _answer(self, request: Request, account: GarminAccount) -> Response:
        match request.method, request.path.removeprefix(PREFIX).split("/"):
            case "POST", ["user-weight"]:
                return self._write(request, account)
            case "GET", ["weight", "range", start, end]:
                every = request.query.get("includeAll", "").lower() == "true"
                return Response.of_json(_range(self.read(account), start, end, every=every))
            case "GET", ["weight", "dayview", day]:
                return Response.of_json(_days(self.read(account), day, day))
            case "GET", ["weight", "dateRange"]:
                return self._date_range(request, account)
            case "DELETE", ["weight", day, "byversion", version]:
                return self._delete(account, day, version)
        return Response.of_json({"message": "HTTP 404 Not Found"}, 404)

    def _write(self, request: Request, account: GarminAccount) -> Response:
        wanted = request.json()
        if not isinstance(wanted, dict) or wanted.get("unitKey") not in _KILOGRAMS:
            raise ValueError("unitKey must be kg or lbs")
        kilograms = Decimal(str(wanted.get("value"))) * _KILOGRAMS[wanted["unitKey"]]
        if not 0 < kilograms < 1000:
            raise ValueError("value is not a weight")
        self.add(
            account,
            millis_of(wanted.get("gmtTimestamp")),
            {"weight_kg": kilograms},
            source=str(wanted.get("sourceType", MANUAL)),
            local=millis_of(wanted.get("dateTimestamp")),
        )
        return Response(status=204)

    def _date_range(self, request: Request, account: GarminAccount) -> Response:
        """One entry a day: nobody has seen more in this call (docs/reference/garmin.md#calls)."""
        start, end = request.query.get("startDate", ""), request.query.get("endDate", "")
        return Response.of_json(_days(self.read(account), start, end, newest_only=True))

    def _delete(self, account: GarminAccount, day: str, version: str) -> Response:
        for row in self.rows:
            ours = row.account_id == account.account_id
            if ours and str(row.version) == version and row.day == day:
                self.rows.remove(row)
                return Response(status=204)
        return Response.of_json({"message": "HTTP 404 Not Found"}, 404)


def _range(rows: list[WeighIn], start: str, end: str, *, every: bool) -> dict[str, Any]:
    """The answer of ``range``: whole days, newest first; their rows only if all are asked for."""
    inside = _between(rows, start, end)
    before = [row for row in rows if row.day < start]
    after = [row for row in rows if row.day > end]
    deltas = _deltas(rows)
    days: dict[str, list[WeighIn]] = {}
    for row in reversed(inside):
        days.setdefault(row.day, []).append(row)
    return {
        "dailyWeightSummaries": [
            _summary(day, found, deltas, every=every) for day, found in days.items()
        ],
        "totalAverage": _average(inside, start, end),
        "previousDateWeight": _metric(before[-1] if before else None, deltas),
        "nextDateWeight": _metric(after[0] if after else None, deltas),
    }


def _summary(day: str, found: list[WeighIn], deltas: Deltas, *, every: bool) -> dict[str, Any]:
    weights = [_grams(row) for row in found]
    return {
        "summaryDate": day,
        "numOfWeightEntries": len(found),
        "minWeight": min(weights),
        "maxWeight": max(weights),
        "latestWeight": _metric(found[0], deltas),
        "allWeightMetrics": [_metric(row, deltas) for row in found] if every else [],
    }


def _days(
    rows: list[WeighIn], start: str, end: str, *, newest_only: bool = False
) -> dict[str, Any]:
    """The answer of ``dayview`` and ``dateRange``: one list, newest first."""
    inside = _between(rows, start, end)
    shown = list({row.day: row for row in inside}.values()) if newest_only else inside
    deltas = _deltas(rows)
    return {
        "startDate": start,
        "endDate": end,
        "dateWeightList": [_metric(row, deltas) for row in reversed(shown)],
        "totalAverage": _average(inside, start, end),
    }


def _between(rows: Iterable[WeighIn], start: str, end: str) -> list[WeighIn]:
    start_of(start), start_of(end)  # refuses what is not a day
    return [row for row in rows if start <= row.day <= end]


def _deltas(rows: Sequence[WeighIn]) -> Deltas:
    """Version → grams since the row before; the first row has none."""
    return {row.version: _grams(row) - _grams(before) for before, row in pairwise(rows)}


def _metric(row: WeighIn | None, deltas: Deltas) -> dict[str, Any]:
    """One weigh-in as Garmin shows it; all null when there is none."""
    return {
        "samplePk": row and row.version,
        "date": row and row.local,
        "calendarDate": row and row.day,
        **_shown(row),
        "sourceType": row and row.source,
        "timestampGMT": row and row.instant,
        "weightDelta": row and deltas.get(row.version),
    }


def _shown(row: WeighIn | None) -> dict[str, float | None]:
    """The values with Garmin's units and losses (docs/reference/garmin.md#weigh-ins).

    Visceral fat mass, basal and active metabolism are stored and never shown.
    """
    values = row.values if row else {}
    age = values.get("metabolic_age_years")
    return {
        "weight": _grams(row) if row else None,
        "bmi": None if "bmi" not in values else _single(values["bmi"]),
        "bodyFat": _number(values.get("fat_percent")),
        "bodyWater": _number(values.get("water_percent")),
        "boneMass": _whole_grams(values.get("bone_kg")),
        "muscleMass": _whole_grams(values.get("muscle_kg")),
        "physiqueRating": _number(values.get("physique_rating")),
        "visceralFat": _number(values.get("visceral_fat_rating")),
        "metabolicAge": None if age is None else int(age) * _YEAR_MS,
    }


def _average(rows: list[WeighIn], start: str, end: str) -> dict[str, Any]:
    average: dict[str, Any] = {"from": start_of(start), "until": start_of(end) + 86_399_999}
    shown = [_shown(row) for row in rows]
    for name in _shown(None):
        found = [value for values in shown if (value := values[name]) is not None]
        average[name] = sum(found) / len(found) if found else None
    return average


def _grams(row: WeighIn) -> float:
    return float(row.values["weight_kg"] * 1000)


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _single(value: Decimal) -> float:
    """A number as a four-byte float holds it: 22.8 reads 22.799999237060547."""
    single: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return single


def _whole_grams(kilograms: Decimal | None) -> int | None:
    """Truncated after a detour over a four-byte float: 3.54 kg reads 3539 g."""
    return None if kilograms is None else int(_single(kilograms) * 1000)
