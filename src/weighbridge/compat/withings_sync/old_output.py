"""What a run writes: FIT, JSON and raw answers into files, FIT or a table to standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from weighbridge.cli import OutputLost, is_output_error
from weighbridge.cli.output import say
from weighbridge.compat.withings_sync.old_options import Options
from weighbridge.compat.withings_sync.old_span import Span, day_of
from weighbridge.core.errors import Refused, RetryLater, StateProblem
from weighbridge.core.measures import Kind, MeasureType, Reading
from weighbridge.storage.archive import Archive
from weighbridge.storage.database import Row
from weighbridge.targets.formats.fit.fit_messages import PressureRow, WeightRow
from weighbridge.targets.formats.fit.fit_messages import Row as FitRow
from weighbridge.targets.formats.render_context import Owner, instant


class Content(msgspec.Struct, frozen=True):
    """The readings of a run and whose they are."""

    readings: Sequence[Reading]
    owner: Owner
    archive: Archive
    span: Span
    now: float


def content_of(archive: Archive, owner: Owner, span: Span, now: float, options: Options) -> Content:
    """Weigh-ins, and blood pressures when they are wanted."""
    wanted = {Kind.BODY: MeasureType.WEIGHT}
    if options.blood_pressure:
        wanted[Kind.BLOOD_PRESSURE] = MeasureType.SYSTOLIC
    readings = [
        reading
        for reading in span.readings(archive)
        if any(m.type_code == wanted.get(reading.kind) for m in reading.measurements)
        and _is_on_calendar(reading, owner)
    ]
    return Content(readings, owner, archive, span, now)


def _is_on_calendar(reading: Reading, owner: Owner) -> bool:
    try:
        instant(reading, owner)
    except Refused as problem:
        say(f"{reading.reading_id} is left out. {problem}")
        return False
    return True


def write_files(content: Content, options: Options) -> None:
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


def write_standard_output(content: Content, options: Options) -> None:
    """What ``--no-upload`` gives: a table to a terminal, else FIT (or JSON, if only that).

    Weigh-ins and blood pressures are two FIT files, one after the other, as FIT allows.
    """
    try:
        _write(content, options)
    except OSError as error:
        if is_output_error(error):
            raise OutputLost(error) from error
        raise


def _write(content: Content, options: Options) -> None:
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


def table(content: Content) -> Iterator[str]:
    """The readings as a person looks at them."""
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


def _fit_rows(content: Content) -> tuple[list[FitRow], list[FitRow]]:
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


def _json(content: Content) -> bytes:
    import json

    from weighbridge.compat.withings_sync.named_values import named_values

    return json.dumps(named_values(content.readings, content.owner), indent=4).encode()


def _raw_path(content: Content, options: Options) -> Path:
    if options.output is not None:
        return Path(f"{options.output}.withings_raw.json")
    zone = content.owner.timezone
    first = content.span.first_day(zone)
    last = content.span.days.last or day_of(content.now, zone)
    return Path(f"withings_raw_{first:%Y%m%d}_{last:%Y%m%d}.json")


def _raw(content: Content) -> bytes:
    """One answer of getmeas: the groups of the span byte for byte as they came, in one page."""
    rows = _groups(content)
    body = {
        "updatetime": int(content.now),
        "timezone": rows[-1]["zone"] if rows else None,
        "measuregrps": [msgspec.Raw(row["raw"].encode()) for row in rows],
    }
    return msgspec.json.encode({"status": 0, "body": body})


def _groups(content: Content) -> list[Row]:
    """Every group of the span, also those of which no reading comes."""
    span, archive = content.span, content.archive
    start = span.days.start if span.since is None else int(span.since)
    rows = {row["group_id"]: row for row in archive.groups(start, span.days.end)}
    for reading in span.readings(archive):
        if reading.taken_at < start:  # it came late
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
