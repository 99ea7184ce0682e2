"""``weighbridge why``: why one reading is where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.cli_context import CliContext, chosen_people, open_database, people_option
from weighbridge.cli.output import echo, print_json
from weighbridge.cli.times import count, local_time, moment
from weighbridge.config import Person
from weighbridge.core.commands import command_line, login_command
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import ConfigProblem, ExitCode
from weighbridge.core.measures import Kind, MeasureGroup, Reading, field_name
from weighbridge.core.reason import read_reason
from weighbridge.storage.database import Row
from weighbridge.sync.explain import (
    Attribution,
    Reasons,
    TargetReasons,
    WhyNotOwed,
    attribution_of,
    reasons_of,
)
from weighbridge.sync.planner import PASSED_OVER
from weighbridge.targets.formats.render_context import number

if TYPE_CHECKING:
    from weighbridge.sync.services import Services


@click.command("why")
@click.argument("reading_id", metavar="READING")
@people_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(context: CliContext, reading_id: str, people: tuple[str, ...], as_json: bool) -> int:
    """Show where a reading came from, where it was delivered, and what holds it up.

    READING is the name that show, deliveries and the files use.

    \b
    Example:
      weighbridge why 20240127T173209Z-7c1f2a
    """
    settings = context.settings()
    chosen = chosen_people(settings, people)
    open_database(settings).close()  # none is made here
    from weighbridge.sync.services import Services

    with Services(settings) as services:
        for person in chosen:
            found = explain(services, person, reading_id)
            if found is not None:
                if as_json:
                    print_json(found)
                else:
                    _print(found, person)
                return ExitCode.DONE
    raise ConfigProblem(
        f'There is no reading "{reading_id}" in the archive.',
        remedy="List the newest ones with: weighbridge show",
    )


def explain(services: Services, person: Person, reading_id: str) -> dict[str, Any] | None:
    """All that is known of a reading; None when this person has none of that name."""
    found = reasons_of(services, person, reading_id)
    if found is None:
        return None
    reading, taken_at = found.reading, found.taken_at
    return {
        "reading": reading_id,
        "person": person.name,
        "taken_at": moment(taken_at),
        "local_time": local_time(taken_at, person.timezone, reading.timezone if reading else None),
        "kind": reading.kind if reading else None,
        "device": reading.model if reading else None,
        "values": _values(reading),
        "groups": [_group(group) for group in found.groups],
        "targets": [_target(found, one) for one in found.targets],
    }


def _values(reading: Reading | None) -> dict[str, str]:
    if reading is None:
        return {}
    return {field_name(one.type_code): number(one) for one in reading.measurements}


_ATTRIBUTIONS = {
    Attribution.CERTAIN: "measured by a device, certainly this person",
    Attribution.DOUBTFUL: "measured by a device, but it may have been another person",
    Attribution.BY_HAND: "entered by hand",
    Attribution.CHOSEN: "chosen on the scale among several people",
    Attribution.AT_THE_START: "entered when the account was made, may be inaccurate",
    Attribution.BEST_OF_SEVERAL: "the best of several measurements",
    Attribution.AGREED: "confirmed by the person",
    Attribution.GUIDED: "measured under guided conditions",
    Attribution.UNDOCUMENTED: "not documented",
}


def _group(group: MeasureGroup) -> dict[str, Any]:
    return {
        "group": group.group_id,
        "stored_at": moment(group.stored_at),
        "changed_at": moment(group.updated_at),
        "attribution": group.attribution,
        "attribution_means": _ATTRIBUTIONS[attribution_of(group)],
        "types": list(dict.fromkeys(field_name(m.type_code) for m in group.measurements)),
    }


def _target(found: Reasons, one: TargetReasons) -> dict[str, Any]:
    row = one.delivery
    if row is None:
        reason, then = _why_not(found, one)
        return {"target": one.target.name, "state": "not owed", "answer": reason, "next": then}
    return {
        "target": one.target.name,
        "state": row["state"],
        "attempts": row["attempts"],
        "planned_at": moment(row["planned_at"]),
        "done_at": moment(row["done_at"]),
        "reference": row["reference"] or None,
        "answer": _said(row["answer"]) or _MEANING[State(row["state"])],
        "next": _next(found.person, row),
    }


def _said(answer: str | None) -> str | None:
    why = read_reason(answer)
    return why.sentences() if why else None


def _next(person: Person, row: Row) -> str | None:
    """What a person may do; None when there is nothing to do."""
    text = _NEXT.get(State(row["state"]))
    if text is None:
        return None
    login = login_command(row["target"], person.name)
    return text.format(reading=row["reading_id"], login=login)


def _why_not(found: Reasons, one: TargetReasons) -> tuple[str, str | None]:
    """Why a reading is not owed to a target, and what a person may do about it."""
    assert one.absence is not None, "without a delivery there is a reason"
    if one.problem is not None:
        return f"The target cannot be used: {one.problem.message}", one.problem.remedy
    target = one.target.name
    then = None
    if one.absence in (WhyNotOwed.BEFORE_SINCE, WhyNotOwed.BEFORE_CONNECTED):
        then = _send(found, target)
    elif one.absence is WhyNotOwed.NOT_PLANNED:
        then = "Run: weighbridge sync"
    return _ABSENCES[one.absence].format(target=target), then


_ABSENCES = {
    WhyNotOwed.GONE: "The reading is no longer there.",
    WhyNotOwed.NOTHING_TAKEN: "It holds nothing that {target} takes.",
    WhyNotOwed.PASSED_OVER: PASSED_OVER.message(),
    WhyNotOwed.NOT_PLANNED: "It was not planned yet.",
    WhyNotOwed.BEFORE_SINCE: "It is older than the day given as since for {target}.",
    WhyNotOwed.BEFORE_CONNECTED: "It is older than the day on which {target} was connected.",
}


def _send(found: Reasons, target: str) -> str:
    person, reading = found.person, found.reading
    zone = reading.timezone if reading else None
    day = local_time(found.taken_at, person.timezone, zone)[:10]
    words = ("--person", person.name, "--target", target, "--since", day, "--until", day)
    return f"Send it all the same: {command_line('sync', *words)}"


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
    State.REJECTED: "Decide with: weighbridge deliveries retry {reading} (or skip, or accept)",
    State.UNKNOWN: "The next sync looks whether it arrived, before it sends anything again.",
    State.BLOCKED: "Run: {login}",
    State.HELD: "Is it yours? Run: weighbridge deliveries accept {reading} (else skip)",
    State.SKIPPED: "Changed your mind? Run: weighbridge deliveries retry {reading}",
}


def _print(found: dict[str, Any], person: Person) -> None:
    what = f"{_KINDS.get(found['kind'], found['kind'])} of" if found["kind"] else "no longer there,"
    echo(f"{found['reading']}: {what} {person.name}")
    echo(f"  taken {found['local_time']} ({found['taken_at']})")
    if found["kind"]:
        _print_origin(found)
    echo("Targets:" if found["targets"] else f"{person.name} has no targets.")
    for target in found["targets"]:
        tried = f", {count(target['attempts'], 'attempt')}" if target.get("attempts") else ""
        echo(f"  {target['target']}: {target['state']}{tried}")
        echo(f"    {target['answer']}")
        if target.get("next"):
            echo(f"    {target['next']}")


_KINDS = {Kind.BODY: "weight or body composition", Kind.BLOOD_PRESSURE: "blood pressure"}


def _print_origin(found: dict[str, Any]) -> None:
    import textwrap

    echo(f"  device: {found['device'] or 'none (entered by hand or imported)'}")
    for name, value in found["values"].items():
        echo(f"  {name}: {value}")
    echo("Measure groups:")
    for group in found["groups"]:
        line = f"{group['group']}: {', '.join(group['types'])}"
        click.echo(textwrap.fill(line, 79, initial_indent="  ", subsequent_indent="    "))
        echo(f"    stored {group['stored_at']}")
        echo(f"    {group['attribution_means']}")
