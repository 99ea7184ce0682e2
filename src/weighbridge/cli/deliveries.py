"""``weighbridge deliveries``: list deliveries, and retry, skip or accept them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from weighbridge.cli.cli_context import (
    CliContext,
    check_targets,
    chosen_people,
    open_database,
    people_option,
    targets_option,
)
from weighbridge.cli.output import echo, print_json, say
from weighbridge.cli.times import count, moment
from weighbridge.config import Person
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import ConfigProblem, ExitCode
from weighbridge.core.reason import read_reason
from weighbridge.core.records import instant_of
from weighbridge.storage.accounts import route_ids
from weighbridge.storage.database import Database, Row
from weighbridge.storage.delivery_log import (
    ALL_OF,
    Decision,
    decide_about,
    deliveries_before,
    in_states,
    newest_of_reading,
)


@click.group("deliveries")
def command() -> None:
    """List deliveries, and retry, skip or accept them.

    \b
    Examples:
      weighbridge deliveries list --state rejected
      weighbridge deliveries retry --all
      weighbridge deliveries accept 20240127T173209Z-7c1f2a
    """


@command.command("list")
@people_option
@targets_option
@click.option(
    "--state",
    type=click.Choice([state.value for state in State]),
    metavar="STATE",
    help=f"Only deliveries in this state: {', '.join(State)}.",
)
@click.option(
    "--last",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    metavar="N",
    help="How many of each target.",
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_obj
def list_deliveries(  # noqa: PLR0913  one parameter an option
    context: CliContext,
    people: tuple[str, ...],
    targets: tuple[str, ...],
    state: str | None,
    last: int,
    as_json: bool,
) -> int:
    """List deliveries, newest first.

    \b
    Example:
      weighbridge deliveries list --person anna --state held
    """
    settings = context.settings()
    chosen = chosen_people(settings, people)
    check_targets(chosen, targets)
    with open_database(settings) as database:
        rows = list(_rows(database, chosen, targets, state, last))
    if as_json:
        print_json([delivery_content(row) for row in rows])
        return ExitCode.DONE
    for line in _lines(rows):
        echo(line)
    if not rows:
        nothing = "There are no deliveries yet. Run: weighbridge sync"
        say("There are no such deliveries." if state or targets else nothing)
    return ExitCode.DONE


_FINISHED = frozenset({State.DELIVERED, State.CONFIRMED, State.SUPERSEDED})


def _lines(rows: list[Row]) -> Iterator[str]:
    """One line for each delivery; below an open one, the answer of the target."""
    people = max((len(row["person"]) for row in rows), default=0)
    targets = max((len(row["target"]) for row in rows), default=0)
    for row in rows:
        tried = f"  ({count(row['attempts'], 'attempt')})" if row["attempts"] > 1 else ""
        yield (
            f"{row['reading_id']}  {row['person']:<{people}}  {row['target']:<{targets}}"
            f"  {row['state']}{tried}"
        )
        if row["answer"] and row["state"] not in _FINISHED:
            yield f"    {_said(row)}"


def _said(row: Row) -> str | None:
    why = read_reason(row["answer"])
    return why.sentences() if why else None


def _rows(
    database: Database,
    people: list[Person],
    targets: tuple[str, ...],
    state: str | None,
    most: int,
) -> Iterator[Row]:
    states = () if state is None else (State(state),)
    for route in _routes(database, people, targets):
        yield from deliveries_before(database, (route,), states, most=most)


def _routes(database: Database, people: list[Person], targets: tuple[str, ...]) -> list[int]:
    return route_ids(database, [person.name for person in people], targets)


def delivery_content(row: Row) -> dict[str, Any]:
    """One delivery for scripts; times are UTC."""
    return {
        "reading": row["reading_id"],
        "person": row["person"],
        "target": row["target"],
        "state": row["state"],
        "revision": row["revision"],
        "attempts": row["attempts"],
        "planned_at": moment(row["planned_at"]),
        "claimed_at": moment(row["claimed_at"]),
        "done_at": moment(row["done_at"]),
        "reference": row["reference"],
        "answer": _said(row),
    }


def _decision(decision: Decision, what: str, text: str) -> None:
    """Add the command of one decision. ``what``: the deliveries that ``--all`` means."""

    @command.command(decision.value, help=text)
    @click.argument("reading", required=False)
    @click.option("--all", "everything", is_flag=True, help=f"All deliveries that are {what}.")
    @people_option
    @targets_option
    @click.pass_obj
    def decide(
        context: CliContext,
        reading: str | None,
        everything: bool,
        people: tuple[str, ...],
        targets: tuple[str, ...],
    ) -> int:
        if (reading is None) != everything:
            raise ConfigProblem(
                "Name one reading, or add --all.",
                remedy="List them with: weighbridge deliveries list",
            )
        settings = context.settings()
        chosen = chosen_people(settings, people)
        check_targets(chosen, targets)
        with open_database(settings) as database:
            if reading is None:
                rows = in_states(database, _routes(database, chosen, targets), ALL_OF[decision])
            else:
                rows = _of_reading(database, chosen, targets, reading)
            changed = decide_about(database, rows, decision, time.time())
        say(_result(decision, changed, rows, what))
        return ExitCode.DONE


def _result(decision: Decision, changed: int, rows: list[Row], what: str) -> str:
    """What a decision changed, or why it changed nothing."""
    if changed:
        done = f"{count(changed, 'delivery', 'deliveries')} changed."
        return done if decision is Decision.SKIP else f"{done} Next: weighbridge sync"
    if not rows:
        return f"Nothing is {what}: nothing was changed."
    states = ", ".join(f"{row['state']} at {row['target']}" for row in rows)
    return f"There is nothing to {decision}: the reading is {states}."


def _of_reading(
    database: Database, people: list[Person], targets: tuple[str, ...], reading: str
) -> list[Row]:
    taken_at = instant_of(reading)
    rows = [
        row
        for person in people
        if taken_at is not None
        for row in newest_of_reading(database, person.name, taken_at, reading)
        if not targets or row["target"] in targets
    ]
    if not rows:
        raise ConfigProblem(
            f'There is no delivery of a reading "{reading}".',
            remedy="List them with: weighbridge deliveries list",
        )
    return rows


_decision(
    Decision.RETRY,
    "rejected or unknown",
    "Send readings again that were rejected or may not have arrived. A target that can be read is "
    "checked first: a reading that is already there is not sent twice.\n\n\b\n"
    "Example:\n  weighbridge deliveries retry 20240127T173209Z-7c1f2a",
)
_decision(
    Decision.SKIP,
    "rejected, unknown or held",
    "Do not send these readings, unless they change.\n\n\b\n"
    "Example:\n  weighbridge deliveries skip --all --target garmin",
)
_decision(
    Decision.ACCEPT,
    "held",
    "Confirm that a held reading belongs to this person, and deliver it. A reading that was "
    "rejected or whose outcome is unknown is marked as delivered instead.\n\n\b\n"
    "Example:\n  weighbridge deliveries accept 20240127T173209Z-7c1f2a",
)
