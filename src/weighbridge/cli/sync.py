"""``weighbridge sync``: bring everybody up to date."""

from __future__ import annotations

import logging
from collections.abc import Callable

import click

from weighbridge.cli.cli_context import (
    CliContext,
    check_targets,
    chosen_people,
    refuse_unconfigured,
)
from weighbridge.cli.output import print_json, say
from weighbridge.config import Person
from weighbridge.core.days import Window
from weighbridge.core.errors import ConfigProblem, ExitCode, Problem, most_urgent
from weighbridge.sync.context import Outcome

log = logging.getLogger(__name__)


@click.command("sync", short_help="Bring everybody up to date.")
@click.option("--person", "people", multiple=True, metavar="NAME", help="Only this person.")
@click.option("--target", "targets", multiple=True, metavar="NAME", help="Only this target.")
@click.option(
    "--since",
    metavar="DATE",
    help="Read and deliver everything from this day on; 'all' for everything there is.",
)
@click.option("--until", metavar="DATE", help="With --since: up to this day, included.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option(
    "-q", "--quiet", is_flag=True, help="Say nothing unless a person is needed: for cron."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_obj
def command(  # noqa: PLR0913  one parameter an option
    session: CliContext,
    people: tuple[str, ...],
    targets: tuple[str, ...],
    since: str | None,
    until: str | None,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Read what is new at Withings, keep it, and deliver what is owed to each target.

    Safe to stop anywhere and to run again: nothing is lost and nothing is sent twice. Run it from
    cron or a timer as often as you like.

    \b
    Exit code: 0 nothing is left undone, 1 something was rejected or is unknown,
               2 wrong usage or configuration, 3 a person must log in,
               4 not delivered yet, will be tried again.

    \b
    Examples:
      weighbridge sync
      weighbridge sync --person anna --target garmin --since 2024-01-01
      weighbridge sync --since all --dry-run
    """
    settings = session.settings()
    refuse_unconfigured(settings)
    chosen = chosen_people(settings, people)
    check_targets(chosen, targets)
    windows = [_window(since, until, person) for person in chosen]
    from weighbridge.cli.sync_progress import progress_for
    from weighbridge.cli.sync_report import outcome_content, report
    from weighbridge.sync.services import Services

    lines: list[dict[str, str]] = []
    with progress_for(session, quiet=as_json or quiet) as progress:
        outcomes = []
        with Services(settings, progress=progress) as workplace:
            for person, window in zip(chosen, windows, strict=True):
                if dry_run:
                    from weighbridge.cli.sync_rehearsal import rehearse

                    show = _keeper(lines) if as_json else _print_line
                    outcomes.append(rehearse(workplace, person, window, targets, show))
                else:
                    outcomes.append(_bring(workplace, person, window, targets))
    code = most_urgent({outcome.exit_code for outcome in outcomes})
    if as_json:
        print_json(lines if dry_run else [outcome_content(outcome) for outcome in outcomes])
    elif not dry_run and not (quiet and code in _BY_ITSELF):
        report(outcomes, say)
    return code


def _print_line(person: str, target: str, line: str) -> None:
    click.echo(f"{person} {target}: {line}")


def _keeper(lines: list[dict[str, str]]) -> Callable[[str, str, str], None]:
    def keep(person: str, target: str, line: str) -> None:
        lines.append({"person": person, "target": target, "line": line})

    return keep


_BY_ITSELF = (ExitCode.DONE, ExitCode.LATER)
"""Nobody has to do anything: with ``--quiet`` nobody is told."""


def _bring(
    workplace: object, person: Person, window: Window | None, targets: tuple[str, ...]
) -> Outcome:
    """One person's trouble, even a defect of ours, never stops another."""
    from weighbridge.sync.pipeline import bring_up_to_date
    from weighbridge.sync.services import Services

    assert isinstance(workplace, Services)
    try:
        return bring_up_to_date(workplace.road(person, only=targets), window)
    except Problem as problem:
        if problem.exit_code == ExitCode.USAGE:
            raise
        return Outcome(person.name, problem=problem)
    except Exception as error:
        log.exception("sync_failed", extra={"person": person.name})
        trouble = Problem(
            f"Something unexpected went wrong ({type(error).__name__}).",
            remedy="Nothing is lost. Please report it with the lines above.",
        )
        return Outcome(person.name, problem=trouble)


def _window(since: str | None, until: str | None, person: Person) -> Window | None:
    if since is None and until is None:
        return None
    if since is None:
        raise ConfigProblem("--until needs --since.", remedy="Example: --since 2024-01-01")
    from weighbridge.cli.times import window_of

    return window_of(since, until, person.timezone)
