"""Numbers that people rely on stand in the code once, and the pages that name them are right.

Change a number in the code, and the test of its name fails until the page says the same.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from fixtures.paths import ROOT
from weighbridge.config.models import ServerSettings, usual_settle
from weighbridge.runtime import jobs, poll_policy
from weighbridge.sync import collecting
from weighbridge.targets import load_kind
from weighbridge.targets.garmin.garmin_options import GarminOptions
from weighbridge.web import http_connection, sessions


class Number(NamedTuple):
    """A number of the code, what it is, and a page with the words that name it."""

    code: float
    value: float
    page: str
    words: str


LIMITS = http_connection.USUAL
NUMBERS = {
    "seconds for the head of a request": Number(
        LIMITS.head, 10, "reference/http.md", "The head of a request has 10 seconds"
    ),
    "bytes of the head of a request": Number(
        LIMITS.head_bytes, 16 * 1024, "reference/http.md", "10 seconds and 16 KiB"
    ),
    "seconds for the body of a request": Number(
        LIMITS.body, 15, "reference/http.md", "a body 15 seconds"
    ),
    "seconds between two requests": Number(
        LIMITS.idle, 5, "reference/http.md", "the pause between two requests 5 seconds"
    ),
    "open connections": Number(
        LIMITS.connections, 800, "reference/http.md", "At most 800 connections are open"
    ),
    "hours without a visit that end a session": Number(
        sessions.IDLE_SECONDS / 3600,
        12,
        "reference/http.md",
        "it ends after twelve hours without a visit",
    ),
    "days after which a session ends": Number(
        sessions.SESSION_SECONDS / 86_400, 7, "reference/http.md", "after a week at the latest"
    ),
    "minutes between two polls": Number(
        ServerSettings().poll_minutes, 180, "how-to/server.md", "polls every three hours"
    ),
    "seconds in which a reading settles for Garmin": Number(
        usual_settle(load_kind("garmin")), 10, "explanation/promises.md", "ten seconds after its"
    ),
    "seconds in which a reading settles for MQTT": Number(
        usual_settle(load_kind("mqtt")), 0, "explanation/readings.md", "with 0, as for MQTT"
    ),
    "seconds for which an upload to Garmin is believed to be on its way": Number(
        GarminOptions().resend_after,
        600,
        "reference/targets.md",
        "`resend_after` | number | `600.0`",
    ),
    "seconds before the cursor from which changes are asked for": Number(
        collecting.OVERLAP,
        300,
        "decisions/0005-the-cursor-is-the-clock-of-the-service.md",
        "the request begins five minutes earlier",
    ),
    "seconds of one burst of notifications": Number(
        poll_policy.SAME_BURST, 1, "architecture.md", "for those that come within a second of it"
    ),
    "seconds until Withings is asked once more after a burst": Number(
        jobs.LOOK_BACK, 60, "architecture.md", "a minute later Withings is asked once more"
    ),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_what_its_page_says(name: str) -> None:
    number = NUMBERS[name]
    assert number.code == number.value, f"{name}: change docs/{number.page} and this table, too"
    page = (ROOT / "docs" / number.page).read_text("utf-8")
    assert number.words in " ".join(page.split()), f"{name}: docs/{number.page} says it otherwise"
