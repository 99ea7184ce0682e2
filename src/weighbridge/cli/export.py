"""``weighbridge export``: readings as JSON lines, CSV or FIT."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import click

from weighbridge.cli.cli_context import CliContext, chosen_people, open_database, people_option
from weighbridge.cli.output import say
from weighbridge.cli.times import count, window_of
from weighbridge.config import Person
from weighbridge.core.days import Window
from weighbridge.core.errors import ConfigProblem, ExitCode, Refused, StateProblem
from weighbridge.core.measures import Kind, Reading
from weighbridge.storage.archive import account_archive
from weighbridge.storage.database import Database
from weighbridge.storage.points import Points
from weighbridge.sync.stored_readings import readings_between
from weighbridge.targets.formats import csv_format, jsonl_format
from weighbridge.targets.formats.render_context import Owner

if TYPE_CHECKING:
    from weighbridge.targets.formats.fit_messages import PressureRow, WeightRow


@click.command("export")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["json", "csv", "fit"]),
    required=True,
    help="JSON lines, CSV or FIT.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write this file; without it, standard output.",
)
@people_option
@click.option("--since", metavar="DATE", help="Readings from this day on.")
@click.option("--until", metavar="DATE", help="Readings up to and including this day.")
@click.option("--blood-pressure", is_flag=True, help="With FIT: blood pressure, not weigh-ins.")
@click.pass_obj
def command(  # noqa: PLR0913  one parameter an option
    context: CliContext,
    shape: str,
    output: str | None,
    people: tuple[str, ...],
    since: str | None,
    until: str | None,
    blood_pressure: bool,
) -> int:
    """Write readings from the archive. No service is contacted.

    Days are local days of the person: in the configured timezone, or in the timezone of each
    reading.

    \b
    Examples:
      weighbridge export --format csv -o anna.csv --person anna
      weighbridge export --format json --since 2024-01-01 | jq .weight_kg
      weighbridge export --format fit -o year.fit --person anna --since 2024-01-01
    """
    settings = context.settings()
    wanted = [
        Selection(person, window_of(since, until, person.timezone))
        for person in chosen_people(settings, people)
    ]
    if shape == "fit" and len(wanted) > 1:
        raise ConfigProblem("A FIT file holds one person's readings.", remedy="Add --person NAME.")
    if shape == "fit" and output is None and sys.stdout.isatty():
        raise ConfigProblem("A terminal cannot show a FIT file.", remedy="Add -o FILE.")
    with open_database(settings) as database:
        if shape == "fit":
            kind = Kind.BLOOD_PRESSURE if blood_pressure else Kind.BODY
            chunks = _fit(database, wanted[0], kind)
        else:
            chunks = _lines(database, wanted, csv_format if shape == "csv" else jsonl_format)
        number = _write(chunks, output)
    if output:
        say(f"{count(number, 'reading')} written to {output}")
    return ExitCode.DONE


class Selection(NamedTuple):
    """The readings to write: of one person, on some days."""

    person: Person
    window: Window


Chunk = tuple[bytes, int]
"""Bytes, and the number of readings in them."""


def _lines(database: Database, wanted: list[Selection], lines: ModuleType) -> Iterator[Chunk]:
    if lines.HEADER:
        yield lines.HEADER, 0
    for selection in wanted:
        owner = owner_of(database, selection.person)
        for reading in _readings(database, selection):
            try:
                yield lines.encode(reading, owner), 1
            except Refused as problem:
                say(f"{reading.reading_id} is left out: {problem}")


def _fit(database: Database, selection: Selection, kind: str) -> Iterator[Chunk]:
    from weighbridge.targets.formats.fit_format import encode, fit_part, pressure_row, weight_row

    owner = owner_of(database, selection.person)
    rows: list[WeightRow | PressureRow] = []
    for reading in _readings(database, selection):
        if reading.kind != kind or not fit_part(reading):
            continue
        try:
            if kind == Kind.BODY:
                rows.append(weight_row(reading, owner.height_m))
            else:
                rows.append(pressure_row(reading))
        except Refused as problem:
            say(f"{reading.reading_id} is left out: {problem}")
    if not rows:
        raise ConfigProblem(
            "There are no readings for a FIT file.",
            remedy="Choose other days, or run: weighbridge sync",
        )
    yield encode(rows), len(rows)


def _readings(database: Database, selection: Selection) -> Iterator[Reading]:
    archive = account_archive(database, selection.person.name)
    if archive is not None:
        for reading in readings_between(archive, selection.window.start, selection.window.end):
            if selection.window.holds(reading):
                yield reading


def owner_of(database: Database, person: Person) -> Owner:
    """The person as formats need it: with the configured height, or the newest measured one."""
    if person.height_cm is not None:
        return Owner(person.name, person.timezone, person.height_cm / 100)
    archive = account_archive(database, person.name)
    return Owner(person.name, person.timezone, Points(archive).height() if archive else None)


def _write(chunks: Iterable[Chunk], output: str | None) -> int:
    """Write to standard output, or to a file that is replaced only by a complete one."""
    if output is None:
        number = _copy(chunks, sys.stdout.buffer.write)
        sys.stdout.buffer.flush()
        return number
    path = Path(output)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            number = _copy(chunks, file.write)
        part.replace(path)
    except OSError as error:
        raise StateProblem(
            f"{path} cannot be written: {error.strerror}.", remedy="Choose another file with -o."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return number


def _copy(chunks: Iterable[Chunk], write: Callable[[bytes], object]) -> int:
    total = 0
    for content, number in chunks:
        write(content)
        total += number
    return total
