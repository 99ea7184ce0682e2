"""What a run writes: FIT, JSON and raw answers into files, FIT or a table to standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from weighbridge.cli import OutputLost, is_output_error
from weighbridge.cli.output import say
from weighbridge.compat.withings_sync.command_line import CommandOptions
from weighbridge.compat.withings_sync.run_plan import RunPeriod, day_of
from weighbridge.core.errors import Refused, RetryLater, StateProblem
from weighbridge.core.measures import Kind, MeasureType, Reading
from weighbridge.storage.archive import Archive
from weighbridge.storage.database import Row
from weighbridge.targets.formats.fit_messages import PressureRow, WeightRow
from weighbridge.targets.formats.fit_messages import Row as FitRow
from weighbridge.targets.formats.render_context import Owner, instant


class OutputContent(msgspec.Struct, frozen=True):
    """The readings of a run, and the person they belong to."""

    readings: Sequence[Reading]
    owner: Owner
    archive: Archive
    period: RunPeriod
    now: float


def content_of(
    archive: Archive, owner: Owner, period: RunPeriod, now: float, options: CommandOptions
) -> OutputContent:
    """Weigh-ins, and blood pressures when they are wanted."""
    wanted = {Kind.BODY: MeasureType.WEIGHT}
    if options.blood_pressure:
        wanted[Kind.BLOOD_PRESSURE] = MeasureType.SYSTOLIC
    readings = [
        reading
        for reading in period.readings(archive)
        if any(m.type_code == wanted.get(reading.kind) for m in reading.measurements)
        and _is_on_calendar(reading, owner)
    ]
    return OutputContent(readings, owner, archive, period, now)


def _is_on_calendar(reading: Reading, owner: Owner) -> bool:
    try:
        instant(reading, owner)
    except Refused as problem:
        say(f"{reading.reading_id} is left out. {problem}")
        return False
    return True


def write_files(content: OutputContent, options: CommandOptions) -> None:
    """The files that were asked for. Raises StateProblem."""
    if options.dump_raw:
        _replace(_raw_path(content, options), _raw(content))
    if options.output is None:
        return
    if options.to_fit:
        weigh_ins, pressures = _fit_rows(content)
        for rows, name in ((weigh_ins, "weight"), (pressures, "blood_pressure")):
            if rows:
                _replace(Path(f"{options.output}.{name}.fit"), _encoded(rows))
    if options.to_json:
        _replace(Path(f"{options.output}.json"), _json(content))


def write_standard_output(content: OutputContent, options: CommandOptions) -> None:
    """What ``--no-upload`` gives: a table to a terminal, else FIT (or JSON, if only that).

    Weigh-ins and blood pressures are two FIT files, one after the other, as FIT allows.
    """
    try:
        _write(content, options)
    except OSError as error:
        if is_output_error(error):
            raise OutputLost(error) from error
        raise


def _write(content: OutputContent, options: CommandOptions) -> None:
    if sys.stdout.isatty():
        for line in table(content):
            sys.stdout.write(f"{line}\n")
        return
    if options.to_json and not options.to_fit:
        sys.stdout.buffer.write(_json(content) + b"\n")
    else:
        for rows in _fit_rows(content):
            sys.stdout.buffer.write(_encoded(rows) if rows else b"")
    sys.stdout.buffer.flush()


def table(content: OutputContent) -> Iterator[str]:
    """The readings as lines for a person."""
    from weighbridge.compat.withings_sync.named_values import named_values

    shown = ("Weight", "Fat_Ratio", "Muscle_Mass", "Percent_Hydration", "Bone_Mass", "BMI")
    pressure = ("Systolic_Blood_Pressure", "Diastolic_Blood_Pressure", "Heart_Pulse")
    for time, values in named_values(content.readings, content.owner).items():
        columns = [
            f"{name.replace('_', ' ')} {values[name]['Value']} {values[name]['Unit']}".rstrip()
            for name in (*shown, *pressure)
            if name in values and values[name]["Value"] is not None
        ]
        yield f"{time}  {', '.join(columns)}"


def _fit_rows(content: OutputContent) -> tuple[list[FitRow], list[FitRow]]:
    """Weigh-ins and blood pressures, oldest first."""
    from weighbridge.targets.formats.fit_format import fit_part, row

    rows: list[FitRow] = []
    for reading in content.readings:
        if not fit_part(reading):
            continue
        try:
            rows.append(row(reading, content.owner.height_m))
        except Refused as problem:
            say(f"{reading.reading_id} is left out. {problem}")
    weigh_ins = [one for one in rows if isinstance(one, WeightRow)]
    return [*weigh_ins], [one for one in rows if isinstance(one, PressureRow)]


def _encoded(rows: Sequence[FitRow]) -> bytes:
    from weighbridge.targets.formats.fit_format import encode

    return encode(rows)


def _json(content: OutputContent) -> bytes:
    import json

    from weighbridge.compat.withings_sync.named_values import named_values

    return json.dumps(named_values(content.readings, content.owner), indent=4).encode()


def _raw_path(content: OutputContent, options: CommandOptions) -> Path:
    if options.output is not None:
        return Path(f"{options.output}.withings_raw.json")
    zone = content.owner.timezone
    first = content.period.first_day(zone)
    last = content.period.days.last or day_of(content.now, zone)
    return Path(f"withings_raw_{first:%Y%m%d}_{last:%Y%m%d}.json")


def _raw(content: OutputContent) -> bytes:
    """One answer of getmeas: the groups of the period byte for byte as they came, in one page."""
    rows = _groups(content)
    body = {
        "updatetime": int(content.now),
        "timezone": rows[-1]["zone"] if rows else None,
        "measuregrps": [msgspec.Raw(row["raw"].encode()) for row in rows],
    }
    return msgspec.json.encode({"status": 0, "body": body})


def _groups(content: OutputContent) -> list[Row]:
    """Every group of the period, even without a reading."""
    period, archive = content.period, content.archive
    start = period.days.start if period.since is None else int(period.since)
    rows = {row["group_id"]: row for row in archive.groups(start, period.days.end)}
    for reading in period.readings(archive):
        if reading.taken_at < start:  # it arrived late
            found = archive.groups(reading.taken_at, reading.taken_at)
            rows |= {r["group_id"]: r for r in found if r["group_id"] in reading.group_ids}
    return sorted(rows.values(), key=lambda row: (row["taken_at"], row["group_id"]))


def _replace(path: Path, content: bytes) -> None:
    from weighbridge.targets.formats.disk import replace, trouble_with

    try:
        with trouble_with(path):
            replace(path, [content])
    except RetryLater as problem:
        raise StateProblem(problem.message, remedy=problem.remedy) from problem
    say(f"Written: {path}")
