"""``weighbridge why``: why one reading is where it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from weighbridge.archive.archive import Archive, account_archive
from weighbridge.archive.database import Database, Row
from weighbridge.archive.decisions import newest_of_reading
from weighbridge.archive.recollection import readings_at
from weighbridge.cli.session import Session, chosen_people, print_json
from weighbridge.cli.times import moment
from weighbridge.config import Person
from weighbridge.errors import ConfigProblem, ExitCode
from weighbridge.measures import Reading, field_name
from weighbridge.plan.planner import State
from weighbridge.plan.readings import instant_of


@click.command("why")
@click.argument("reading_id", metavar="READING")
@click.option("--person", "people", multiple=True, metavar="NAME", help="Only this person.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(session: Session, reading_id: str, people: tuple[str, ...], as_json: bool) -> int:
    """Say where a reading came from, where it went, and what holds it.

    READING is the name that show, deliveries and the files use.

    \b
    Example: weighbridge why 20240127T173209Z-7c1f2a
    """
    settings = session.settings()
    with Database(settings.home) as database:
        for person in chosen_people(settings, people):
            found = explain(database, person, reading_id)
            if found is not None:
                _print(found, as_json)
                return ExitCode.DONE
    raise ConfigProblem(
        f"There is no reading {reading_id!r} in the archive.",
        remedy="List the newest ones with: weighbridge show",
    )


def explain(database: Database, person: Person, reading_id: str) -> dict[str, Any] | None:
    """All that is known of a reading; None when this person has none of that name."""
    taken_at = instant_of(reading_id)
    archive = account_archive(database, person.name)
    if taken_at is None or archive is None:
        return None
    reading = readings_at(archive, [taken_at]).get(reading_id)
    rows = newest_of_reading(database, person.name, taken_at, reading_id)
    if reading is None and not rows:
        return None
    return {
        "reading": reading_id,
        "person": person.name,
        "taken_at": moment(taken_at),
        "kind": reading.kind if reading else None,
        "device": reading.model if reading else None,
        "values": _values(reading),
        "groups": list(_groups(archive, reading)),
        "targets": [_target(person, target.name, reading, rows) for target in person.targets],
    }


def _values(reading: Reading | None) -> dict[str, str]:
    if reading is None:
        return {}
    return {field_name(one.type_code): format(one.value, "f") for one in reading.measurements}


_ATTRIBUTIONS = {
    0: "measured by a device, certainly this person",
    1: "measured by a device, but it may have been somebody else",
    2: "entered by hand",
    3: "chosen on the scale among several people",
    4: "entered when the account was made, may be inaccurate",
    5: "the best of several measurements",
    7: "confirmed by the person",
    8: "measured by a device, certainly this person",
    15: "measured under guided conditions",
    17: "measured under guided conditions",
}


def _groups(archive: Archive, reading: Reading | None) -> Iterator[dict[str, Any]]:
    from weighbridge.withings.parse import parse_group

    if reading is None:
        return
    for row in archive.groups(reading.taken_at, reading.taken_at):
        if row["group_id"] not in reading.group_ids:
            continue
        group = parse_group(row["raw"].encode(), zone=row["zone"])
        yield {
            "group": group.group_id,
            "stored_at": moment(group.stored_at),
            "changed_at": moment(group.updated_at),
            "attribution": group.attribution,
            "attribution_means": _ATTRIBUTIONS.get(group.attribution, "not documented"),
            "types": [field_name(one.type_code) for one in group.measurements],
        }


def _target(
    person: Person, target: str, reading: Reading | None, rows: list[Row]
) -> dict[str, Any]:
    row = next((row for row in rows if row["target"] == target), None)
    if row is None:
        return {"target": target, "state": "not owed", "answer": _why_not(target, reading)}
    return {
        "target": target,
        "state": row["state"],
        "attempts": row["attempts"],
        "planned_at": moment(row["planned_at"]),
        "done_at": moment(row["done_at"]),
        "reference": row["reference"] or None,
        "answer": row["answer"] or _MEANING[State(row["state"])],
        "next": _next(person, row),
    }


def _next(person: Person, row: Row) -> str | None:
    """What a person may do; None when there is nothing to do."""
    text = _NEXT.get(State(row["state"]))
    if text is None:
        return None
    return text.format(reading=row["reading_id"], target=row["target"], person=person.name)


def _why_not(target: str, reading: Reading | None) -> str:
    if reading is None:
        return "The reading is no longer there."
    return (
        f"It was taken before {target} was connected (send it with sync --since), or it holds "
        "nothing that this target takes, or it was not planned yet (sync does that)."
    )


_MEANING = {
    State.PLANNED: "It is owed.",
    State.SENDING: "It is being sent.",
    State.DELIVERED: "The target accepted it.",
    State.CONFIRMED: "It was seen at the target.",
    State.REJECTED: "The target refused it.",
    State.UNKNOWN: "It may have arrived.",
    State.BLOCKED: "A person must log in at this target first.",
    State.HELD: "The owner is in doubt.",
    State.SUPERSEDED: "A newer revision took its place.",
    State.SKIPPED: "It will not be sent.",
}

_NEXT = {
    State.PLANNED: "The next sync sends it.",
    State.REJECTED: "Decide with: weighbridge deliveries retry|skip|accept {reading}",
    State.UNKNOWN: "The next sync looks whether it arrived, before it sends anything again.",
    State.BLOCKED: "Run: weighbridge login {target} --person {person}",
    State.HELD: "Is it yours? Run: weighbridge deliveries accept {reading} (or skip {reading})",
    State.SKIPPED: "Changed your mind? Run: weighbridge deliveries retry {reading}",
}


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    what = f"{found['kind']} of" if found["kind"] else "a reading that is no longer there, of"
    click.echo(f"{found['reading']}: {what} {found['person']}, {found['taken_at']}")
    if found["kind"]:
        _print_origin(found)
    click.echo("It went to:")
    for target in found["targets"]:
        attempts = f" after {target['attempts']} attempts" if target.get("attempts") else ""
        click.echo(f"  {target['target']}: {target['state']}{attempts}")
        click.echo(f"    {target['answer']}")
        if target.get("next"):
            click.echo(f"    {target['next']}")


def _print_origin(found: dict[str, Any]) -> None:
    click.echo(f"  device: {found['device'] or 'none (entered by hand or imported)'}")
    for name, value in found["values"].items():
        click.echo(f"  {name}: {value}")
    click.echo("It came from:")
    for group in found["groups"]:
        click.echo(f"  group {group['group']}: {', '.join(group['types'])}")
        click.echo(f"    stored {group['stored_at']}, {group['attribution_means']}")
