"""Blood pressure of the sandbox's Garmin: JSON in, JSON out.

Source: docs/reference/garmin.md#blood-pressures.

Every POST adds a row, the same one twice as well (kilooo/grrminsync#39).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from weighbridge_sandbox.garmin.accounts import GarminAccount
from weighbridge_sandbox.garmin.times import day_of, millis_of, start_of, text_of
from weighbridge_sandbox.messages import Request, Response

PREFIX = "/bloodpressure-service/"

_LIMITS = {"systolic": (70, 260), "diastolic": (40, 150), "pulse": (20, 250)}
_CATEGORIES = (
    ("HYPERTENSIVE_CRISIS", 180, 120),
    ("STAGE_2_HIGH", 140, 90),
    ("STAGE_1_HIGH", 130, 80),
    ("ELEVATED", 120, 0),
)
"""Name, and the systolic and diastolic pressure from which it holds; below all: NORMAL."""


class Pressure(msgspec.Struct):
    """One stored row. Times are milliseconds, ``local`` is the wall clock written as if UTC."""

    version: int
    account_id: int
    instant: int
    local: int
    systolic: int
    diastolic: int
    pulse: int | None
    notes: str
    source: str

    def shown(self) -> dict[str, Any]:
        """The row as every call returns it."""
        category = _category(self.systolic, self.diastolic)
        return {
            "version": self.version,
            "systolic": self.systolic,
            "diastolic": self.diastolic,
            "pulse": self.pulse,
            "multiMeasurement": False,
            "notes": self.notes,
            "sourceType": self.source,
            "measurementTimestampLocal": text_of(self.local),
            "measurementTimestampGMT": text_of(self.instant),
            "category": category,
            "categoryName": category,
        }


class Pressures:
    """All blood-pressure rows of all accounts."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.rows: list[Pressure] = []
        self._clock = clock
        self._last_version = 0

    def add(self, account: GarminAccount, wanted: Any) -> Pressure:
        """Store one row, given as the POST of the library. Raises ValueError or TypeError."""
        if not isinstance(wanted, dict):
            raise ValueError("a blood pressure is an object")
        numbers = {name: _checked(name, wanted.get(name)) for name in _LIMITS}
        if numbers["systolic"] is None or numbers["diastolic"] is None:
            raise ValueError("systolic and diastolic are needed")
        self._last_version = max(self._last_version + 1, int(self._clock() * 1000))
        row = Pressure(
            version=self._last_version,
            account_id=account.account_id,
            instant=millis_of(wanted.get("measurementTimestampGMT")),
            local=millis_of(wanted.get("measurementTimestampLocal")),
            systolic=numbers["systolic"],
            diastolic=numbers["diastolic"],
            pulse=numbers["pulse"],
            notes=str(wanted.get("notes") or ""),
            source=str(wanted.get("sourceType", "MANUAL")),
        )
        self.rows.append(row)
        return row

    def answer(self, request: Request, account: GarminAccount) -> Response:
        """One call of ``/bloodpressure-service``. What makes no sense is answered with 400."""
        try:
            match request.method, request.path.removeprefix(PREFIX).split("/"):
                case "POST", ["bloodpressure"]:
                    return Response.of_json(self.add(account, request.json()).shown())
                case "PUT", ["bloodpressure"]:
                    return self._note(account, request.json())
                case "GET", ["bloodpressure", "range", start, end]:
                    every = request.query.get("includeAll", "").lower() == "true"
                    return Response.of_json(self._range(account, start, end, every=every))
                case "DELETE", ["bloodpressure", day, version]:
                    return self._delete(account, day, version)
        except (ValueError, TypeError) as problem:
            return Response.of_json({"message": f"HTTP 400 Bad Request: {problem}"}, 400)
        return Response.of_json({"message": "HTTP 404 Not Found"}, 404)

    def _find(self, account: GarminAccount, version: object) -> Pressure | None:
        for row in self.rows:
            if row.account_id == account.account_id and str(row.version) == str(version):
                return row
        return None

    def _note(self, account: GarminAccount, wanted: Any) -> Response:
        """Keep the note, echo the numbers and forget them: that is what Garmin does."""
        row = self._find(account, wanted.get("version") if isinstance(wanted, dict) else None)
        if row is None:
            return Response.of_json({"message": "HTTP 404 Not Found"}, 404)
        row.notes = str(wanted.get("notes") or "")
        return Response.of_json({**row.shown(), **wanted})

    def _range(
        self, account: GarminAccount, start: str, end: str, *, every: bool
    ) -> dict[str, Any]:
        """Days, newest first. Their measurements are listed only when all are asked for."""
        start_of(start), start_of(end)
        days: dict[str, list[Pressure]] = {}
        for row in sorted(self.rows, key=lambda row: row.instant, reverse=True):
            day = day_of(row.local)
            if row.account_id == account.account_id and start <= day <= end:
                days.setdefault(day, []).append(row)
        summaries = [_summary(day, found, every=every) for day, found in days.items()]
        return {
            "from": start,
            "until": end,
            "measurementSummaries": summaries,
            "categoryStats": None,
        }

    def _delete(self, account: GarminAccount, day: str, version: str) -> Response:
        row = self._find(account, version)
        if row is None or day_of(row.local) != day:
            return Response.of_json({"message": "HTTP 404 Not Found"}, 404)
        self.rows.remove(row)
        return Response(status=204)


def _summary(day: str, found: list[Pressure], *, every: bool) -> dict[str, Any]:
    systolic, diastolic = [row.systolic for row in found], [row.diastolic for row in found]
    category = _category(max(systolic), max(diastolic))
    return {
        "startDate": day,
        "endDate": day,
        "highSystolic": max(systolic),
        "highDiastolic": max(diastolic),
        "lowSystolic": min(systolic),
        "lowDiastolic": min(diastolic),
        "numOfMeasurements": len(found),
        "category": category,
        "categoryName": category,
        "measurements": [row.shown() for row in found] if every else [],
    }


def _checked(name: str, value: Any) -> int | None:
    low, high = _LIMITS[name]
    if value is None:
        return None
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}")
    return value


def _category(systolic: int, diastolic: int) -> str:
    for name, high, low in _CATEGORIES:
        if systolic >= high or (low and diastolic >= low):
            return name
    return "NORMAL"
