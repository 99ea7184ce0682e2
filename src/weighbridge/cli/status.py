"""``weighbridge status``: for each person and target, how things stand."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click
import msgspec

from weighbridge.cli.cli_context import (
    CliContext,
    chosen_people,
    people_option,
    refuse_unconfigured,
)
from weighbridge.cli.output import echo, print_json
from weighbridge.cli.times import ago, count, moment, span
from weighbridge.config import Person, TargetSettings
from weighbridge.core.commands import login_command
from weighbridge.core.errors import most_urgent
from weighbridge.core.reason import Reason
from weighbridge.storage.database import Database, connect, has_database
from weighbridge.sync.status import (
    SourceState,
    SourceStatus,
    TargetState,
    TargetStatus,
    source_status,
    target_status,
)


class TargetReport(msgspec.Struct):
    """One target of one person. The keys are documented in the reference of file formats."""

    target: str
    verdict: str
    exit_code: int
    problem: str | None = None
    last_success: str | None = None
    open: dict[str, int] = {}
    not_seen_yet: int = 0
    paused_until: str | None = None
    sign_in_blocked_until: str | None = None


class PersonReport(msgspec.Struct):
    """One person."""

    person: str
    connected: bool
    verdict: str
    exit_code: int
    problem: str | None
    last_success: str | None
    not_understood: int
    targets: list[TargetReport]


@click.command("status")
@people_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(context: CliContext, people: tuple[str, ...], as_json: bool) -> int:
    """Show the state of each person and target. No service is contacted.

    \b
    Exit code, as of sync: 0 everything is done, 1 look at a delivery, 3 log in,
               4 not delivered yet.

    \b
    Examples:
      weighbridge status
      weighbridge status --json
    """
    settings = context.settings()
    chosen = chosen_people(settings, people)
    now = time.time()
    if not has_database(settings.home):
        refuse_unconfigured(settings)
        found = [_person_status(None, person, now) for person in chosen]
    else:
        with connect(settings.home) as database:
            found = [_person_status(database, person, now) for person in chosen]
    if as_json:
        print_json(found)
    else:
        for line in _lines(found):
            echo(line)
    codes = {person.exit_code for person in found}
    return most_urgent(codes | {t.exit_code for person in found for t in person.targets})


def _person_status(database: Database | None, person: Person, now: float) -> PersonReport:
    """How one person stands; None: there is no database yet."""
    source = source_status(database, person.name)
    verdict, problem = _say_source(person.name, source, now)
    return PersonReport(
        person=person.name,
        connected=source.connected,
        verdict=verdict,
        exit_code=source.exit_code,
        problem=problem,
        last_success=moment(source.checked_at),
        not_understood=source.not_understood,
        targets=[_status_of(database, person.name, target, now) for target in person.targets],
    )


def _say_source(person: str, source: SourceStatus, now: float) -> tuple[str, str | None]:
    """A few words, and what to do."""
    log_in = f"Run: {login_command('withings', person)}"
    match source.verdict:
        case SourceState.NOT_CONNECTED:
            return "not connected", log_in
        case SourceState.LOGIN_NEEDED:
            why = source.trouble.message() if source.trouble else ""
            return "needs a login", f"{why} {log_in}".lstrip()
        case SourceState.IN_TROUBLE:
            return (
                f"in trouble for {span(now - (source.trouble_at or now))}",
                _said(source.trouble),
            )
        case SourceState.NOT_READ_YET:
            return "connected, not read yet", "Run: weighbridge sync"
        case SourceState.WELL:
            return f"read {ago(source.checked_at or now, now)}", None


def _status_of(
    database: Database | None, person: str, target: TargetSettings, now: float
) -> TargetReport:
    standing = target_status(database, person, target, now)
    verdict, problem = _say_target(standing, now), _said(standing.trouble)
    if standing.verdict is TargetState.NOT_SIGNED_IN:
        problem = f"Run: {login_command(target.name, person)}"
    return TargetReport(
        target=target.name,
        verdict=verdict,
        exit_code=standing.exit_code,
        problem=problem,
        last_success=moment(standing.succeeded_at),
        open=dict(standing.open),
        not_seen_yet=standing.unseen,
        paused_until=moment(standing.pause_until),
        sign_in_blocked_until=moment(standing.sign_in_blocked_until),
    )


def _said(why: Reason | None) -> str | None:
    return why.sentences() if why else None


_WORDS = {
    "planned": "waiting",
    "sending": "being sent",
    "unknown": "may have arrived",
    "blocked": "waiting for a login",
    "held": "held because the owner is in doubt",
    "rejected": "rejected",
}


def _say_target(standing: TargetStatus, now: float) -> str:
    if standing.verdict is TargetState.NOT_SIGNED_IN:
        return "not signed in"
    if standing.verdict is TargetState.NOT_SERVED_YET:
        return "not served yet"
    counts = standing.open
    parts = [f"{counts[state]} {words}" for state, words in _WORDS.items() if counts.get(state)]
    if standing.unseen:
        parts.append(f"{standing.unseen} accepted but not seen there yet")
    text = ", ".join(parts) or "up to date"
    if standing.succeeded_at:
        text += f", last success {ago(standing.succeeded_at, now)}"
    return text


def _lines(found: list[PersonReport]) -> Iterator[str]:
    for person in found:
        yield f"{person.person}: Withings {person.verdict}"
        if person.problem:
            yield f"    {person.problem}"
        if person.not_understood:
            groups = count(person.not_understood, "measure group")
            kept = "it is kept" if person.not_understood == 1 else "they are kept"
            yield f"    {groups} could not be understood; {kept}, the rest went on."
        for target in person.targets:
            yield from _target_lines(target)
    states = {state: None for person in found for target in person.targets for state in target.open}
    yield from (_HINTS[state] for state in states if state in _HINTS)


def _target_lines(target: TargetReport) -> Iterator[str]:
    yield f"  {target.target}: {target.verdict}"
    if target.problem:
        yield f"    {target.problem}"
    if target.paused_until:
        yield f"    It asked to be left alone until {target.paused_until}."
    if target.sign_in_blocked_until:
        yield f"    Sign-in is blocked until {target.sign_in_blocked_until}."


_HINTS = {
    "held": "See what is held: weighbridge deliveries list --state held",
    "rejected": "See what is rejected: weighbridge deliveries list --state rejected",
    "unknown": "See what is unknown: weighbridge deliveries list --state unknown",
}
