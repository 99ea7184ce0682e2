"""The figures of the pages: a household of four with ten years of invented data."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from statistics import median

from family import PEOPLE, YEARS, Answer, Family, family
from idling import memory, shown
from stand import row

EACH_RUN = 5
HISTORY = "/history/anna"
TEN_YEARS = "?measure=weight&range=all"


def pages_rows(runs: int) -> Iterator[str]:
    """The lines of the table."""
    with family() as home:
        yield row("server with ten years of four, RSS (PSS) MiB", str(memory(home.pid)), "60")
        yield from _answer_rows(home, "overview of four", "/", runs, ("50", "30"))
        address = f"{HISTORY}/data.json{TEN_YEARS}"
        number = len(json.loads(gzip.decompress(home.get(address).body))["columns"][0])
        name = f"history JSON, {number:,} weights in {YEARS} years"
        yield from _answer_rows(home, name, address, runs, ("100", "-"))
        yield from _answer_rows(home, "history page with its picture", HISTORY + TEN_YEARS, runs)
        yield from _answer_rows(home, "deliveries", "/deliveries", runs)
        yield row("uPlot draws these weights in Chromium, ms", drawing_ms(home, runs), "200")
        for person in PEOPLE:
            for path in ("/history/{}", "/diary/{}", "/history/{}/chart.svg", "/card/{}"):
                home.get(path.format(person))
        yield row("server after all of these, RSS (PSS) MiB", str(memory(home.pid)), "60")


def _answer_rows(
    home: Family, name: str, path: str, runs: int, promised: tuple[str, str] = ("-", "-")
) -> Iterator[str]:
    """The time of the middle one of many, and the size of one."""
    answers = [home.get(path) for _ in range(runs * EACH_RUN)]
    if {answer.status for answer in answers} != {200}:
        raise SystemExit(f"{path} was answered with {answers[0].status}")
    seconds = median(answer.seconds for answer in answers)
    yield row(f"{name}, wall ms", f"{seconds * 1000:.0f}", promised[0])
    yield row("  compressed KB", f"{compressed_size(answers[0]) / 1000:.0f}", promised[1])


def compressed_size(answer: Answer) -> int:
    """Bytes, by gzip if the server sent it as it is: pages with forms are left to the proxy."""
    return len(answer.body if answer.encoding else gzip.compress(answer.body, 5))


def drawing_ms(home: Family, runs: int) -> str:
    """The middle one of some visits."""
    try:
        from drawing import drawing_seconds

        return shown(drawing_seconds(home, HISTORY + TEN_YEARS, runs) * 1000, ".0f")
    except ImportError:
        return "unknown"
