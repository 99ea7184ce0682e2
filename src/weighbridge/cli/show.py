"""``weighbridge show``: the last readings, and how the weight went."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import click

from weighbridge.archive.archive import account_archive
from weighbridge.archive.database import Database
from weighbridge.archive.recollection import last_readings
from weighbridge.cli.session import Session, chosen_people, print_json, say
from weighbridge.config import Person
from weighbridge.errors import ExitCode
from weighbridge.measures import Kind, MeasureType, Reading

COLUMNS = (
    ("weight kg", MeasureType.WEIGHT, 2),
    ("fat %", MeasureType.FAT_RATIO, 1),
    ("muscle kg", MeasureType.MUSCLE_MASS, 1),
    ("systolic", MeasureType.SYSTOLIC, 0),
    ("diastolic", MeasureType.DIASTOLIC, 0),
    ("pulse", MeasureType.PULSE, 0),
)
BARS = "▁▂▃▄▅▆▇█"
CHART_WIDTH = 60


@click.command("show")
@click.option("--last", default=14, show_default=True, metavar="N", help="How many readings.")
@click.option("--person", "people", multiple=True, metavar="NAME", help="Only this person.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON lines, exact.")
@click.pass_obj
def command(session: Session, last: int, people: tuple[str, ...], as_json: bool) -> int:
    """Show the last readings as a table with a small trend chart of the weight.

    \b
    Example: weighbridge show --person anna --last 30
    """
    settings = session.settings()
    with Database(settings.home) as database:
        for person in chosen_people(settings, people):
            archive = account_archive(database, person.name)
            found = last_readings(archive, max(last, 1)) if archive else []
            if as_json:
                print_json([_content(person, reading) for reading in found])
            elif found:
                _print(person, found)
            else:
                say(f"There is nothing of {person.name} yet. Next: weighbridge sync")
    return ExitCode.DONE


def _content(person: Person, reading: Reading) -> dict[str, object]:
    import msgspec

    from weighbridge.formats import jsonl
    from weighbridge.formats.owner import Owner

    line = jsonl.encode(reading, Owner(person.name, person.timezone))
    content: dict[str, object] = msgspec.json.Decoder(float_hook=Decimal).decode(line)
    return content


def _print(person: Person, found: Sequence[Reading]) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = [c for c in COLUMNS if any(r.get(c[1]) is not None for r in found)]
    table = Table(title=person.name, title_justify="left", box=None, header_style="bold")
    table.add_column("time", no_wrap=True)
    for name, _, _ in shown:
        table.add_column(name, justify="right")
    table.add_column("reading", no_wrap=True)
    for reading in found:
        cells = [_rounded(reading.get(code), digits) for _, code, digits in shown]
        table.add_row(_local_time(person, reading), *cells, reading.reading_id)
    console = Console(width=None if _is_terminal() else 120)
    console.print(table)
    weights = [w for r in found if r.kind == Kind.BODY and (w := r.get(MeasureType.WEIGHT))]
    if len(weights) > 1:
        console.print(f"weight  {sparkline(weights)}  {_span(weights)}", highlight=False)


def _is_terminal() -> bool:
    import sys

    return sys.stdout.isatty()


def _span(weights: Sequence[Decimal]) -> str:
    change = weights[-1] - weights[0]
    return (
        f"{_rounded(min(weights), 1)} to {_rounded(max(weights), 1)} kg, "
        f"change {'+' if change >= 0 else ''}{_rounded(change, 1)} kg"
    )


def sparkline(values: Sequence[Decimal]) -> str:
    """One bar a value, at most 60: the lowest and the highest value span the whole height."""
    values = values[-CHART_WIDTH:]
    low, high = min(values), max(values)
    if low == high:
        return BARS[3] * len(values)
    steps = len(BARS) - 1
    return "".join(
        BARS[int(((value - low) / (high - low) * steps).to_integral_value(ROUND_HALF_UP))]
        for value in values
    )


def _rounded(value: Decimal | None, digits: int) -> str:
    if value is None:
        return ""
    return str(value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _local_time(person: Person, reading: Reading) -> str:
    """Where the person lives, else where it was measured, else UTC: never the host's zone."""
    name = person.timezone or reading.timezone
    try:
        place = ZoneInfo(name) if name else datetime.UTC
        local = datetime.datetime.fromtimestamp(reading.taken_at, place)
    except (LookupError, ValueError, OSError, OverflowError):
        local = datetime.datetime.fromtimestamp(reading.taken_at, datetime.UTC)
    return local.strftime("%a %Y-%m-%d %H:%M")
