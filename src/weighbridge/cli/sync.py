"""``weighbridge sync``: read what is new at Withings and deliver it; or, as a dry run, show it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

import click
import msgspec

from weighbridge.cli.cli_context import (
    CliContext,
    check_targets,
    chosen_people,
    people_option,
    refuse_unconfigured,
    targets_option,
)
from weighbridge.cli.output import print_json, say
from weighbridge.cli.sync_output import outcome_content, progress_for, report
from weighbridge.cli.times import count, window_of
from weighbridge.config import Person
from weighbridge.core.days import Window
from weighbridge.core.errors import ConfigProblem, ExitCode, Problem, most_urgent
from weighbridge.storage.accounts import connected_targets
from weighbridge.storage.ledger import FOR_EVER, Due
from weighbridge.sync.collecting import collect
from weighbridge.sync.context import Outcome, PersonSync, Route
from weighbridge.sync.pipeline import bring_up_to_date
from weighbridge.sync.planning import plan
from weighbridge.sync.services import Services
from weighbridge.sync.stored_readings import readings_at
from weighbridge.targets.base import Owed

log = logging.getLogger(__name__)

_NO_PERSON_NEEDED = (ExitCode.DONE, ExitCode.LATER)
"""With ``--quiet`` nothing is printed for these."""


@click.command("sync")
@people_option
@targets_option
@click.option(
    "--since",
    metavar="DATE",
    help="Read and deliver everything from this day on; 'all' for the whole history.",
)
@click.option("--until", metavar="DATE", help="With --since: up to and including this day.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option(
    "-q", "--quiet", is_flag=True, help="Print nothing unless you have to do something: for cron."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def command(  # noqa: PLR0913  one parameter an option
    context: CliContext,
    people: tuple[str, ...],
    targets: tuple[str, ...],
    since: str | None,
    until: str | None,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Read new measurements from Withings, store them, and deliver them to each target.

    You can stop it at any time and run it again: nothing is lost and nothing is sent twice. Run it
    from cron or a timer as often as you like.

    \b
    Exit code: 0 everything is done, 1 a delivery was rejected or is unknown,
               2 wrong usage or configuration, 3 a person must log in,
               4 not delivered yet, will be tried again.

    \b
    Examples:
      weighbridge sync
      weighbridge sync --person anna --target garmin --since 2024-01-01
      weighbridge sync --since all --dry-run
    """
    settings = context.settings()
    refuse_unconfigured(settings)
    chosen = chosen_people(settings, people)
    check_targets(chosen, targets)
    work = [(person, _window(since, until, person)) for person in chosen]
    with (
        progress_for(context, quiet=as_json or quiet) as progress,
        Services(settings, progress=progress) as services,
    ):
        if dry_run:
            return _dry_run(services, work, targets, as_json=as_json)
        outcomes = [_sync(services, person, window, targets) for person, window in work]
    code = most_urgent({outcome.exit_code for outcome in outcomes})
    if as_json:
        print_json([outcome_content(outcome) for outcome in outcomes])
    elif not (quiet and code in _NO_PERSON_NEEDED):
        report(outcomes, say)
    return code


def _window(since: str | None, until: str | None, person: Person) -> Window | None:
    if since is None and until is None:
        return None
    if since is None:
        raise ConfigProblem("--until needs --since.", remedy="Example: --since 2024-01-01")
    return window_of(since, until, person.timezone)


def _sync(
    services: Services, person: Person, window: Window | None, targets: tuple[str, ...]
) -> Outcome:
    """Sync one person. A problem of one person, even a bug of ours, never stops another."""
    try:
        return bring_up_to_date(services.person_sync(person, only=targets), window)
    except Problem as problem:
        if problem.exit_code == ExitCode.USAGE:
            raise
        return Outcome(person.name, problem=problem)
    except Exception as error:
        log.exception("sync_failed", extra={"person": person.name})
        unexpected = Problem(
            f"Something unexpected went wrong ({type(error).__name__}).",
            remedy="Nothing is lost. Please report it with the lines above.",
        )
        return Outcome(person.name, problem=unexpected)


# --- The dry run: new data is read and kept, the plan is made, shown and rolled back -----------


class PlannedLine(msgspec.Struct, frozen=True):
    """One line of what a target would be sent."""

    person: str
    target: str
    line: str


Show = Callable[[PlannedLine], None]


def _dry_run(
    services: Services,
    work: Iterable[tuple[Person, Window | None]],
    targets: tuple[str, ...],
    *,
    as_json: bool,
) -> ExitCode:
    lines: list[PlannedLine] = []
    show = lines.append if as_json else _print_line
    outcomes = [_show_plan(services, person, window, targets, show) for person, window in work]
    if as_json:
        print_json(lines)
    return most_urgent({outcome.exit_code for outcome in outcomes})


def _print_line(planned: PlannedLine) -> None:
    click.echo(f"{planned.person} {planned.target}: {planned.line}")


def _show_plan(
    services: Services,
    person: Person,
    window: Window | None,
    targets: tuple[str, ...],
    show: Show,
) -> Outcome:
    """Show what each target would be sent. Nothing is sent, and the ledger is not changed."""
    outcome = Outcome(person.name)
    _collect(services, person, window, outcome)
    with services.database.rehearsal():
        sync = services.person_sync(person, only=targets)
        plan(sync, window)
        for route in sync.routes:
            if route.selected and sync.archive:
                _show_route(sync, route, show)
    return outcome


def _collect(services: Services, person: Person, window: Window | None, outcome: Outcome) -> None:
    """Read what is new. Only targets with a route take part, so that none is connected by this."""
    connected = connected_targets(services.database, person.name)
    known = tuple(target for target in person.targets if target.name in connected)
    try:
        collect(
            services.person_sync(msgspec.structs.replace(person, targets=known)), window, outcome
        )
    except Problem as problem:
        outcome.problem = problem
        say(f"{person.name}: {problem}")


def _show_route(sync: PersonSync, route: Route, show: Show) -> None:
    if route.target is None:
        say(f"{sync.person}: {route.name} cannot be served: {route.problem}")
        return
    number = 0
    for batch in _batches(sync, route):
        number += len(batch)
        for line in route.target.preview(route.target.render(batch)):
            show(PlannedLine(sync.person, route.name, line))
    say(f"{sync.person}: {count(number, 'reading')} would be sent to {route.name}")


def _batches(sync: PersonSync, route: Route) -> Iterator[list[Owed]]:
    assert sync.archive is not None
    start, shown = 0, set[int]()
    while due := _next_due(route, start, shown):
        known = readings_at(sync.archive, (delivery.taken_at for delivery in due))
        yield [
            Owed(known[delivery.reading_id], delivery.revision, delivery.previous)
            for delivery in due
            if delivery.reading_id in known
        ]
        last = due[-1].taken_at
        shown = {delivery.id for delivery in due if delivery.taken_at == last} | (
            shown if last == start else set()
        )
        start = last


def _next_due(route: Route, start: int, shown: set[int]) -> list[Due]:
    """The next deliveries that were not shown; two readings may have the same instant."""
    assert route.target is not None
    most = route.target.batch_size + len(shown)
    due = route.ledger.due(most, now=FOR_EVER, cloud_now=FOR_EVER, start=start)
    return [delivery for delivery in due if delivery.id not in shown]
