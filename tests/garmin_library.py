"""Short words for tests that drive the real ``garminconnect`` library against the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from garminconnect import Garmin, GarminConnectConnectionError
from garminconnect.fit import FitEncoderWeight

ANNA = ("anna@example.test", "anna-walks-home")
BEN = ("ben@example.test", "ben-rides-uphill")
BENS_CODE = "123456"
MORNING = int(datetime(2026, 3, 1, 7, 15, tzinfo=UTC).timestamp())
UPLOAD = "/upload-service/upload"


def ask_for_code(code: str) -> Callable[[], str]:
    return lambda: code


def fit(*weigh_ins: tuple[int, float]) -> bytes:
    """A weight file as the library would write it: Unix seconds and kilograms."""
    encoder = FitEncoderWeight()
    encoder.write_file_info(time_created=datetime.fromtimestamp(weigh_ins[-1][0], UTC))
    for taken_at, kilograms in weigh_ins:
        encoder.write_weight_scale(taken_at, kilograms)
    encoder.finish()
    return bytes(encoder.getvalue())


def send(garmin: Garmin, content: bytes, name: str = "weight.fit") -> Any:
    """Upload bytes with the library; returns its response object, of failures too."""
    try:
        return garmin.client.request("POST", "connectapi", UPLOAD, files={"file": (name, content)})
    except GarminConnectConnectionError as problem:
        return problem.response


def first_failure(response: Any) -> dict[str, Any]:
    failure: dict[str, Any] = response.json()["detailedImportResult"]["failures"][0]
    return failure


def weigh_ins_of(garmin: Garmin, start: str = "2026-01-01", end: str = "2026-12-31") -> list[Any]:
    days = garmin.get_weigh_ins(start, end)["dailyWeightSummaries"]
    return [metric for day in days for metric in day["allWeightMetrics"]]


def pressures_of(garmin: Garmin, day: str = "2026-03-01") -> list[dict[str, Any]]:
    days = garmin.get_blood_pressure(day)["measurementSummaries"]
    return [measurement for one in days for measurement in one["measurements"]]
