"""``weighbridge show``: the last readings, and a small chart of the weight."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import click

from weighbridge.cli.cli_context import CliContext, chosen_people, open_database, people_option
from weighbridge.cli.output import say
from weighbridge.cli.times import local_time
from weighbridge.config import Person
from weighbridge.core.errors import ExitCode
from weighbridge.core.measures import Kind, MeasureType, Reading
from weighbridge.storage.archive import account_archive
from weighbridge.storage.database import Database
from weighbridge.sync.stored_readings import last_readings
from weighbridge.targets.formats.render_context import one_decimal

BARS = "▁▂▃▄▅▆▇█"
CHART_WIDTH = 60
HEADS = ("time", "kg", "fat %", "muscle", "mmHg", "pulse", "reading")
LEFT_ALIGNED = frozenset({"time", "reading"})


@click.command("show")
@click.option(
    "--last",
    type=click.IntRange(1),
    default=14,
    show_default=True,
    metavar="N",
    help="How many readings.",
)
@people_option
@click.option("--json", "as_json", is_flag=True, help="Print exact values as JSON lines.")
@click.pass_obj
def command(context: CliContext, last: int, people: tuple[str, ...], as_json: bool) -> int:
    """Show the last readings as a table with a small trend chart of the weight.

    \b
    Examples:
      weighbridge show
      weighbridge show --person anna --last 30
    """
    settings = context.settings()
    chosen = chosen_people(settings, people)
    with open_database(settings) as database:
        for number, person in enumerate(chosen):
            archive = account_archive(database, person.name)
            found = last_readings(archive, last) if archive else []
            if as_json:
                _print_lines(database, person, found)
            elif found:
                click.echo("\n" * bool(number) + click.style(person.name, bold=True))
                _print_table(person, found)
                _print_trend(found)
            else:
                say(f"There are no readings of {person.name} yet. Run: weighbridge sync")
    return ExitCode.DONE


def _print_lines(database: Database, person: Person, found: Sequence[Reading]) -> None:
    """Print the lines of ``export --format json``."""
    from weighbridge.cli.export import owner_of
    from weighbridge.targets.formats import jsonl_format

    owner = owner_of(database, person)
    for reading in found:
        click.echo(jsonl_format.encode(reading, owner), nl=False)


def _print_table(person: Person, found: Sequence[Reading]) -> None:
    """Print a table that fits 80 columns; empty columns are left out."""
    rows = [HEADS, *(_cells(person, reading) for reading in found)]
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    for number, row in enumerate(zip(*columns, strict=True)):
        cells = [
            cell.ljust(width) if column[0] in LEFT_ALIGNED else cell.rjust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        line = "  ".join(cells).rstrip()
        click.echo(line if number else click.style(line, bold=True))


def _cells(person: Person, reading: Reading) -> tuple[str, ...]:
    """One cell for each of HEADS."""
    systolic = _rounded(reading, MeasureType.SYSTOLIC, 0)
    diastolic = _rounded(reading, MeasureType.DIASTOLIC, 0)
    return (
        local_time(reading.taken_at, person.timezone, reading.timezone),
        _rounded(reading, MeasureType.WEIGHT, 2),
        _rounded(reading, MeasureType.FAT_RATIO, 1),
        _rounded(reading, MeasureType.MUSCLE_MASS, 1),
        f"{systolic}/{diastolic}" if systolic or diastolic else "",
        _rounded(reading, MeasureType.PULSE, 0),
        reading.reading_id,
    )


def _print_trend(found: Sequence[Reading]) -> None:
    weights = [w for r in found if r.kind == Kind.BODY and (w := _value(r, MeasureType.WEIGHT))]
    if len(weights) < 2:
        return
    weights = weights[-CHART_WIDTH:]
    chart = sparkline(weights)
    if _can_print(chart):
        click.echo(f"weight  {chart}")
    change = weights[-1] - weights[0]
    click.echo(
        f"        {one_decimal(min(weights))} to {one_decimal(max(weights))} kg, "
        f"change {'+' if change > 0 else ''}{one_decimal(change)} kg"
    )


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def sparkline(values: Sequence[Decimal]) -> str:
    """One bar for each value, scaled from the lowest to the highest value."""
    low, high = min(values), max(values)
    if low == high:
        return BARS[3] * len(values)
    steps = len(BARS) - 1
    return "".join(
        BARS[int(((value - low) / (high - low) * steps).to_integral_value(ROUND_HALF_UP))]
        for value in values
    )


def _rounded(reading: Reading, code: int, digits: int) -> str:
    """Rounded half up; empty when it was not measured."""
    value = _value(reading, code)
    if value is None:
        return ""
    return str(value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _value(reading: Reading, code: int) -> Decimal | None:
    """The value; None also for an impossible number, which would break the table."""
    try:
        value = reading.get(code)
    except ArithmeticError:
        return None
    return value if value is not None and abs(value) < 100_000 else None
