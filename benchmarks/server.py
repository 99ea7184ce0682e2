"""The figures of the server, measured from its first start to its last.

The order matters: the flood uses all calls that Withings allows in a minute.
"""

from __future__ import annotations

from collections.abc import Iterator

from command_costs import row
from measured_server import MeasuredServer, server_with
from notifications import BURST, CROWD, RATE, Answers, crowd, flood, latency, requests_of_a_burst
from process_usage import format_figure, idle_processor, memory, start_to_ready

GROUPS = 10_000
WEIGH_INS = 4
"""For each run: the time to a message varies more than all other figures."""
PAGES = ("/sign-in", "/metrics")


def server_rows(runs: int) -> Iterator[str]:
    """The lines of the table."""
    with server_with(GROUPS) as server:
        server.start("/healthz")
        server.wait_for_first_sync()
        yield from _idle_rows(server)
        yield from _latency_rows(server, runs * WEIGH_INS)
        name = f"{len(BURST)} notifications about one weigh-in, requests to Withings"
        yield row(name, requests_of_a_burst(server, runs), "1")
        name = f"{RATE} notifications a second, different ones, answer p99 ms"
        yield from _answer_rows(name, flood(server), "50")
        name = f"{CROWD} notifications at once, slowest answer ms"
        yield from _answer_rows(name, crowd(server), "-")
        yield row("server is alive after all of these", "yes" if server.is_alive() else "no", "yes")
        yield row("server after all of these, RSS (PSS) MiB", str(memory(server.pid)), "-")
        yield row("server start to ready, wall s", f"{start_to_ready(server, runs):.2f}", "1.5")


def _idle_rows(server: MeasuredServer) -> Iterator[str]:
    name = f"server idle after {GROUPS:,} groups"
    yield row(f"{name}, RSS (PSS) MiB", str(memory(server.pid)), "60")
    for page in PAGES:
        server.status(page)
    yield row(f"{name} and a page, RSS (PSS) MiB", str(memory(server.pid)), "60")
    share = format_figure(idle_processor(server.pid), ".2f")
    yield row("server idle for 30 s, % of a core", share, "0.5")


def _latency_rows(server: MeasuredServer, times: int) -> Iterator[str]:
    found = latency(server, times)
    own = found.whole - found.request
    name = "notification to MQTT message, median ms"
    yield row(name, f"{found.whole * 1000:.1f}", "-")
    yield row("the same request to Withings alone, median ms", f"{found.request * 1000:.1f}", "-")
    yield row("notification to MQTT message, our own part, ms", f"{own * 1000:.1f}", "15")


def _answer_rows(name: str, answers: Answers, promised: str) -> Iterator[str]:
    seconds = answers.slowest if promised == "-" else answers.p99
    yield row(name, f"{seconds * 1000:.0f}", promised)
    counts = f"{answers.good} + {answers.stored}"
    yield row("  answered 200 + stored", counts, f"{answers.sent} + {answers.sent}")
