"""The figures of the server: one house, measured from its first start to its last.

The order matters: the flood uses up the calls that Withings allows in a minute.
"""

from __future__ import annotations

from collections.abc import Iterator

from house import House, house_with
from idling import idle_processor, memory, shown, start_to_ready
from notifying import BURST, CROWD, RATE, Answers, crowd, flood, latency, requests_of_a_burst
from stand import row

GROUPS = 10_000
WEIGH_INS = 4
"""For each run: the time to a message differs more from one to the next than all else here."""
PAGES = ("/sign-in", "/metrics")


def server_rows(runs: int) -> Iterator[str]:
    """The lines of the table."""
    with house_with(GROUPS) as house:
        house.start("/healthz")
        house.wait_for_first_sync()
        yield from _idle_rows(house)
        yield from _latency_rows(house, runs * WEIGH_INS)
        name = f"{len(BURST)} notifications about one weigh-in, requests to Withings"
        yield row(name, requests_of_a_burst(house, runs), "1")
        name = f"{RATE} notifications a second, different ones, answer p99 ms"
        yield from _answer_rows(name, flood(house), "50")
        name = f"{CROWD} notifications at once, slowest answer ms"
        yield from _answer_rows(name, crowd(house), "-")
        yield row("server is alive after all of these", "yes" if house.is_alive() else "no", "yes")
        yield row("server after all of these, RSS (PSS) MiB", str(memory(house.pid)), "-")
        yield row("server start to ready, wall s", f"{start_to_ready(house, runs):.2f}", "1.5")


def _idle_rows(house: House) -> Iterator[str]:
    name = f"server idle after {GROUPS:,} groups"
    yield row(f"{name}, RSS (PSS) MiB", str(memory(house.pid)), "60")
    for page in PAGES:
        house.status(page)
    yield row(f"{name} and a page, RSS (PSS) MiB", str(memory(house.pid)), "60")
    share = shown(idle_processor(house.pid), ".2f")
    yield row("server idle for 30 s, % of a core", share, "0.5")


def _latency_rows(house: House, times: int) -> Iterator[str]:
    found = latency(house, times)
    own = found.whole - found.request
    name = "notification to MQTT message, median ms"
    yield row(name, f"{found.whole * 1000:.1f}", "-")
    yield row("the same request to Withings alone, median ms", f"{found.request * 1000:.1f}", "-")
    yield row("notification to MQTT message, our own part, ms", f"{own * 1000:.1f}", "15")


def _answer_rows(name: str, answers: Answers, promised: str) -> Iterator[str]:
    seconds = answers.slowest if promised == "-" else answers.p99
    yield row(name, f"{seconds * 1000:.0f}", promised)
    fate = f"{answers.good} + {answers.stored}"
    yield row("  answered 200 + stored", fate, f"{answers.sent} + {answers.sent}")
