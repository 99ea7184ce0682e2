"""The log events that the documentation lists are those of the program."""

from __future__ import annotations

import re

import pytest

from fixtures.paths import ROOT

PAGE = (ROOT / "docs" / "how-to" / "server.md").read_text("utf-8")
LISTED = sorted(
    {
        name
        for line in PAGE.partition("## Its log")[2].partition("\n## ")[0].splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split(" | ")[0])
    }
)
CODE = "".join(path.read_text("utf-8") for path in (ROOT / "src" / "weighbridge").rglob("*.py"))


def test_the_page_lists_the_events_that_need_a_person() -> None:
    assert {"job_failed", "thread_failed", "notifications_not_stored", "alert"} <= set(LISTED)


@pytest.mark.parametrize("event", LISTED)
def test_each_event_of_the_page_is_logged_somewhere(event: str) -> None:
    assert re.search(rf'log\.\w+\(\s*(level,\s*)?"{event}"', CODE)
