"""The figures of the pages: a household of four with ten years of invented data."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from statistics import median

from command_costs import row
from pages_server import PEOPLE, YEARS, PagesServer, pages_server
from process_usage import format_figure, memory
from server_process import Answer

EACH_RUN = 5
HISTORY = "/history/anna"
TEN_YEARS = "?measure=weight&range=all"


def pages_rows(runs: int) -> Iterator[str]:
    """The lines of the table."""
    with pages_server() as server:
        yield row("server with ten years of four, RSS (PSS) MiB", str(memory(server.pid)), "60")
        yield from _answer_rows(server, "overview of four", "/", runs, ("50", "30"))
        address = f"{HISTORY}/data.json{TEN_YEARS}"
        number = len(json.loads(gzip.decompress(server.get(address).body))["columns"][0])
        name = f"history JSON, {number:,} weights in {YEARS} years"
        yield from _answer_rows(server, name, address, runs, ("100", "-"))
        yield from _answer_rows(server, "history page with its picture", HISTORY + TEN_YEARS, runs)
        yield from _answer_rows(server, "deliveries", "/deliveries", runs)
        yield row("uPlot draws these weights in Chromium, ms", drawing_ms(server, runs), "200")
        for person in PEOPLE:
            for path in ("/history/{}", "/diary/{}", "/history/{}/chart.svg", "/card/{}"):
                server.get(path.format(person))
        yield row("server after all of these, RSS (PSS) MiB", str(memory(server.pid)), "60")


def _answer_rows(
    server: PagesServer, name: str, path: str, runs: int, promised: tuple[str, str] = ("-", "-")
) -> Iterator[str]:
    """The median time of many requests, and the size of one answer."""
    answers = [server.get(path) for _ in range(runs * EACH_RUN)]
    if {answer.status for answer in answers} != {200}:
        raise SystemExit(f"{path} was answered with {answers[0].status}")
    seconds = median(answer.seconds for answer in answers)
    yield row(f"{name}, wall ms", f"{seconds * 1000:.0f}", promised[0])
    yield row("  compressed KB", f"{compressed_size(answers[0]) / 1000:.0f}", promised[1])


def compressed_size(answer: Answer) -> int:
    """Bytes. Pages with forms are sent uncompressed, for the proxy: their size is that of gzip."""
    return len(answer.body if answer.encoding else gzip.compress(answer.body, 5))


def drawing_ms(server: PagesServer, runs: int) -> str:
    """The median of several visits."""
    try:
        from chart_drawing import drawing_seconds

        return format_figure(drawing_seconds(server, HISTORY + TEN_YEARS, runs) * 1000, ".0f")
    except ImportError:
        return "unknown"
